"""A table of data in plain text: its columns aligned, or, when it is wider than the page, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.flowed import WIDTH, Line, width

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

_GAP = "   "


def lines(rows: Sequence[Sequence[str]], aligns: Sequence[str], heads: int, mark: re.Pattern[str]) -> Iterator[Line]:
    """The lines of a table of which the first `heads` rows are its head; `mark` is how a slot looks."""
    widths = [max(width(row[at], mark) for row in rows) for at in range(len(aligns))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH:
        yield from _listed(rows, heads)
        return

    def padded(text: str, columns: int, align: str) -> str:
        free = columns - width(text, mark)
        left = {"right": free, "center": free // 2}.get(align, 0)
        return " " * left + text + " " * (free - left)

    aligned = [_GAP.join(map(padded, row, widths, aligns)).rstrip() for row in rows]
    aligned[heads:heads] = [_GAP.join("-" * size for size in widths)] if heads else []
    # A line that begins with a space is given one more to travel (RFC 3676); so then are all of them.
    margin = " " if any(line.startswith(" ") for line in aligned) else ""
    for line in aligned:
        yield Line(f"{margin}{line}", fixed=True)


def _listed(rows: Sequence[Sequence[str]], heads: int) -> Iterator[Line]:
    """Each row as lines of `head: value`."""
    names = rows[0] if heads else [""] * len(rows[0])
    for at, row in enumerate(rows[heads:]):
        if at:
            yield Line()
        for name, value in zip(names, row, strict=True):
            yield Line(f"{name}: {value}" if name else value)
