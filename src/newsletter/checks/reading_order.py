"""Something that is read in another order than it is seen

Programs that read aloud, the keyboard, and plain text go by the order in your file; the eye goes by what a style makes
of it. Columns that are turned round with `dir`, a box that floats to the right of what follows it, or one that is moved
by its position tell a listener the end before the beginning.

Bad:  <table dir="rtl"><tr><td>Second</td><td>First</td></tr></table>
Good: <table><tr><td>First</td><td>Second</td></tr></table>
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from newsletter.checks import Remark
from newsletter.checks.spots import exactly
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
# What a style says that moves a box away from its place in the order.
_MOVES = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (r"(?<![\w-])float\s*:\s*right", "floats to the right, and is read before what stands at its left"),
        (r"(?<![\w-])flex-(?:direction|flow)\s*:[^;]*-reverse|flex-wrap\s*:\s*wrap-reverse", "is turned round"),
        (r"(?<![\w-])order\s*:\s*-?[1-9]", "is put elsewhere by its `order`"),
        (r"(?<![\w-])position\s*:\s*(?:absolute|fixed)", "is moved by its position"),
        (r"(?<![\w-])display\s*:\s*table-(?:header|footer)-group", "is moved to the other end of its table"),
    )
)
_STARTS = {"ltr": "L", "rtl": ("R", "AL")}


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """In the author's own HTML: what moves boxes, cells against the direction of their letters, and `tabindex`."""
    fix = "write it in the order in which it is to be read, and let the style leave it there"
    for piece in manuscript.survey.markup:
        reader = _Boxes()
        reader.feed(piece.text)
        reader.close()
        for tag, what in reader.found:
            yield Remark(exactly(manuscript, piece.spot, tag), f"{_short(tag)} {what}", fix)


def _short(tag: str) -> str:
    return tag if len(tag) <= 50 else f"{tag[:49]}…"


class _Boxes(HTMLParser):
    """What moves, and tables or rows that are turned round while their cells hold text of the other direction."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._turned: list[list[str]] = []  # direction, tag, and the texts of cells, of each element that is open
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        style, written = said.get("style", "").lower(), self.get_starttag_text() or f"<{tag}>"
        has_text = tag not in {"img", "br", "hr"}
        self.found += [(written, what) for pattern, what in _MOVES if has_text and pattern.search(style)]
        if said.get("tabindex", "0").lstrip("+").isdecimal() and int(said.get("tabindex", "0")) > 0:
            self.found.append((written, "is reached by the keyboard before all that stands above it"))
        if tag in {"td", "th"} and self._turned:
            self._turned[-1].append("")
        if not has_text:
            return
        self._open.append(tag)
        found = re.search(r"(?<![\w-])direction\s*:\s*(ltr|rtl)", style)
        direction = said.get("dir", "").lower() or (found[1] if found else "")
        if tag in {"table", "tbody", "tr"} and direction in _STARTS:
            self._turned.append([direction, written])
            self._open[-1] = f"{tag} turned"

    def handle_data(self, data: str) -> None:
        if self._turned and len(self._turned[-1]) > 2:
            self._turned[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1].split()[0] != tag:
            self._close()
        self._close()

    def close(self) -> None:
        """Read what is left; elements may have been left open."""
        super().close()
        while self._open:
            self._close()

    def _close(self) -> None:
        if not self._open or not self._open.pop().endswith(" turned"):
            return
        direction, written, *cells = self._turned.pop()
        starts = [next((kind for kind in map(bidirectional, cell) if kind in {"L", "R", "AL"}), "") for cell in cells]
        against = [kind for kind in starts if kind and kind not in _STARTS[direction]]
        if len(against) > 1:
            self.found.append((written, "turns its columns round: what is read first is seen last"))
