"""One issue with everything in it that an issue can hold, and how it looks in a theme."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from newsletter.edition import Edition, fill
from newsletter.issue import parse_issue
from newsletter.links import Links, Signer
from newsletter.render import Site, read
from newsletter.render.slots import evaluator
from newsletter.sources.themes import read_theme
from newsletter.subscriber import Subscriber
from tests.support.painted import ORIGIN, pictures

TESTS = Path(__file__).parents[1]
SITE = Site(
    title="La lettre des Lilas",
    language="en",
    base_url="https://lettre.example.org",
    postal_address="12 rue des Lilas\n44000 Nantes",
    sender_name="Camille Durand",
    sender_email="lettre@example.org",
)
LINKS = Links(Signer({1: b"a key of the tests"}), SITE.base_url, "hello", 7, 3)
ZOE = Subscriber("zoe@example.org", first_name="Zoé", tags=("vip",), fields={"city": "Nantes"})
LOGO = {"src": f"{ORIGIN}hills-day-240x80.png", "dark": f"{ORIGIN}hills-dusk-240x80.png", "width": 120}


def text_of(name: str) -> str:
    """The text of an issue among those that are looked at in a browser; `everything` has all blocks in it."""
    text = (TESTS / "browser" / "issues" / f"{name}.md").read_text("utf-8")
    if name != "everything":
        return text
    fixtures = (TESTS / "render" / "fixtures" / f"{each}.md" for each in ("all-blocks", "layout"))
    return "\n".join([text, *(path.read_text("utf-8").split("\n---\n", 1)[1] for path in fixtures)])


@lru_cache(maxsize=64)
def edition_of(name: str, theme: str, *, logo: bool = False) -> Edition:
    """Such an issue in a theme, with its pictures painted, and perhaps with a logo."""
    issue = parse_issue(text_of(name), f"{name}.md")
    look = read_theme(theme)
    if logo:
        look = replace(look, tokens={**look.tokens, "logo": {**look.tokens["logo"], **LOGO}})
    rendering = read(issue, look, SITE)
    return rendering.edition((), pictures(use.src for use in rendering.uses))


def shown(name: str, theme: str, *, logo: bool = False) -> str:
    """The HTML that a subscriber gets of it."""
    edition = edition_of(name, theme, logo=logo)
    return fill(edition.html, evaluator(edition)(ZOE, LINKS))
