"""Where exactly something stands, and what is read of an author's own HTML: what several rules look for."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from newsletter.finding import Spot
from newsletter.manuscript import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

_FAR = 40  # lines that a passage may have
_LOOSE = {
    **dict.fromkeys(" \u00a0\u202f", "[ \u00a0\u202f]*"),
    **dict.fromkeys("'’", "(?:['’]|&#39;|&rsquo;)"),
    **dict.fromkeys("\"«»“”", "[\"«»“”]"),
    "…": r"(?:…|\.\.\.)",
}  # fmt: skip


def exactly(manuscript: Manuscript, spot: Spot, text: str) -> Spot:
    """The text's own place, at or below its passage's first line; the passage's, where it is written otherwise.

    What typography has changed of it, blanks, quotes and dots, is found as the author wrote it.
    """
    if spot.path != manuscript.issue.path:
        return spot
    wanted = re.compile("".join(_LOOSE.get(letter, re.escape(letter)) for letter in text))
    for line in range(max(spot.line, 1), min(spot.line + _FAR, len(manuscript.source)) + 1):
        if found := wanted.search(manuscript.source[line - 1]):
            return Spot(spot.path, line, found.start() + 1)
    return spot


def texts_in_html(manuscript: Manuscript) -> Iterator[Passage]:
    """What is read of the HTML that the author wrote, piece by piece, with the language that it says."""
    for piece in manuscript.survey.markup:
        reader = _Texts(piece)
        reader.feed(piece.text)
        reader.close()
        yield from reader.found


class _Texts(HTMLParser):
    """The texts between tags, and the alternative ones."""

    def __init__(self, piece: Passage) -> None:
        super().__init__()
        self.found: list[Passage] = []
        self._piece = piece
        self._open: list[tuple[str, str]] = []  # elements, and their languages

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag not in {"br", "img", "hr", "wbr"}:
            self._open.append((tag, said.get("lang") or self._language))
        elif text := (said.get("alt") or "").strip():
            self._add(text, said.get("lang") or self._language)

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "script", "code", "pre"} & {name for name, _ in self._open}:
            self._add(data.strip(), self._language)

    def _add(self, text: str, language: str) -> None:
        line = self._piece.spot.line + self.getpos()[0] - 1 if self._piece.spot.line else 0
        self.found.append(Passage(text, Spot(self._piece.spot.path, line), "html", language))

    @property
    def _language(self) -> str:
        return self._open[-1][1] if self._open else self._piece.language
