"""What the tests of rendering share: a newsletter, its theme, and a short way from Markdown to what a reader gets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from newsletter.edition import fill
from newsletter.issue import parse_issue
from newsletter.render import render
from newsletter.render.slots import evaluator
from newsletter.sources.themes import read_theme
from newsletter.subscriber import Subscriber
from tests.support import everything
from tests.support.everything import LINKS, ZOE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from newsletter.edition import Edition
    from newsletter.render.theme import Theme

SITE = replace(everything.SITE, title="La lettre du jeudi")
NOBODY = Subscriber("somebody@example.org")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden editions anew")


@dataclass(frozen=True)
class Mail:
    """What one reader gets."""

    subject: str
    preheader: str
    html: str
    text: str

    @property
    def body(self) -> str:
        """The HTML of the issue's own blocks, without the styles written into it."""
        runs = re.findall(
            r'<td[^>]* class="prose"[^>]*><div[^>]*>(.*?)</div></td></tr></tbody></table>', self.html, re.S
        )
        return "\n".join(re.sub(r' style="[^"]*"', "", run) for run in runs)

    @property
    def words(self) -> str:
        """The text part between the title and the signature."""
        return self.text.partition("=\n")[2].partition("-- \n")[0].strip()


def edit(markdown: str, front: str = "", *, fields: Collection[str] = (), theme: Theme | None = None) -> Edition:
    front = front if "title" in front else f"title: A title\n{front}"
    issue = parse_issue(f"---\n{front}\n---\n{markdown}", "issues/hello.md")
    return render(issue, theme or read_theme("letter"), SITE, fields)


def read_as(edition: Edition, subscriber: Subscriber = ZOE) -> Mail:
    values = evaluator(edition)(subscriber, LINKS)
    return Mail(*(fill(part, values) for part in (edition.subject, edition.preheader, edition.html, edition.text)))


@pytest.fixture
def mail() -> Callable[..., Mail]:
    """mail(markdown, front matter, to=subscriber): what the subscriber gets."""

    def make(markdown: str, front: str = "", to: Subscriber = ZOE) -> Mail:
        return read_as(edit(markdown, front), to)

    return make


@pytest.fixture
def edition() -> Callable[..., Edition]:
    """edition(markdown, front matter, fields=(…), theme=…): the edition itself."""
    return edit


@pytest.fixture
def read() -> Callable[..., Mail]:
    """read(edition, subscriber): what the subscriber gets of it."""
    return read_as


@pytest.fixture
def nobody() -> Subscriber:
    """A subscriber of whom only the address is known."""
    return NOBODY


@pytest.fixture
def letter() -> Theme:
    return read_theme("letter")
