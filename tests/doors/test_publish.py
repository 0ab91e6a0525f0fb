"""newsletter publish: the plan, the question, the sending, the counts, and what the exit code says."""

from __future__ import annotations

import json
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.inbox import HANG_UP
from newsletter.subscriber import Status
from tests.support.author import COUNTS, HELLO, Answer, readers_of

if TYPE_CHECKING:
    from tests.support.author import Author

KEYS = ["issue", "mailing", "state", "planned", *COUNTS, "seconds"]


def in_full(answer: Answer) -> dict[str, Any]:
    """The object that --json promises: nothing else on standard output, these keys, and a sum that is right."""
    report: dict[str, Any] = json.loads(answer.out)
    assert list(report) == KEYS
    assert report["planned"] == sum(report[name] for name in COUNTS)
    return report


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue, and three readers who would get it."""
    author.issue()
    author.reader("ana@example.org", first_name="Ana", tags=("volunteer",), fields={"city": "Nantes"})
    author.reader("bo@example.com", first_name="Bo", fields={"city": "Lyon"})
    author.reader("zoe@example.org", name="Zoé", language="fr")
    return author


# ── The plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_says_what_goes_to_whom_from_whom_and_how_and_who_is_left_out_and_why(ready: Author) -> None:
    ready.issue(head="title: Hello\nsubject: Hello {{ subscriber.first_name | default('you') }}, it is spring")
    ready.reader("new@example.org", status=Status.PENDING)
    ready.reader("gone@example.org")
    ready.unsubscribes("gone@example.org")
    answer = ready.run("publish", HELLO, "--segment", "city = Nantes or city = Lyon", "--dry-run")
    assert [line.split(maxsplit=1) for line in answer.out.splitlines()] == [
        ["Issue", "issues/2026-11-hello.md (not in git)"],
        ["Subject", "Hello {{ subscriber.first_name | default('you') }}, it is spring"],
        ["From", "Camille <camille@letter.example.org>"],
        ["To", "2 recipients in city = Nantes or city = Lyon"],
        ["left", "out: 1 not confirmed yet"],
        ["left", "out: 1 unsubscribed"],
        ["left", "out: 1 outside of the segment"],
        ["Archive", "https://letter.example.org/archive/2026-11-hello/"],
        ["Through", "relay, in a moment"],
        ["Nothing", "was sent, and nothing recorded."],
    ]


def test_the_time_expected_is_told_for_a_long_list(author: Author) -> None:
    author.issue()
    author.readers(6000)
    answer = author.run("publish", HELLO, "--dry-run")
    assert "relay, in about 2 min 30 s" in answer.out  # 4 connections, a tenth of a second each


def test_the_time_expected_is_what_the_last_mailing_took(author: Author) -> None:
    author.issue()
    author.readers(300)
    author.issue(name="2026-12-next")
    with author.sink():
        assert author.run("publish", HELLO, "--yes").code == 0
    with author.database() as database, database.transaction() as connection:
        connection.execute("UPDATE mailings SET finished_at = planned_at + 30")
    answer = author.run("publish", "2026-12-next", "--dry-run")
    assert "relay, in about 30 s" in answer.out


def test_a_dry_run_sends_nothing_and_records_nothing(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, "--dry-run", "--json")
        assert inbox.messages() == []
    assert answer.code == 0
    assert in_full(answer) == {
        "issue": HELLO, "mailing": None, "state": "dry-run", "planned": 3, "accepted": 0, "deferred": 0,
        "rejected": 0, "skipped": 0, "uncertain": 0, "pending": 3, "seconds": 0.0,
    }  # fmt: skip
    assert "Camille <camille@letter.example.org>" in answer.err  # the plan, for people
    assert ready.tallies() == []


# ── The question ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reply", ["n\n", "\n", "no\n", "perhaps\nN\n"])
def test_anything_but_yes_sends_nothing_and_records_nothing(ready: Author, reply: str) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, answer=reply)
        assert inbox.messages() == []
    assert answer.code == 0
    assert "Send to 3 recipients?" in answer.err
    assert "Nothing was sent" in answer.out
    assert ready.tallies() == []


def test_a_no_is_an_object_for_scripts_too(ready: Author) -> None:
    report = in_full(ready.run("publish", HELLO, "--json", answer="n\n"))
    assert (report["state"], report["mailing"], report["pending"]) == ("declined", None, 3)


def test_yes_sends(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, answer="y\n")
        assert len(inbox.wait(3)) == 3
    assert answer.code == 0
    assert "3  accepted" in answer.out


def test_one_recipient_is_not_asked_about_as_many(author: Author) -> None:
    author.issue()
    author.reader("ana@example.org")
    answer = author.run("publish", HELLO, answer="n\n")
    assert "To  1 recipient\n" in answer.out
    assert "Send to 1 recipient?" in answer.err


def test_where_nobody_can_answer_it_is_wrong_usage_not_to_say_yes(ready: Author) -> None:
    answer = ready.run_process("publish", HELLO)
    assert answer.code == 2
    assert "there is nobody here to answer; --yes answers beforehand" in answer.err
    assert ready.tallies() == []


# ── What is sent, and what is told of it ─────────────────────────────────────────────────────────────────────────────


def test_json_is_one_object_and_the_only_thing_on_standard_output(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, "--yes", "--json")
        assert readers_of(inbox) == ["ana@example.org", "bo@example.com", "zoe@example.org"]
    report = in_full(answer)
    assert answer.code == 0
    assert report["seconds"] > 0
    assert report["mailing"] > 0
    *_, progress = (json.loads(line) for line in answer.err.splitlines() if line.startswith("{"))
    assert progress.pop("per_second") > 0
    assert progress.pop("note").endswith("/s")
    assert progress == {"progress": "Sending", "done": 3, "of": 3, "accepted": 3}
    assert {name: report[name] for name in KEYS[:-1] if name != "mailing"} == {
        "issue": HELLO, "state": "finished", "planned": 3, "accepted": 3, "deferred": 0, "rejected": 0,
        "skipped": 0, "uncertain": 0, "pending": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("manners", "count", "state"),
    [
        ({"refuse": {"bo@example.com": "550 5.1.1 no such user"}}, "rejected", "finished"),
        ({"refuse": {"bo@example.com": "450 4.2.1 greylisted, try again"}}, "deferred", "sending"),
        ({"refuse_content": {"bo@example.com": "552 5.2.2 over quota"}}, "rejected", "finished"),
        ({"refuse_content": {"bo@example.com": HANG_UP}}, "uncertain", "finished"),
    ],
)
def test_one_who_did_not_get_it_makes_the_exit_code_1_and_is_counted(
    ready: Author, manners: dict[str, dict[str, str]], count: str, state: str
) -> None:
    with ready.inbox(**manners):
        answer = ready.run("publish", HELLO, "--yes", "--json")
    report = in_full(answer)
    assert answer.code == 1
    assert (report["state"], report["planned"], report["accepted"], report[count]) == (state, 3, 2, 1)
    assert f"1  {count}" in answer.err  # people are told as well


def test_a_rule_says_who_gets_it(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, "--yes", "--segment", "tag:volunteer or language = fr")
        assert readers_of(inbox) == ["ana@example.org", "zoe@example.org"]
    assert answer.code == 0


def test_settings_that_are_still_examples_are_told_before_mail_would_leave(ready: Author) -> None:
    assert "still an example" not in ready.run("publish", HELLO, "--dry-run").err
    ready.settings('host = "127.0.0.1"', 'host = "smtp.nantes.fr"')
    told = ready.run("publish", HELLO, "--dry-run").err
    assert "newsletter.toml: base_url is still an example: no reader could leave" in told


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("city =", "city"),
        ("cty = Nantes", "city"),
        ("(tag:volunteer", "("),
    ],
)
def test_a_wrong_rule_is_refused_before_anything_happens(ready: Author, rule: str, told: str) -> None:
    answer = ready.run("publish", HELLO, "--yes", "--segment", rule)
    assert answer.code == 3
    assert told in answer.err
    assert ready.tallies() == []


def test_a_rule_that_means_nobody_is_refused_and_the_rule_is_named(ready: Author) -> None:
    answer = ready.run("publish", HELLO, "--yes", "--segment", "city = Paris")
    assert answer.code == 3
    assert "nobody would get this issue: 3 outside of the segment" in answer.err
    assert "check the rule of --segment" in answer.err


def test_an_empty_list_is_refused_with_the_way_to_fill_it(author: Author) -> None:
    author.issue()
    answer = author.run("publish", HELLO, "--yes")
    assert answer.code == 3
    assert "there is nobody on the list yet" in answer.err
    assert "newsletter subscribers import FILE.csv" in answer.err


def test_another_transport_is_named_on_the_command_line(ready: Author) -> None:
    answer = ready.run("publish", HELLO, "--yes", "--transport", "outbox")
    assert answer.code == 0
    files = list((ready.folder / "outbox").iterdir())
    assert len(files) == 3
    assert all(file.suffix == ".eml" for file in files)


def test_a_transport_that_is_named_needs_none_to_be_in_use(ready: Author) -> None:
    ready.settings('[transport]\nuse = "relay"\n', "")
    assert ready.run("publish", HELLO, "--yes").code == 3
    assert ready.run("publish", HELLO, "--yes", "--transport", "outbox").code == 0


def test_an_unknown_transport_is_refused_with_the_nearest_one(ready: Author) -> None:
    answer = ready.run("publish", HELLO, "--yes", "--transport", "outbx")
    assert answer.code == 3
    assert "there is no transport 'outbx'" in answer.err
    assert "did you mean 'outbox'?" in answer.err


# ── What is not ready ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", ["draft: true", "status: draft"])
def test_a_draft_is_refused(ready: Author, line: str) -> None:
    ready.issue(head=f'title: "Hello"\n{line}')
    answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 3
    assert "issues/2026-11-hello.md:3:" in answer.err
    assert "this issue is a draft" in answer.err
    assert ready.tallies() == []


def test_an_issue_with_nothing_in_it_is_refused(ready: Author) -> None:
    ready.issue(" \n\n")
    answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 3
    assert "there is nothing to read in this issue" in answer.err


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ('title = "The letter"', "[newsletter]"),
        ('base_url = "https://letter.example.org"', "[newsletter]"),
        ('postal_address = "12 Lilac Street, Springfield"', "[newsletter]"),
        ('email = "camille@letter.example.org"', "[sender]"),
    ],
)
@pytest.mark.parametrize("command", [("publish", HELLO, "--yes"), ("test", HELLO, "--to", "me@example.org")])
def test_a_missing_setting_is_refused_with_the_line_to_add(
    ready: Author, line: str, section: str, command: tuple[str, ...]
) -> None:
    ready.settings(line, "")
    answer = ready.run(*command)
    assert answer.code == 3
    key = line.partition(" ")[0]
    assert f"newsletter.toml: {key} is missing" in answer.err
    assert f"write below {section}: {key} = " in answer.err
    assert ready.tallies() == []


def test_all_that_is_missing_is_told_at_once(ready: Author) -> None:
    ready.config.write_text('[transports.relay]\nkind = "smtp"\nhost = "127.0.0.1"\n', encoding="utf-8")
    answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 3
    for key in ("title", "base_url", "postal_address", "email"):
        assert answer.err.count(f"{key} is missing") == 1


# ── What git knows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_commit_is_recorded(ready: Author) -> None:
    ready.git("init", "-q")
    ready.git("add", "issues")
    ready.git("commit", "-q", "-m", "Say hello")
    with ready.inbox():
        answer = ready.run("publish", HELLO, "--yes")
    assert "warning" not in answer.err
    commit = ready.git("rev-parse", "HEAD")
    assert f"issues/2026-11-hello.md ({commit[:12]})" in answer.out
    told = ready.run("status", HELLO, "--json").report
    assert (told["commit"], told["modified"]) == (commit, False)


@pytest.mark.parametrize("committed", [True, False])
def test_changes_that_are_not_committed_are_warned_of_and_recorded(ready: Author, committed: bool) -> None:
    ready.git("init", "-q")
    (ready.folder / "README").write_text("", encoding="utf-8")
    ready.git("add", "README", *(["issues"] if committed else []))
    ready.git("commit", "-q", "-m", "Begin")
    if committed:
        ready.issue("Hello, changed.\n")
    with ready.inbox():
        answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 0
    assert ("has changes that are not committed" if committed else "is not in git yet") in answer.err
    told = ready.run("status", HELLO, "--json").report
    assert (told["commit"], told["modified"]) == (ready.git("rev-parse", "HEAD"), True)
    assert "with changes that were not committed" in ready.run("status", HELLO).out


# ── Once is enough ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_sent_is_not_sent_again_and_the_way_to_the_new_ones_is_told(ready: Author) -> None:
    with ready.inbox() as inbox:
        ready.run("publish", HELLO, "--yes")
        answer = ready.run("publish", HELLO, "--yes")
        assert answer.code == 3
        assert "this issue was sent on" in answer.err
        assert "to 3 readers" in answer.err
        assert "everybody has it" in answer.err
        ready.reader("late@example.org")
        answer = ready.run("publish", HELLO, "--yes")
        assert answer.code == 3
        assert "(1 now): newsletter publish 2026-11-hello --new-only" in answer.err
        assert len(inbox.messages()) == 3


def test_new_only_reaches_exactly_those_who_have_none_of_it(ready: Author) -> None:
    with ready.inbox(refuse={"bo@example.com": "550 5.1.1 no such user"}) as inbox:
        first = ready.run("publish", HELLO, "--yes", "--segment", "not language = fr", "--json").report
        ready.reader("late@example.org")
        inbox.empty()
        answer = ready.run("publish", HELLO, "--yes", "--new-only", "--json")
        # Bo was refused: that is an answer, and no reason to try again.
        assert readers_of(inbox) == ["late@example.org", "zoe@example.org"]
    report = in_full(answer)
    assert (answer.code, report["planned"]) == (0, 2)
    assert report["mailing"] > first["mailing"]
    assert "1 suppressed" in answer.err, "there is no such address: it gets nothing more"
    assert "1 already in a mailing of this issue" in answer.err
    again = ready.run("publish", HELLO, "--yes")
    assert "this issue was sent 2 times, last on" in again.err
    assert "to 3 readers" in again.err
    assert "who did not get it: newsletter status 2026-11-hello" in again.err, "Bo did not"


def test_new_only_with_nobody_new_is_refused(ready: Author) -> None:
    ready.run("publish", HELLO, "--yes", "--transport", "outbox")
    answer = ready.run("publish", HELLO, "--yes", "--new-only")
    assert answer.code == 3
    assert "nobody would get this issue: 3 already in a mailing of this issue" in answer.err


def test_new_only_does_not_ask_for_values_of_those_who_have_it(author: Author) -> None:
    author.issue("Hello {{ subscriber.first_name }}.\n")
    author.reader("ana@example.org", first_name="Ana")
    author.run("publish", HELLO, "--yes", "--transport", "outbox")
    with author.database() as database, database.transaction() as connection:
        connection.execute("UPDATE subscribers SET first_name = ''")
    author.reader("bo@example.org", first_name="Bo")
    assert author.run("publish", HELLO, "--yes", "--new-only", "--transport", "outbox").code == 0


def test_a_mailing_that_is_not_at_its_end_is_gone_on_with_and_not_begun_anew(ready: Author) -> None:
    with ready.inbox(refuse={"bo@example.com": "450 4.2.1 try again"}):
        ready.run("publish", HELLO, "--yes")
    for more in ([], ["--new-only"]):
        answer = ready.run("publish", HELLO, "--yes", *more)
        assert answer.code == 3
        assert "not at its end: 1 of 3 is left (1 of them deferred" in answer.err
        assert "→ newsletter resume 2026-11-hello" in answer.err


def test_another_process_that_began_while_the_question_was_open_is_not_joined(ready: Author) -> None:
    with ready.start("publish", HELLO, "--transport", "outbox", stdin=PIPE) as slow:
        assert slow.stdin
        assert slow.stderr
        while slow.stderr.read(1) not in ("?", ""):
            pass
        assert ready.run("publish", HELLO, "--yes", "--transport", "outbox").code == 0
        slow.stdin.write("y\n")
        _, told = slow.communicate()
    assert slow.returncode == 3
    assert "another process has begun to send this issue; this one sends nothing" in told
    assert [tally.accepted for tally in ready.tallies()] == [3]


# ── What everybody must have ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_that_some_lack_is_refused_before_anything_is_sent_and_some_are_named(
    author: Author,
) -> None:
    author.issue("Hello.\n\nYou live in {{ subscriber.fields.city }}.\n")
    author.reader("ana@example.org", fields={"city": "Nantes"})
    for name in ("bo", "cy", "di", "ed", "flo"):
        author.reader(f"{name}@example.org")
    with author.inbox() as inbox:
        answer = author.run("publish", HELLO, "--yes")
        assert inbox.messages() == []
    assert answer.code == 3
    assert "issues/2026-11-hello.md:7" in answer.err
    assert "5 recipients lack a value" in answer.err
    assert "bo@example.org, cy@example.org, di@example.org, and 2 more" in answer.err
    assert 'subscriber.fields.city | default("…")' in answer.err
    assert author.tallies() == []


def test_who_is_not_written_to_may_lack_everything(author: Author) -> None:
    author.issue("Hello {{ subscriber.first_name }}.\n")
    author.reader("ana@example.org", first_name="Ana")
    author.reader("new@example.org", status=Status.PENDING)
    author.reader("gone@example.org")
    author.unsubscribes("gone@example.org")
    assert author.run("publish", HELLO, "--yes", "--transport", "outbox").code == 0
