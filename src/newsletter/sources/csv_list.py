"""A list as CSV (RFC 4180, and what spreadsheets make of it): delimiter, header, rows.

delimiter   the one of , ; tab | that finds an address column and cuts the lines into equally many cells
rows        with the line on which each begins; a quotation mark that is never closed spoils its own line only
"""

from __future__ import annotations

import csv
from collections import deque
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from newsletter.errors import ListError, Problem
from newsletter.sources.list_columns import find_header
from newsletter.sources.list_text import LONGEST_LINE, TextFile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from typing import BinaryIO

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 50  # lines; enough to see a pattern
LARGEST_CELL = 131_072  # characters: the csv module's own limit
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_CODES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


class Unreadable(NamedTuple):
    """A row that cannot be cut into cells, and why."""

    reason: str
    text: str  # the beginning of the line


class CsvList:
    """A list that can be read several times over, one row at a time."""

    def __init__(
        self, opener: Callable[[], BinaryIO], name: str, part: str = "", mapping: Mapping[str, str] | None = None
    ) -> None:
        """Find out how the list is written. `opener` gives it as bytes, from the beginning, each time it is called.

        `part` says which file of an archive it is. Raises ListError when it is empty, is no text, or has no column of
        addresses.
        """
        self.name = name
        self.part = part
        self._file = TextFile(opener, name)
        sample = [line for line in islice(self._lines(), 4 * _SAMPLE) if line.strip()][:_SAMPLE]
        # What Excel writes above a list for Excel.
        told = sample[0].strip().lower() if sample else ""
        self._skipped = int(told.startswith("sep=") and len(told) == 5)
        sample = sample[self._skipped :]
        if not sample:
            raise ListError(Problem("the list is empty", name, fix="its first line names the columns, such as: email"))
        self.delimiter = sample_delimiter(sample)
        lines: list[int] = []
        # Closed here: an error that is kept would keep the file open.
        with closing(self._first_rows(lines)) as rows:
            self._above, self.header, self.columns = find_header(rows, name, mapping)
        self.header_line = lines[self._above]
        self.how = f"CSV, {_CODES[self._file.encoding]}" + (
            f", {_NAMES[self.delimiter]}" if len(self.header) > 1 else ""
        )

    def _lines(self) -> Iterator[str]:
        for block in self._file.lines():
            yield from block

    def _first_rows(self, lines: list[int]) -> Generator[list[str]]:
        """The rows from the first one on; their lines go into `lines`."""
        for line, cells in self._numbered():
            if isinstance(cells, Unreadable):
                raise ListError(Problem(f"the header cannot be read: {cells.reason}", self.name, line))
            lines.append(line)
            yield cells

    def _numbered(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        return split_rows(self._file.lines(), self.delimiter, skip=self._skipped, cut=self._file.cut)

    def rows(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """Each row below the header with the line on which it begins: its cells, or what is wrong with it."""
        return islice(self._numbered(), self._above + 1, None)

    def about(self) -> int:
        """How many rows there are, about."""
        with self._file.open() as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def sample_delimiter(sample: list[str]) -> str:
    """What separates the cells of these lines."""

    def fitness(delimiter: str) -> tuple[bool, float, int]:
        rows = [cells for _, cells in split_rows(iter([sample]), delimiter) if isinstance(cells, list)]
        try:
            above, header, _ = find_header(iter(rows), "")
            named = True
        except ListError:
            above, header, named = 0, rows[0] if rows else [], False
        rows = rows[above:]
        regular = sum(len(row) == len(header) for row in rows) / len(rows) if len(header) > 1 else 0
        return named, regular, len(header)

    return max(DELIMITERS, key=fitness)


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def split_rows(
    blocks: Iterator[list[str]], delimiter: str, *, skip: int = 0, cut: set[int] | frozenset[int] = frozenset()
) -> Iterator[tuple[int, list[str] | Unreadable]]:
    """Each row that is not blank with the line on which it begins: its cells, or what is wrong with it.

    A block is read at once, as long as nothing is wrong with it. Where something is, or a row goes on in the next
    block, that row is read by itself, and reading goes on behind it. `cut` are the lines, from 0, whose end is missing.
    """
    passed = 0  # lines before `lines`
    lines: list[str] = []
    while True:
        if not lines:
            if (block := next(blocks, None)) is None:
                return
            lines = block
        if skip:
            take = min(skip, len(lines))
            lines, skip, passed = lines[take:], skip - take, passed + take
            continue
        done = 0
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if cut and passed + done in cut:
                    break
                if any(cells):
                    yield passed + done + 1, cells
                done = reader.line_num
            else:
                lines, passed = [], passed + done
                continue
        except csv.Error:
            pass
        if (taken := passed + done) in cut:
            reason = f"the line holds more than {LONGEST_LINE:,} characters"
            yield taken + 1, Unreadable(reason, lines[done][:LARGEST_CELL])
            lines, passed = lines[done + 1 :], taken + 1
            continue
        row, lines, number = _one_row(lines[done:], blocks, delimiter)
        if isinstance(row, Unreadable) or any(row):
            yield taken + 1, row
        passed = taken + number


def _one_row(
    lines: list[str], blocks: Iterator[list[str]], delimiter: str
) -> tuple[list[str] | Unreadable, list[str], int]:
    """The row with which these lines begin, which may need further blocks; the lines behind it; how many it had.

    A quotation mark that is opened and never closed would swallow the rows below it, up to the next mark, or until the
    cell is too large. A strict reader notices; then its first line alone is at fault, and all others are read anew.
    """
    source = _Lines(lines, blocks)
    try:
        row: list[str] | Unreadable = next(csv.reader(source, delimiter=delimiter, strict=True), [])
    except csv.Error:
        row = _leniently(source.keep_only_first(), delimiter)
    return row, source.left(), len(source.taken)


class _Lines:
    """Physical lines that can be put back."""

    def __init__(self, lines: list[str], blocks: Iterator[list[str]]) -> None:
        self._waiting = deque(lines)
        self._blocks = blocks
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self._waiting:
            self._waiting.extend(next(self._blocks))
        self.taken.append(self._waiting.popleft())
        return self.taken[-1]

    def keep_only_first(self) -> str:
        self._waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return self.taken[0]

    def left(self) -> list[str]:
        return list(self._waiting)


def _leniently(line: str, delimiter: str) -> list[str] | Unreadable:
    """One line that is not as RFC 4180 wants it: `"Ana" Martin,ana@example.org` can be read all the same."""
    text = line.rstrip("\r\n")[:LARGEST_CELL]
    if line.count('"') % 2:
        return Unreadable("a quotation mark is opened here and never closed", text)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return Unreadable(f"a cell holds more than {LARGEST_CELL:,} characters", text)
