"""The examples of the documentation, each with the picture that stands below it, and how they look in a mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.edition import fill
from newsletter.issue import parse_issue
from newsletter.picture import NO_PICTURE
from newsletter.render.pipeline import Rendering
from newsletter.render.slots import evaluator
from newsletter.render.theme import Theme
from newsletter.sources.themes import read_theme
from tests.support.everything import LINKS, SITE, ZOE
from tests.support.painted import ORIGIN, picture

if TYPE_CHECKING:
    from newsletter.picture import Picture

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "pictures" / "blocks"
PAGES = ("blocks", "markdown")
_EXAMPLE = re.compile(r"^(````?)markdown\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!\[([^\]]+)\]\(\.\./pictures/blocks/([\w-]+)\.png\)$", re.MULTILINE)
_TEXT = re.compile(r"\n```text\n(.*?)```\n", re.DOTALL)
_HEADING = re.compile(r"^#{2,} ", re.MULTILINE)
# What the images of the examples show: a motif and its size.
_PAINTED = {
    "ana.jpg": "person-day-480x480",
    "dawn.jpg": "hills-dawn-600x450",
    "noon.jpg": "hills-day-600x450",
    "dusk.jpg": "hills-dusk-600x450",
    "hills.jpg": "hills-day-1200x600",
    "milk.jpg": "hills-stone-480x360",
    "path.jpg": "hills-dawn-1200x600",
}
# The page with nothing but the issue's blocks on it.
_BARE = """\
{% extends "inherited/layout.mjml.j2" %}
{% block above %}{% endblock %}
{% block header %}<mj-section padding="22px 0px 0px"></mj-section>{% endblock %}
{% block footer %}{% endblock %}
{% block below %}{% endblock %}
"""


@dataclass(frozen=True)
class Example:
    """What an author writes, and the picture of what comes of it."""

    page: str
    markdown: str
    name: str  # of the picture
    alt: str

    @property
    def path(self) -> Path:
        """Where the picture is kept."""
        return PICTURES / f"{self.name}.png"


def examples(text: str) -> list[str]:
    """The pieces of Markdown that a page of the documentation shows."""
    return [found[2] for found in _EXAMPLE.finditer(text)]


@lru_cache
def pictured() -> dict[str, Example]:
    """The examples with a picture, by its name: what stands between a heading and the picture."""
    out: dict[str, Example] = {}
    for page in PAGES:
        text = (DOCS / "reference" / f"{page}.md").read_text("utf-8")
        blanked = _EXAMPLE.sub(lambda found: "x" * len(found[0]), text)  # a heading in an example is none
        for found in _PICTURE.finditer(text):
            start = max((heading.start() for heading in _HEADING.finditer(blanked, 0, found.start())), default=0)
            written = "\n".join(examples(text[start : found.start()]))
            out[found[2]] = Example(page, written, found[2], found[1])
    return out


def seen(example: Example) -> str:
    """The HTML of an example alone, as its reader gets it; what only the web shows, as it is shown there."""
    rendering = _rendering(example, "web" if example.name == "web-only" else "email")
    edition = rendering.edition((), {use.src: _shown(use.src) for use in rendering.uses})
    return fill(edition.html, evaluator(edition)(ZOE, LINKS))


def words(example: Example) -> str:
    """The plain text of an example alone, as its reader sees it: without the space that a line is stuffed with."""
    edition = _rendering(example, "email").edition()
    text = fill(edition.text, evaluator(edition)(ZOE, LINKS)).partition("=\n")[2].partition("-- \n")[0]
    return "\n".join(line.rstrip().removeprefix(" ") for line in text.strip("\n").split("\n"))


def told(page: str) -> dict[str, str]:
    """The plain text that a page of the documentation shows below each picture, by its name."""
    text = (DOCS / "reference" / f"{page}.md").read_text("utf-8")
    below = {found[2]: _TEXT.match(text, found.end() + 1) for found in _PICTURE.finditer(text)}
    return {name: found[1].rstrip("\n") if found else "" for name, found in below.items()}


def tell(page: str) -> None:
    """Write the plain text below each picture of a page anew."""
    path = DOCS / "reference" / f"{page}.md"
    text = path.read_text("utf-8")
    for found in reversed(list(_PICTURE.finditer(text))):
        old = _TEXT.match(text, found.end() + 1)
        new = f"\n\n```text\n{words(pictured()[found[2]])}\n```\n"
        text = text[: found.end()] + new + text[old.end() if old else found.end() + 1 :]
    path.write_text(text, "utf-8")


def _rendering(example: Example, form: Literal["email", "web"]) -> Rendering:
    issue = parse_issue(f"---\ntitle: The paths of the hills\n---\n{example.markdown}", f"{example.name}.md")
    return Rendering(issue, _bare(), SITE, form=form)


def _shown(src: str) -> Picture:
    """The painted picture for an image of an example; a video of somebody else's has none."""
    name = _PAINTED.get(src)
    return (name and picture(f"{ORIGIN}{name}.png")) or NO_PICTURE


@lru_cache
def _bare() -> Theme:
    name = "layout.mjml.j2"
    return Theme("bare", {name: _BARE}, {}, {name: name}).over(read_theme("letter"))
