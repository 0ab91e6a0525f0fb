"""A text that is hard to tell from what it stands on

Pale grey on white is read by nobody in the sun, nor by tired eyes. Text needs a contrast of 4.5 to 1 with its
background, large text 3 to 1 (WCAG 2.2, 1.4.3), by day and in the dark. Our themes have it; a colour in HTML of your
own, or in a theme's style sheet, may not, and one that is right by day can be lost when the page around it turns dark.

Bad:  <p style="color:#888">Doors open at seven.</p>
Good: <p style="color:#333 !important; background-color:#eee !important">Doors open at seven.</p>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.painted import texts
from newsletter.checks.spots import exactly
from newsletter.contrast import nearest_readable, ratio, written
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.checks.painted import Text
    from newsletter.finding import Spot
    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_TEXT, _LARGE_TEXT = 4.5, 3.0
_SLOT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Each pair of colours at each place, by day, and in the dark where it differs."""
    told: set[tuple[object, ...]] = set()
    for dark in (False, True):
        for text in texts(manuscript.html, dark=dark):
            least = _LARGE_TEXT if text.is_large else _TEXT
            measured = ratio(text.colour, text.background)
            if measured >= least:
                continue
            spot = _spot(manuscript, text.words)
            pair = (spot.path, spot.line, text.colour, text.background)
            if pair in told:
                continue
            told.add(pair)
            shown = text.words if len(text.words) <= 30 else f"{text.words[:29].rstrip()}…"
            when = "in the dark, " if dark else ""
            colours = f"{written(text.colour)} on {written(text.background)}"
            message = f"{when}“{shown}” is {colours}: a contrast of {measured:.1f}, where eyes need {least:g}"
            yield Remark(spot, message, _mended(text, least, dark=dark))


def _mended(text: Text, least: float, *, dark: bool) -> str:
    if dark:
        return "leave colour and background to the theme, which knows the dark, or write both, each with !important"
    better = nearest_readable(text.colour, [text.background], least)
    what = f"on this background {written(better)} would do" if better else "change the background"
    return f"{what}; or leave the colour to the theme, which knows the dark as well"


def _spot(manuscript: Manuscript, words: str) -> Spot:
    """Where these words were written; the issue as a whole for a theme's."""
    for piece in (*manuscript.survey.markup, *manuscript.survey.passages):
        known = " ".join(_TAG.sub(" ", piece.text).split())
        longest = max(_SLOT.split(known), key=len).strip()
        if words in known or (len(longest) > 3 and longest in words):
            return exactly(manuscript, piece.spot, words.partition("  ")[0][:30])
    return manuscript.spot
