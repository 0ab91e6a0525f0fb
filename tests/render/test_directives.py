"""Blocks by name: three ways to write them, and every mistake told with its line and what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

TABLE = r'<table class="block"'


def test_a_container_encloses_markdown(mail: Make) -> None:
    got = mail(":::lead\nThe *beginning*.\n\nOf it.\n:::\n\nAfter.")
    assert got.body == '<div class="lead"><p>The <em>beginning</em>.</p><p>Of it.</p></div><p>After.</p>'
    assert got.words == "The _beginning_.\n\nOf it.\n\nAfter."


def test_a_container_needs_no_empty_lines_around_it(mail: Make) -> None:
    assert mail("a\n:::lead\nb\n:::\nc").words == "a\n\nb\n\nc"


@pytest.mark.parametrize(
    "markdown",
    [
        "::::callout\n:::lead\nin\n:::\nout\n::::",
        ":::callout\n:::lead\nin\n:::\nout\n:::",
        ":::callout\n  :::lead\n  in\n  :::\nout\n:::",
        "::::: callout\n::: lead\nin\n:::\nout\n:::::",
    ],
)
def test_containers_stand_in_containers(mail: Make, markdown: str) -> None:
    body = mail(markdown).body
    assert '<div class="lead"><p>in</p></div><p>out</p></td>' in body


def test_colons_in_code_close_nothing(mail: Make) -> None:
    got = mail(":::callout\n```\n:::\n```\n\n    :::\n\nlast\n:::")
    assert got.words == "Note\n\n>     :::\n>\n>     :::\n>\n> last"


def test_a_container_stands_in_a_list_and_in_a_quote(mail: Make) -> None:
    assert '<li><div class="lead"><p>a</p></div></li>' in mail("- :::lead\n  a\n  :::\n- b").body
    assert '<blockquote><div class="lead"><p>a</p></div></blockquote>' in mail("> :::lead\n> a\n> :::").body


def test_a_label_is_markdown_in_the_language_of_the_issue(mail: Make) -> None:
    got = mail(':::tip[Un *vrai* "conseil" !]\nx\n:::', "lang: fr")
    assert "Un <em>vrai</em> «\u202fconseil\u202f»\u202f!</p>" in got.body.replace("&nbsp;", "\u00a0")
    assert got.words.startswith("Un _vrai_ «\u202fconseil\u202f»\u202f!\n\n> x")


def test_the_title_of_a_callout_is_its_kind_in_the_language_of_the_issue(mail: Make) -> None:
    assert mail(":::warning\nx\n:::").words.startswith("Warning\n")
    assert mail(":::callout\nx\n:::", "lang: fr").words.startswith("À noter\n")


def test_a_label_holds_slots_and_so_does_the_body(mail: Make) -> None:
    got = mail(":::tip[For {{ subscriber.first_name }}]\n{{ subscriber.email }}\n:::")
    assert got.words == "For Zoé\n\n> zoe@example.org"


def test_a_condition_stands_in_a_container_and_around_it(mail: Make, nobody: Any) -> None:
    text = (
        ":::note\n{% if subscriber.first_name %}\na\n{% else %}\nb\n{% endif %}\n:::\n\n"
        "{% if subscriber.first_name %}\n:::tip\nc\n:::\n{% endif %}"
    )
    assert mail(text).words == "Note\n\n> a\n\nTip\n\n> c"
    assert mail(text, to=nobody).words == "Note\n\n> b"


def test_classes_and_an_anchor_stand_at_the_first_element(mail: Make) -> None:
    assert '<div class="wide big lead" id="top"' in mail(":::lead{.wide .big #top}\nx\n:::").html


@pytest.mark.parametrize(
    ("written", "kind"),
    [("NOTE", "note"), ("tip", "tip"), ("Important", "important"), ("ATTENTION", "warning"), ("CAUTION", "caution")],
)
def test_an_alert_as_on_github_is_a_callout(mail: Make, written: str, kind: str) -> None:
    body = mail(f"> [!{written}]\n> One\n> two.\n>\n> Three.").body
    assert f'<td class="shade callout {kind}">' in body
    assert "<p>One\ntwo.</p><p>Three.</p></td>" in body


def test_an_alert_has_a_label_behind_its_word_or_a_text_alone(mail: Make) -> None:
    assert mail("> [!NOTE] *Look*\n> here").words == "_Look_\n\n> here"
    assert mail("> [!NOTE] Look here").words == "Note\n\n> Look here"


@pytest.mark.parametrize(
    "text", [r"\:::lead", "a :::lead", "10:30:15", ":: x", "::marker is a word of CSS", ":-)", "::"]
)
def test_other_colons_are_text(mail: Make, text: str) -> None:
    assert mail(text).words == text.removeprefix("\\")


# Markdown (its first line is line 5 of the file), line, a part of the message, a part of the fix.
MISTAKES = [
    ("a\n\n:::calout\nx\n:::", 7, "there is no block `:::calout`", "did you mean 'callout'?"),
    (":::tpi\nx\n:::", 5, "there is no block `:::tpi`", "did you mean 'tip'?"),
    (":::lead\nx", 5, "`:::lead` is not closed", "a line of 3 colons: :::"),
    ("::::note\n:::lead\nx\n::::", 6, "`:::lead` is not closed", ":::"),
    ("x\n\n:::", 7, "`:::` closes nothing", "take it away"),
    (":::note Title\nx\n:::", 5, "`Title` behind `:::note` cannot be read", ":::note[Title]"),
    (":::note{kind=tip\nx\n:::", 5, "cannot be read", "close every quote"),
    (":::callout{kidn=tip}\nx\n:::", 5, "no attribute `kidn`", "did you mean 'kind'?"),
    (":::callout{kind=tipp}\nx\n:::", 5, "kind=tipp of `:::callout` cannot be used", "did you mean 'tip'?"),
    (":::callout{kind}\nx\n:::", 5, "`kind` of `:::callout` has no value", "one of `note`"),
    (":::callout{kind={{subscriber.email}}}\nx\n:::", 5, "takes no slot", "one of `note`"),
    (":::callout{=}\nx\n:::", 5, "`=` in the braces of `:::callout` cannot be read", "key=value"),
    (":::lead{size=3}\nx\n:::", 5, "no attribute `size`", "it takes none"),
    (":::lead[x]\nx\n:::", 5, "takes no [label]", "write it below as text"),
    (":::lead\n:::", 5, "`:::lead` holds nothing", ""),
    ("::lead", 5, "`::lead` encloses text", ":::lead, then the text"),
    ("a :lead[b] c", 5, "encloses text", ":::lead"),
    ("a :leda[b] c", 5, "there is no block `::leda`", "did you mean 'lead'?"),
    ("> [!NTOE]\n> x", 5, "there is no callout [!NTOE]", "did you mean 'NOTE'?"),
    ("\n".join(f"{':' * (60 - n)}note" for n in range(30)), 25, "nested more than 20 deep", "out"),
]


@pytest.mark.parametrize(("markdown", "line", "message", "fix"), MISTAKES)
def test_a_mistake_in_a_block_is_told_with_its_line(
    edition: Make, markdown: str, line: int, message: str, fix: str
) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown)
    (problem,) = caught.value.problems
    assert problem.place == f"issues/hello.md:{line}"
    assert message in problem.message
    assert fix in (problem.fix or "")
