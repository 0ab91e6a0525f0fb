"""A list as text: its encoding, and its physical lines, none of which may be longer than memory allows.

A byte order mark decides about the encoding; without one, zeros at every other byte are UTF-16, and all else is UTF-8,
in which bytes that are not UTF-8 are read as Windows-1252, one by one.
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO

from newsletter.errors import ListError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_LINE = 4_000_000  # characters
_BLOCK = 1 << 18  # characters that are read at once
_HEAD = 4096  # bytes that say what a file is


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newsletter.windows-1252", _as_windows_1252)


class TextFile:
    """The text of a file, which can be read several times over."""

    def __init__(self, opener: Callable[[], BinaryIO], name: str) -> None:
        """Find out the encoding. `opener` gives the bytes from the beginning each time it is called.

        Raises ListError when this is no text.
        """
        self.name = name
        self.open = opener
        with opener() as file:
            self.encoding = _encoding(file.read(_HEAD), name)
        self.cut: set[int] = set()  # the numbers of lines that were too long, from 0

    def lines(self) -> Iterator[list[str]]:
        """The physical lines with their ends, many at a time. Of a line that is too long only the beginning is kept."""
        errors = "replace" if self.encoding.startswith("utf-16") else "newsletter.windows-1252"
        number, rest, lost = 0, "", False
        with io.TextIOWrapper(self.open(), self.encoding, errors, newline="") as text:
            while block := text.read(_BLOCK):
                if lost or len(rest) > LONGEST_LINE:
                    # In the middle of a line without an end: look for its end, and keep nothing more of it.
                    self.cut.add(number)
                    lost = True
                    end = min((at for at in (block.find("\n"), block.find("\r")) if at >= 0), default=-1)
                    if end < 0:
                        continue
                    rest, block, lost = rest[:LONGEST_LINE], block[end:], False
                found = list(io.StringIO(rest + block, newline=""))
                # The last one may go on in the next block; after a CR, its LF may.
                rest = "" if found[-1].endswith("\n") else found.pop()
                number += len(found)
                if found:
                    yield found
        if rest:
            yield list(io.StringIO(rest, newline=""))


def _encoding(head: bytes, name: str) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = head.count(0)
    if zeros > len(head) // 10:
        # What "Unicode text" of old programs is without its mark.
        for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
            if len(head) >= 4 and head[first::2].count(0) > 0.9 * len(head) / 2 and not head[1 - first :: 2].count(0):
                return encoding
        raise ListError(Problem("this is not a text file", name, fix="save the list as CSV UTF-8"))
    return "utf-8-sig"
