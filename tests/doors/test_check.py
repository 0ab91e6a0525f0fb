"""newsletter check: a careful editor's eye, for people, for scripts and for pull requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.author import HELLO, readers_of

if TYPE_CHECKING:
    from tests.support.author import Author


@pytest.fixture(autouse=True)
def without_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spelling and spam depend on what is installed; tests/contracts/test_editors_programs.py is about them."""
    monkeypatch.setenv("PATH", "/nowhere")


EMPTY = "We met at [ESTIM]() in Metz, and [read more](http://example.org/a/b).\n"
PREHEADER = "title: Hello\npreheader: What it is about\n"


def test_a_finding_says_where_what_and_how_to_mend_it_and_an_error_ends_with_3(author: Author) -> None:
    author.issue(EMPTY, head=PREHEADER)
    answer = author.run("check", HELLO, "--offline")
    assert answer.code == 3
    first, fix, *_ = answer.out.splitlines()
    assert first == f"issues/{HELLO}.md:7:11: error: the link “ESTIM” leads nowhere [link-empty]"
    assert fix == "  → write its address, or take the brackets away"
    assert "1 error, 2 warnings" in answer.err


def test_warnings_are_told_and_only_strict_takes_them_for_errors(author: Author) -> None:
    author.issue("See [the museum](http://museum.example.org/now).\n", head=PREHEADER)
    assert author.run("check", HELLO, "--offline").code == 0
    assert author.run("check", HELLO, "--offline", "--strict").code == 3


def test_json_has_the_keys_that_scripts_rely_on(author: Author) -> None:
    author.issue(EMPTY, head=PREHEADER)
    answer = author.run("check", HELLO, "--offline", "--json")
    first = json.loads(answer.out)[0]
    assert [*first] == ["rule", "severity", "path", "line", "column", "message", "fix"]
    assert (first["rule"], first["line"], first["column"]) == ("link-empty", 7, 11)


def test_sarif_tells_of_waived_findings_as_suppressed_with_the_reason(author: Author) -> None:
    author.issue("[ESTIM]()\n", head=f"{PREHEADER}waive:\n  link-empty: it comes on Monday\n")
    answer = author.run("check", HELLO, "--offline", "--format", "sarif")
    assert answer.code == 0
    log = json.loads(answer.out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "it comes on Monday"}]
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"issues/{HELLO}.md"


def test_github_gets_an_annotation_a_line_whatever_stands_in_the_text(author: Author) -> None:
    author.issue("[100 % sûr, oui: là]()\n", head=PREHEADER)
    answer = author.run("check", HELLO, "--offline", "--format", "github")
    (line,) = answer.out.splitlines()
    assert line.startswith(f"::error file=issues/{HELLO}.md,line=7,col=1,title=link-empty::the link “100 %25 sûr")
    assert "%0A→ write its address" in line


def test_what_cannot_be_rendered_is_a_finding_as_well_and_hinders_no_other_issue(author: Author) -> None:
    author.issue("Hello {{ subscriber.frist_name }}.\n", head=PREHEADER)
    answer = author.run("check", HELLO, "--offline", "--json")
    assert answer.code == 3
    (finding,) = json.loads(answer.out)
    assert (finding["rule"], finding["line"]) == ("readable", 7)


def test_a_missing_image_does_not_hide_what_else_is_wrong(author: Author) -> None:
    author.issue("![The choir on the stairs](choir.jpg)\n\n[ESTIM]()\n", head=PREHEADER)
    found = json.loads(author.run("check", HELLO, "--offline", "--json").out)
    assert {"readable", "link-empty"} <= {each["rule"] for each in found}


def test_it_counts_those_of_the_audience_who_lack_what_is_printed(author: Author) -> None:
    author.issue("You live in {{ subscriber.fields.city }}.\n", head=PREHEADER)
    author.reader("zoe@example.org", fields={"city": "Metz"})
    author.reader("max@example.org")
    (finding,) = (
        each
        for each in json.loads(author.run("check", HELLO, "--offline", "--json").out)
        if each["rule"] == "field-missing"
    )
    assert finding["message"] == "1 of 2 recipients have no fields.city"
    assert finding["line"] == 7
    some = author.run("check", HELLO, "--offline", "--json", "--segment", "city = Metz")
    assert all(each["rule"] != "field-missing" for each in json.loads(some.out))


def test_explain_says_why_with_a_bad_and_a_good_example(author: Author) -> None:
    answer = author.run("check", "--explain", "link-empty")
    assert answer.code == 0
    assert "A link that leads nowhere" in answer.out
    assert "Bad:" in answer.out
    wrong = author.run("check", "--explain", "link-emty")
    assert wrong.code == 2
    assert "did you mean 'link-empty'?" in wrong.err


@pytest.mark.parametrize("arguments", [(), ("no-such-issue",)])
def test_without_an_issue_it_says_what_is_missing(author: Author, arguments: tuple[str, ...]) -> None:
    author.issue("Hello.")
    assert author.run("check", *arguments).code in {2, 3}


def test_an_error_stops_publish_until_it_is_mended_or_waived(author: Author) -> None:
    author.reader("zoe@example.org")
    author.issue("We met at [ESTIM]() in Metz.\n", head=PREHEADER)
    with author.inbox() as inbox:
        refused = author.run("publish", HELLO, "--yes")
        assert refused.code == 3
        assert f"issues/{HELLO}.md:7:11: the link “ESTIM” leads nowhere [link-empty]" in refused.err
        assert readers_of(inbox) == []
        author.issue("We met at [ESTIM]() in Metz.\n", head=f"{PREHEADER}waive:\n  link-empty: it comes on Monday\n")
        assert author.run("publish", HELLO, "--yes").code == 0
        assert readers_of(inbox) == ["zoe@example.org"]


def test_publish_tells_how_many_warnings_there_are_and_goes_on(author: Author) -> None:
    author.reader("zoe@example.org")
    author.issue("See [the museum](http://museum.example.org/now).\n", head=PREHEADER)
    with author.inbox():
        answer = author.run("publish", HELLO, "--yes")
    assert answer.code == 0
    assert f"1 warning: newsletter check {HELLO} tells more" in answer.err


def test_many_issues_are_read_by_several_processes_and_told_in_their_order(author: Author) -> None:
    names = [f"2026-{number:02}" for number in range(1, 17)]
    for name in names:
        author.issue("[ESTIM]()\n", name=name, head=PREHEADER.replace("Hello", f"Hello {name}"))
    author.issue("{{ subscriber.frist_name }}\n", name="2026-03", head=PREHEADER)
    answer = author.run_process("check", *names, "--offline", "--json")
    assert answer.code == 3
    found = [(each["path"], each["rule"]) for each in answer.report if each["severity"] == "error"]
    wrong = {"2026-03": "readable"}
    assert found == [(f"issues/{name}.md", wrong.get(name, "link-empty")) for name in names]


def test_a_misspelt_tag_is_told_with_the_nearest_one_where_it_is_asked_for(author: Author) -> None:
    author.issue('{% if "membr" in subscriber.tags %}Secrets.{% endif %}\n\nHello.\n', head=PREHEADER)
    author.reader("zoe@example.org", tags=("member",))
    found = json.loads(author.run("check", HELLO, "--offline", "--json", "--segment", "tag:memer or tag:MEMBER").out)
    told = [(each["line"], each["message"], each["fix"]) for each in found if each["rule"] == "tag-unknown"]
    assert told == [
        (None, "nobody on the list has the tag “memer”, for which the segment asks", "did you mean 'member'?"),
        (7, "nobody on the list has the tag “membr”, for which this condition asks", "did you mean 'member'?"),
    ]


def test_a_part_that_nobody_of_the_audience_gets_is_told(author: Author) -> None:
    condition = '{% if subscriber.fields.city == "metz" %}Here.{% else %}There.{% endif %}'
    author.issue(f"{condition}\n", head=PREHEADER)
    author.reader("zoe@example.org", fields={"city": "Metz"})
    found = json.loads(author.run("check", HELLO, "--offline", "--json").out)
    (unread,) = (each for each in found if each["rule"] == "branch-unread")
    assert (unread["line"], "`{% if subscriber.fields.city" in unread["message"]) == (7, True)


def test_the_longest_subject_that_a_name_makes_is_told(author: Author) -> None:
    subject = "{{ subscriber.first_name | default('You') }} and we all, on Monday, at the town hall, with tea and cake"
    author.issue("Hello.\n", head=f'title: Hello\nsubject: "{subject}"\npreheader: What it is about\n')
    author.reader("max@example.org", first_name="Maximiliane-Alexandrina")
    found = json.loads(author.run("check", HELLO, "--offline", "--json").out)
    (longest,) = (each for each in found if each["rule"] == "field-longest")
    assert (longest["line"], "for some the subject has 82 characters" in longest["message"]) == (3, True)


def test_the_report_says_who_has_looked_for_spam(author: Author) -> None:
    author.issue("Hello.\n", head=PREHEADER)
    assert "by our own rules alone (no spamd answers" in author.run("check", HELLO, "--offline").err
    assert "neither spamd nor spamassassin" in author.run("check", HELLO, "--offline", "--spam").err


def test_publish_to_a_misspelt_tag_says_which_tag_may_have_been_meant(author: Author) -> None:
    author.issue("Hello.\n", head=PREHEADER)
    author.reader("zoe@example.org", tags=("member",))
    refused = author.run("publish", HELLO, "--segment", "tag:memer", "--dry-run")
    assert refused.code == 3
    assert "nobody has the tag 'memer'; did you mean 'member'?" in refused.err
