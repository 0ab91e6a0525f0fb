"""format=flowed: plain text that is wrapped for a terminal and flows again on a phone (RFC 3676).

A line that ends with a space continues on the next one. A line that begins with a space, `>` or `From ` gets one space
more, which the reader's program takes away again.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH = 72
_SLOT_WIDTH = 8  # how wide a value is taken to be that is not known yet
SIGNATURE = "-- "
_TO_BE_STUFFED = (" ", ">", "From ")
# A character that may take no column or two. Below the combining marks, and in general punctuation, all take one.
_UNEVEN = re.compile("[^\u0020-\u02ff\u2010-\u2027\u202f-\u205e\u20a0-\u20bf\u2190-\u21ff]")


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
    if not _UNEVEN.search(text):
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
            text, prefix = line.text.rstrip(), ">" * line.depth + (" " if line.depth else "")
            for piece in [text] if line.fixed else _without_signature(_wrapped(text, WIDTH - len(prefix), mark)):
                if line.depth:
                    out.append(f"{prefix}{piece}\n" if piece else f"{prefix.rstrip()}\n")
                else:
                    out.append(f" {piece}\n" if piece.startswith(_TO_BE_STUFFED) else f"{piece}\n")
    return "".join(out)


def _without_signature(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces; one that mail programs would take for the beginning of a signature stays with the next one."""
    for piece in pieces:
        yield piece + next(pieces, "") if piece == SIGNATURE else piece


def _wrapped(text: str, columns: int, mark: re.Pattern[str]) -> Iterator[str]:
    """The text in pieces of at most so many columns, each but the last ending with a space; words stay whole."""
    # What is shorter than the page with a mark in it is so with a value, too.
    if (not text.isascii() and _UNEVEN.search(text)) or (len(text) > columns and mark.search(text)):
        yield from _wrapped_by_word(text, columns, mark)
        return
    start = 0
    while len(text) - start > columns:
        words = start
        while text[words] == " ":
            words += 1
        # The space at a line's end belongs to it, so it must fit, too.
        end = text.rfind(" ", words, start + columns)
        if end < 0:
            end = text.find(" ", max(words, start + columns))
        if end < 0:
            break
        yield text[start : end + 1]
        start = end + 1
    yield text[start:]


def _wrapped_by_word(text: str, columns: int, mark: re.Pattern[str]) -> Iterator[str]:
    """The same for a text whose letters are not all one column wide."""
    indent = len(text) - len(text.lstrip(" "))
    words = text[indent:].split(" ")
    piece = " " * indent + words[0]
    used = width(piece, mark)
    for word in words[1:]:
        size = width(word, mark)
        if used + 1 + size + 1 > columns and piece.strip():
            yield piece + " "
            piece, used = word, size
        else:
            piece, used = f"{piece} {word}", used + 1 + size
    yield piece
