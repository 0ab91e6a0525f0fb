"""Painted: in which colour each text of a mail stands, and on what, by the style sheets and attributes that it carries.

Where those cannot tell, on an image or behind a variable, a text is left out, and nobody judges it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

from newsletter.checks import words_in
from newsletter.checks.css_colours import Paint, paint
from newsletter.checks.style_rules import Sheets, in_force

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.contrast import Colour

_VOID = words_in("area base br col embed hr img input link meta source track wbr")
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}")
_SIZE = re.compile(rf"({_NUMBER.pattern})(px|pt|em|rem|%)")
_SAYS_NOTHING = words_in("href src alt title width height")  # of how a text looks
_SMALLEST = 3.0  # CSS pixels; what is smaller is there to be hidden
_LARGE, _LARGE_BOLD = 24.0, 18.66  # CSS pixels from which text counts as large (WCAG 2.2, 1.4.3)


class Text(NamedTuple):
    """A piece of text as it is seen."""

    words: str
    colour: Colour
    background: Colour
    is_large: bool


def texts(html: str, *, dark: bool = False) -> Iterator[Text]:
    """The texts of a document, in their order, as a window that is set to light or to dark shows them."""
    reader = _Reader(dark=dark)
    reader.feed(html)
    reader.close()
    yield from reader.texts


@dataclass(slots=True)
class _Element:
    """An element with what of its look its texts inherit."""

    tag: str
    attributes: Mapping[str, str]
    classes: frozenset[str]
    parent: _Element | None
    colour: Paint | None = None
    background: Colour | None = None  # None: an image, or what nobody can know
    size: float = 16.0
    is_bold: bool = False
    is_hidden: bool = False
    opacity: float = 1.0
    children: dict[tuple[object, ...], _Element] = field(default_factory=dict)  # one of each look


class _Reader(HTMLParser):
    """Reads a document once: style sheets stand before what they are for."""

    def __init__(self, *, dark: bool) -> None:
        super().__init__()
        self.texts: list[Text] = []
        self._dark = dark
        self._sheets = Sheets()
        self._media = ""
        self._follows = False  # whether the document has a look for the dark
        self._open = _Element("", {}, frozenset(), None, Paint((0, 0, 0)), (255, 255, 255))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in reversed(attrs)}
        if tag == "meta" and said.get("name") == "color-scheme" and "dark" in said.get("content", ""):
            self._follows = True
        if tag in _VOID:
            return
        if tag == "body" and self._dark and self._follows:
            self._open.colour, self._open.background = Paint((255, 255, 255)), (18, 18, 18)
        # No selector that we weigh tells brothers apart who say the same of themselves: the second looks as the first.
        key = (tag, "href" in said, *((name, value) for name, value in attrs if name not in _SAYS_NOTHING))
        element = self._open.children.get(key)
        if element is None:
            element = _Element(tag, said, frozenset(said.get("class", "").split()), self._open)
            self._look(element, self._open)
            self._open.children[key] = element
        self._open = element
        self._media = said.get("media", "") if tag == "style" else ""

    def handle_endtag(self, tag: str) -> None:
        at: _Element | None = self._open
        while at is not None and at.tag != tag:
            at = at.parent
        if at is not None and at.parent is not None:
            self._open = at.parent

    def handle_data(self, data: str) -> None:
        here = self._open
        if here.tag == "style":
            if not self._media or in_force(self._media, dark=self._dark):
                self._sheets.add(data, dark=self._dark)
                above = here.parent
                while above is not None:
                    above.children.clear()
                    above = above.parent
            return
        is_seen = not here.is_hidden and here.size >= _SMALLEST and any(map(str.isalnum, data))
        if is_seen and here.colour and here.background:
            seen = Paint(here.colour.colour, here.colour.alpha * here.opacity).over(here.background)
            is_large = here.size >= (_LARGE_BOLD if here.is_bold else _LARGE)
            self.texts.append(Text(" ".join(data.split()), seen, here.background, is_large))

    def _look(self, element: _Element, above: _Element) -> None:
        """What the element looks like, of what is above it and what is said of it."""
        said = {**_by_itself(element), **self._sheets.said(element)}
        element.colour = _colour(said.get("color", "inherit"), above)
        element.background = _background(said, above.background)
        element.size = _pixels(said.get("font-size", ""), above.size)
        weight = said.get("font-weight", "")
        is_heavy = weight in {"bold", "bolder"} or (weight.isdecimal() and int(weight) >= 700)
        element.is_bold = is_heavy if weight and weight != "inherit" else above.is_bold
        opacity = said.get("opacity", "")
        element.opacity = above.opacity * (float(opacity) if _NUMBER.fullmatch(opacity) else 1.0)
        element.is_hidden = (
            above.is_hidden
            or element.tag in {"head", "title", "script", "noscript", "template"}
            or said.get("display", "").startswith("none")
            or said.get("visibility", "") == "hidden"
            or element.attributes.get("aria-hidden") == "true"
            or element.opacity == 0
        )


def _by_itself(element: _Element) -> dict[str, str]:
    """What an element looks like before any sheet speaks, and by attributes of old."""
    found: dict[str, str] = {}
    if element.tag in {"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"}:
        found["font-weight"] = "bold"
    if element.tag == "a" and "href" in element.attributes:
        found["color"] = "#0000ee"
    if element.tag == "mark":
        found |= {"color": "black", "background-color": "yellow"}
    if colour := element.attributes.get("bgcolor"):
        found["background-color"] = colour
    if colour := element.attributes.get("color" if element.tag == "font" else "text" if element.tag == "body" else ""):
        found["color"] = colour
    if "background" in element.attributes and element.tag in {"body", "table", "td", "th", "tr"}:
        found["background-image"] = "url()"
    return found


def _colour(value: str, above: _Element) -> Paint | None:
    return above.colour if value in {"inherit", "currentcolor", "unset"} else paint(value)


def _background(said: Mapping[str, str], below: Colour | None) -> Colour | None:
    """What is behind the element's text. Between `background` and the longer names, what is said of a colour counts."""
    whole, colour = said.get("background", ""), said.get("background-color", "")
    if any("url(" in value or "gradient(" in value for value in (whole, said.get("background-image", ""))):
        return None
    words = re.findall(r"[\w-]+\([^)]*\)|[^\s,]+", whole)
    known = paint(colour) or next((found for each in words if (found := paint(each))), None)
    if known is None:
        return None if colour.startswith("var(") or whole.startswith("var(") else below
    return known.colour if known.alpha == 1 else None if below is None else known.over(below)


def _pixels(value: str, above: float) -> float:
    """A font's size, in CSS pixels."""
    found = _SIZE.fullmatch(value.strip().lower())
    if found is None:
        return above
    units = {"px": 1.0, "pt": 4 / 3, "em": above, "rem": 16.0, "%": above / 100}
    return float(found[1]) * units[found[2]]
