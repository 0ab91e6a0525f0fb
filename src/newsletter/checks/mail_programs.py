"""What mail programs show: caniemail.com's findings, as much as is kept of them, and which features a message uses.

Of each program only the newest version that was tested counts. `caniemail.json` holds just that, and the names of the
features that the shipped themes use and know how to do without: docs/reference/clients.md says what is seen then.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATA = Path(__file__).with_name("caniemail.json")


@dataclass(frozen=True, slots=True)
class Feature:
    """What was found about a feature; `support` has a sign for each program: yes, no, almost, or - for not known."""

    title: str
    tested: str  # the day
    support: str


@lru_cache(maxsize=1)
def read() -> tuple[dict[str, Any], dict[str, Feature]]:
    """The file, and its features by their names."""
    data = json.loads(DATA.read_text("utf-8"))
    return data, {slug: Feature(*row) for slug, row in data["features"].items()}


def programs(clients: Mapping[str, str], support: str, sign: str) -> str:
    """The programs with this sign, those of one family together."""
    families: dict[str, list[str]] = {}
    having: dict[str, list[str]] = {}
    for client, called, found in zip(clients, clients.values(), support, strict=True):
        family, _, platform = called.partition(", ")
        if found != "-":
            families.setdefault(family, []).append(client)
        if found == sign:
            having.setdefault(family, []).append(platform)
    return "; ".join(
        family if len(platforms) == len(families[family]) else f"{family} ({', '.join(platforms)})"
        for family, platforms in sorted(having.items())
    )


# ── What a message uses ──────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENTS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("strong", "b", "em", "i"), "html-strong"),
    **dict.fromkeys(("figure", "figcaption", "section", "article", "mark", "time"), "html-semantics"),
    **dict.fromkeys(("s", "strike"), "html-strike"),
}
_ATTRIBUTES = {
    "lang": "html-lang",
    "dir": "html-dir",
    "role": "html-role",
    "align": "html-align",
    "valign": "html-valign",
    "cellpadding": "html-cellpadding",
    "cellspacing": "html-cellspacing",
    "aria-label": "html-aria-label",
    "aria-hidden": "html-aria-hidden",
    "background": "html-background",
}
_SELECTORS = {
    r"^\.|[^\w\]]\.\w": "css-selector-class",
    r">": "css-selector-child",
    r"\+": "css-selector-adjacent-sibling",
    r"~(?!=)": "css-selector-general-sibling",
    r"\[": "css-selector-attribute",
    r"\w\s+[\w.\[]": "css-selector-descendant",
    r",": "css-selector-grouping",
    r"(?<![\w:])#\w": "css-selector-id",
    r"(?:^|[\s,>+])[a-z]": "css-selector-type",
    r"\*": "css-selector-universal",
    r":first-child": "css-pseudo-class-first-child",
    r":last-child": "css-pseudo-class-last-child",
    r":hover": "css-pseudo-class-hover",
}
# Nobody tested these, because every program has them, or because they speak to one program alone.
UNTESTED = frozenset({"color", "font-family", "font-style", "unicode-bidi", "content"})
_OWN = re.compile(r"(?:mso-|-webkit-|-ms-|-moz-|supported-)")
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;{}]+)")
_UNITS = re.compile(r"(?<![\w#.])-?[\d.]+(px|em|rem|%|pt|vw|vh|ch)(?!\w)")


def used(html: str) -> set[str]:
    """The features that a message or a piece of one uses, by caniemail's names, and `css-?name` of untested ones."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    known = read()[1]
    return {slug for slug in reader.found if slug in known or slug.startswith("css-?")}


class _Reader(HTMLParser):
    """Elements, attributes and styles, of which comments are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.found.add(_ELEMENTS.get(tag, f"html-{tag}"))
        for name, value in attrs:
            self.found.update(_of_attribute(name, value or ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_style &= tag != "style"

    def handle_decl(self, decl: str) -> None:
        if decl.lower().startswith("doctype"):
            self.found.add("html-doctype")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found.update(_of_sheet(data))


def _of_attribute(name: str, value: str) -> Iterator[str]:
    yield _ATTRIBUTES.get(name, f"html-{name}" if name in ("width", "height") else "")
    if name == "style":
        yield from _of_declarations(value)
    if name == "src" and (ending := re.search(r"\.(png|jpe?g|gif|webp|svg)$", value)):
        yield f"image-{ending[1].replace('jpeg', 'jpg')}"
    if name == "href":
        yield "html-mailto-links" if value.startswith("mailto:") else ""
        yield "html-anchor-links" if value.startswith("#") else ""
    if name == "name" and value == "color-scheme":
        yield "html-meta-color-scheme"


def _of_sheet(sheet: str) -> Iterator[str]:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    if "@media" in sheet:
        yield "css-at-media"
    if "prefers-color-scheme" in sheet:
        yield "css-at-media-prefers-color-scheme"
    for selector in re.findall(r"([^{};]+)\{", re.sub(r"@media[^{]+\{", "", sheet)):
        yield from (slug for pattern, slug in _SELECTORS.items() if re.search(pattern, selector.strip()))
    for body in re.findall(r"\{([^{}]*)\}", sheet):
        yield from _of_declarations(body)


def _of_declarations(text: str) -> Iterator[str]:
    for name, value in _DECLARATION.findall(text.replace("&quot;", "'")):
        lowered = name.lower()
        if _OWN.match(lowered) or lowered in UNTESTED:
            continue
        yield _of_property(lowered, value)
        yield from (f"css-unit-{unit.replace('%', 'percent')}" for unit in _UNITS.findall(value))
        if "!important" in value:
            yield "css-important"


def _of_property(name: str, value: str) -> str:
    if name == "display" and value.strip().startswith("none"):
        return "css-display-none"
    known, shorter = read()[1], name
    while f"css-{shorter}" not in known:
        shorter, _, last = shorter.rpartition("-")
        if not last or not shorter:
            return f"css-?{name}"
    return f"css-{shorter}"
