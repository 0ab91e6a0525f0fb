"""The rows that an import did not take, as a list that can be mended and imported again.

It has the columns of the original, after a first one with the reason, which an import passes by.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, TextIO

from newsletter.sources.list_entries import guarded
from newsletter.sources.list_words import REJECTED, word_for_status
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.entry import RowProblem
    from newsletter.sources.list_files import SubscriberList, Table


class Rejects:
    """A file that is made when the first row is rejected, and takes its name when all is over."""

    def __init__(self, path: Path, source: SubscriberList) -> None:
        self.path = path
        self.rows = 0
        self._part = path.with_name(f"{path.name}.part")
        self._file: TextIO | None = None
        self._header = list(dict.fromkeys(title for table in source.tables for title in _kept(table, table.header)))
        if len(source.tables) == 1:
            self._header = _kept(source.tables[0], source.tables[0].header)
        # In a file of its own, what a whole file says of everybody in it has to be said in each row.
        self._says = any(_word(table) for table in source.tables) and "status" not in self._header
        self._delimiter = source.tables[0].delimiter

    def add(self, problem: RowProblem, table: Table) -> None:
        """Write one row."""
        if self._file is None:
            self._part.unlink(missing_ok=True)
            self._part.touch(mode=0o600)
            # The mark at its beginning tells Excel that it is UTF-8.
            self._file = self._part.open("w", encoding="utf-8-sig", newline="")
            self._write([REJECTED, *(["status"] if self._says else []), *self._header])
        cells = list(problem.cells)
        if len(cells) == 1 < len(table.header):
            # A row that could not be cut: as it is cut when quotation marks mean nothing, to be looked at.
            cells = [cell.strip(' "') for cell in cells[0].split(table.delimiter)]
        header = _kept(table, table.header)
        if len(cells) >= len(table.header):
            cells = _kept(table, cells)
        if header != self._header and len(cells) == len(header):
            there = dict(zip(header, cells, strict=True))
            cells = [there.get(title, "") for title in self._header]
        place = f"{problem.part}, line {problem.line}" if problem.part else f"line {problem.line}"
        self._write([f"{place}: {problem.reason}", *([_word(table)] if self._says else []), *cells])
        self.rows += 1

    def _write(self, cells: list[str]) -> None:
        assert self._file is not None
        csv.writer(self._file, delimiter=self._delimiter, lineterminator="\n").writerow(map(guarded, cells))

    def close(self, *, keep: bool) -> None:
        """Give the file its name, or take it away."""
        if self._file is not None:
            self._file.close()
            if keep:
                self._part.replace(self.path)
            else:
                self._part.unlink()


def _kept(table: Table, cells: list[str]) -> list[str]:
    """Without the reasons of an earlier import."""
    return [cell for position, cell in enumerate(cells) if table.header[position : position + 1] != [REJECTED]]


def _word(table: Table) -> str:
    reason = table.columns.vendor.leaves(table.header) if table.columns.vendor else None
    return word_for_status(Status.ACTIVE, reason) if reason else ""


def free_name(path: Path) -> Path:
    """Beside a list, a name for its rejected rows that nothing has yet."""
    stem = re.sub(r"\.rejected(-\d+)?$", "", path.stem)
    found, number = path.with_name(f"{stem}.rejected.csv"), 1
    while found.exists():
        number += 1
        found = path.with_name(f"{stem}.rejected-{number}.csv")
    return found
