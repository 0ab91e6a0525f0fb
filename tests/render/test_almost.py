"""What was meant as an image or a link, and would reach readers as it stands, is refused with what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("markdown", "line", "message", "fix"),
    [
        ("![A sky](my photo.jpg)", 5, "the address `my photo.jpg` holds a space", "(<my photo.jpg>)"),
        ('a\nb ![A sky](IMG 1 2.JPG "Half past four")', 6, "`IMG 1 2.JPG`", "(<IMG 1 2.JPG>)"),
        ("![A *b*](my photo.webp){width=200}", 5, "`my photo.webp`", "(<my photo.webp>)"),
        (r"- ![x](C:\Users\me\a sky.png)", 5, r"`C:\Users\me\a sky.png`", "angle brackets"),
        ("![x](file:///home/me/sky.jpg)", 5, "begins with `file:`", "as photo.jpg"),
        ("![x](<file:///home/me/my sky.jpg>)", 5, "begins with `file:`", "as photo.jpg"),
        ("[x](JavaScript:alert(1))", 5, "begins with `javascript:`", "https://"),
        ("| a |\n|---|\n| [x](data:text/html,y) |", 7, "begins with `data:`", "https://"),
    ],
)
def test_it_is_told_with_its_line(edition: Make, markdown: str, line: int, message: str, fix: str) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown)
    (problem,) = caught.value.problems
    assert problem.place == f"issues/hello.md:{line}"
    assert message in problem.message
    assert fix in (problem.fix or "")


@pytest.mark.parametrize(
    "markdown",
    [
        "![A sky](<my photo.jpg>)",
        "`![A sky](my photo.jpg)`",
        "    ![A sky](my photo.jpg)",
        "See [1](or the second one) and a[0](x y).",
        "a [b] (my photo.jpg)",
        "![x](data:image/png;base64,iVBORw0KGgo=)",
    ],
)
def test_everything_else_stays_what_it_is(edition: Make, markdown: str) -> None:
    assert edition(markdown).html
