"""A list of subscribers as a file (RFC 4180, and what spreadsheets make of it): encoding, delimiter, header, rows.

encoding    a byte order mark decides; else UTF-8, and bytes that are not UTF-8 are read as Windows-1252, one by one
delimiter   the one of , ; tab | that finds an address column and cuts the lines into equally many cells
rows        with the line on which each begins; a quotation mark that is never closed spoils its own line only
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from newsletter.errors import ListError, Problem
from newsletter.sources.list_words import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 50  # lines; enough to see a pattern
LARGEST_CELL = 131_072  # characters: the csv module's own limit

# What other kinds of file begin with, and what to do about them.
_NOT_CSV = {
    b"PK\x03\x04": ("an Excel workbook or a zip", "open it, and save the sheet as CSV UTF-8"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "open it, and save the sheet as CSV UTF-8"),
    b"%PDF": ("a PDF", "ask for the list as CSV"),
    b"BEGIN:VCARD": ("a file of vCards", "export the contacts as CSV"),
    b"SQLite format 3": ("a database", "export the table as CSV"),
}


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newsletter.windows-1252", _as_windows_1252)


class CsvList:
    """A list that can be read several times over, one row at a time."""

    def __init__(self, opener: Callable[[], BinaryIO], name: str) -> None:
        """Find out how the list is written. `opener` gives it as bytes, from the beginning, each time it is called.

        Raises ListError when it is empty, is no text, or has no column of addresses.
        """
        self.name = name
        self._open = opener
        with self._open() as file:
            self.encoding = _encoding(file.read(4096), name)
        sample = [line for line in islice(self._text(), 4 * _SAMPLE) if line.strip()][:_SAMPLE]
        # What Excel writes above a list for Excel.
        told = sample[0].strip().lower() if sample else ""
        self._skipped = int(told.startswith("sep=") and len(told) == 5)
        sample = sample[self._skipped :]
        if not sample:
            raise ListError(Problem("the list is empty", name, fix="its first line names the columns, such as: email"))
        self.delimiter = sample_delimiter(sample)
        self.header: list[str] = []
        self.header_line = 1
        for line, cells in self._numbered():
            if isinstance(cells, str):
                raise ListError(Problem(f"the header cannot be read: {cells}", name, line))
            self.header, self.header_line = [cell.strip() for cell in cells], line
            break
        self.columns = columns(self.header, name)

    def _text(self) -> Iterator[str]:
        """The physical lines from the beginning."""
        errors = "replace" if self.encoding == "utf-16" else "newsletter.windows-1252"
        with io.TextIOWrapper(self._open(), self.encoding, errors, newline="") as text:
            yield from text

    def _numbered(self) -> Iterator[tuple[int, list[str] | str]]:
        yield from split_rows(self._text(), self.delimiter, skip=self._skipped)

    def rows(self) -> Iterator[tuple[int, list[str] | str]]:
        """Each row below the header with the line on which it begins: its cells, or what is wrong with it."""
        return islice(self._numbered(), 1, None)


def open_list(path: Path) -> CsvList:
    """The list in a file. Raises ListError when there is none, or when it is no list."""
    try:
        return CsvList(lambda: path.open("rb"), str(path))
    except IsADirectoryError:
        raise ListError(Problem("this is a folder, not a list", str(path), fix="name a file in it")) from None
    except OSError as error:
        raise ListError(Problem(f"the list cannot be read: {error.strerror or error}", str(path))) from error


def _encoding(head: bytes, name: str) -> str:
    for mark, (what, fix) in _NOT_CSV.items():
        if head.startswith(mark):
            raise ListError(Problem(f"this is {what}, not a CSV file", name, fix=fix))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.count(0) > len(head) // 10:
        raise ListError(Problem("this is not a text file", name, fix="save the list as CSV UTF-8"))
    return "utf-8-sig"


def sample_delimiter(sample: list[str]) -> str:
    """What separates the cells of these lines."""

    def fitness(delimiter: str) -> tuple[bool, float, int]:
        rows = [cells for _, cells in split_rows(iter(sample), delimiter) if isinstance(cells, list)]
        header = [cell.strip() for cell in rows[0]] if rows else []
        try:
            columns(header, "")
        except ListError:
            named = False
        else:
            named = True
        regular = sum(len(row) == len(header) for row in rows) / len(rows) if len(header) > 1 else 0
        return named, regular, len(header)

    return max(DELIMITERS, key=fitness)


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Lines:
    """Physical lines that can be put back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._again: deque[str] = deque()
        self.taken: list[str] = []  # for the present row
        self.number = 0  # of the last line that was taken

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self.number += 1
        self.taken.append(line)
        return line

    def keep_only_first(self) -> str:
        first, *others = self.taken
        self._again.extendleft(reversed(others))
        self.number -= len(others)
        return first


def split_rows(source: Iterator[str], delimiter: str, *, skip: int = 0) -> Iterator[tuple[int, list[str] | str]]:
    """Each row that is not blank with the line on which it begins: its cells, or what is wrong with it.

    A quotation mark that is opened and never closed would swallow the rows below it, up to the next mark or to the end.
    A strict reader notices; then its first line alone is at fault, and all others are read anew.
    """
    lines = _Lines(source)
    for _ in islice(lines, skip):
        pass
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    taken = lines.taken
    while True:
        taken.clear()
        begins = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield begins, _leniently(lines.keep_only_first(), delimiter)
            continue
        if any(cells):
            yield begins, cells


def _leniently(line: str, delimiter: str) -> list[str] | str:
    """One line that is not as RFC 4180 wants it: `"Ana" Martin,ana@example.org` can be read all the same."""
    if line.count('"') % 2:
        return "a quotation mark is opened here and never closed"
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return f"a cell holds more than {LARGEST_CELL:,} characters"
