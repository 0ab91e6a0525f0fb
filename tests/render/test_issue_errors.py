"""What is wrong in an issue is said with the author's line and column, and what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

# Markdown (its first line is line 5 of the file), place, a part of the message, a part of the fix.
CASES = [
    ("a\n\nHi {{ subscriber.nmae }}", "7:4", "there is no `subscriber.nmae`", "did you mean `subscriber.name`?"),
    ("{{ subscriber.zodiac_sign }}", "5:1", "there is no", "`subscriber.fields.zodiac_sign`"),
    ("{{ subscriber['nmae'] }}", "5:1", "there is no `subscriber.nmae`", "did you mean `subscriber.name`?"),
    ("{{ first_name }}", "5:1", "there is no `first_name`", "write `subscriber.first_name`"),
    ("{{ unsubscribe_link }}", "5:1", "there is no `unsubscribe_link`", "did you mean 'unsubscribe_url'?"),
    ("{{ subscriber.fields.ctiy }}", "5:1", "no subscriber has a field `ctiy`", "did you mean 'city'?"),
    ("{{ issue.titel }}", "5:1", "there is no `issue.titel`", "did you mean 'title'?"),
    ("{{ issue.number }}", "5:1", "the issue does not have it", "front matter"),
    ("{{ issue }}", "5:1", "`issue` stands alone", "`issue.title`"),
    ("{{ subscriber.first_name | defalt('x') }}", "5:1", "there is no filter `defalt`", "did you mean 'default'?"),
    ("{{ subscriber.first_name | default(“x”) }}", "5:1", "cannot be read", "straight quotes"),
    ("{{ subscriber.first_name | }}", "5:1", "cannot be read", "subscriber.first_name"),
    ("{{ }}", "5:1", "nothing between the braces", "subscriber.first_name"),
    ("a\nb {{ subscriber.first_name", "6", "`{{` is not closed", "`}}`"),
    ("a\nb {% if x", "6", "`{%` is not closed", "`%}`"),
    ("<script>var a = '{{ subscriber.email }}'</script>", "5:18", "stands in a <script>", "can only be text"),
    ("<style>a{color:{{ subscriber.email }}}</style>", "5:16", "stands in a <style>", "can only be text"),
    ("<b {{ subscriber.email }}>x</b>", "5:4", "inside a tag", "in quotes"),
    ("<{{ unsubscribe_url }}>", "5:2", "inside a tag", "[label]({{ … }})"),
    ("a\n\n<!-- never closed", "7", "`<!-- never closed` has no end", "close the tag or comment"),
    ("| a |\n|---|\n| 1 | 2 |", "7", "“2” would be lost", "as many cells"),
    ("> a | b\n> -|-\n> 1 | 2 \\| 3 | | `4`", "7", "“`4`” would be lost", "as many cells"),
    ("{{ ''.__class__.__mro__ }}", "5:1", "unsafe", ""),
]


@pytest.mark.parametrize(("markdown", "place", "message", "fix"), CASES)
def test_a_mistake_is_told_with_its_place_and_its_remedy(
    edition: Make, markdown: str, place: str, message: str, fix: str
) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown, fields=("city", "joined"))
    (problem,) = caught.value.problems
    assert problem.place == f"issues/hello.md:{place}"
    assert message in problem.message
    assert fix in (problem.fix or "")


def test_a_slot_in_the_title_belongs_into_the_subject(edition: Make) -> None:
    with pytest.raises(IssueError) as caught:
        edition("x", "title: 'Hi {{ subscriber.first_name }}'\nsubject: Hi")
    (problem,) = caught.value.problems
    assert (problem.line, problem.message) == (2, "the title holds a slot, but it is the same for everybody")


def test_a_mistake_in_the_subject_is_told_with_its_line(edition: Make) -> None:
    with pytest.raises(IssueError) as caught:
        edition("x", "title: T\nsubject: 'Hi {{ subscriber.frist_name }}'")
    assert caught.value.problems[0].line == 3


def test_fields_are_only_checked_when_they_are_known(edition: Make) -> None:
    assert edition("{{ subscriber.fields.anything }}").expressions[0].sources == ("subscriber.fields.anything",)


def test_what_stands_in_a_comment_is_nobodys_business(mail: Make) -> None:
    got = mail("a <!-- {{ nope }} {% for %} --> b\n\n<!-- {{ subscriber.nmae }} -->")
    assert got.words == "a  b"
    assert "nope" not in got.html
