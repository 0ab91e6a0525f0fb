"""format=flowed: plain text that is wrapped for a terminal and flows again on a phone (RFC 3676).

A line that ends with a space continues on the next one. A line that begins with a space, `>` or `From ` gets one space
more, which the reader's program takes away again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

WIDTH = 72
_SLOT_WIDTH = 8  # how wide a value is taken to be that is not known yet
SIGNATURE = "-- "


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the logical text: a paragraph, a list item, a line of code.

    A mark stands for a condition between lines, and takes no line itself.
    """

    text: str = ""
    depth: int = 0  # how many quotes it stands in
    fixed: bool = False  # code and tables: never wrapped
    is_mark: bool = False


def width(text: str, mark: re.Pattern[str]) -> int:
    """The columns that a text takes on a terminal; a slot counts as a short word."""
    text = mark.sub("x" * _SLOT_WIDTH, text)
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def flow(lines: Iterable[Line], mark: re.Pattern[str]) -> str:
    """The lines as format=flowed text, each ending with a line feed."""
    out: list[str] = []
    for line in lines:
        if line.is_mark:
            out.append(line.text)
        elif line.text == SIGNATURE:
            out.append(f"{SIGNATURE}\n")
        else:
            prefix = ">" * line.depth + (" " if line.depth else "")
            pieces = [line.text.rstrip()] if line.fixed else _wrapped(line.text.rstrip(), WIDTH - len(prefix), mark)
            out += (
                f"{prefix if piece else prefix.rstrip()}{piece if line.depth else _stuffed(piece)}\n"
                for piece in pieces
            )
    return "".join(out)


def _stuffed(text: str) -> str:
    return f" {text}" if text.startswith((" ", ">", "From ")) else text


def _wrapped(text: str, columns: int, mark: re.Pattern[str]) -> Iterator[str]:
    """The text in pieces of at most so many columns, each but the last ending with a space; words stay whole."""
    if len(text) <= columns and text.isascii():
        yield text
        return
    indent = len(text) - len(text.lstrip(" "))
    words = text[indent:].split(" ")
    piece = " " * indent + words[0]
    used = width(piece, mark)
    for word in words[1:]:
        size = width(word, mark)
        # The space at a line's end belongs to it, so it must fit, too.
        if used + 1 + size + 1 > columns and piece.strip():
            yield piece + " "
            piece, used = word, size
        else:
            piece, used = f"{piece} {word}", used + 1 + size
    yield piece
