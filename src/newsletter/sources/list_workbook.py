"""Reads a workbook (XLSX, XLSB, XLS, ODS) in a process of its own, which may die without taking the program with it.

A workbook of a few kilobytes can ask for terabytes: a cell in its last row and column, or a row repeated a million
times. The library asks for the memory and is killed when it does not get it. So it runs here, in bounded memory and
time, and answers:

    look                   what each sheet is called, how many rows it has, and its first rows
    rows SHEET FIRST MANY  rows of a sheet, by number from 0
"""

from __future__ import annotations

import marshal
import sys
from contextlib import suppress
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = 4 << 30  # bytes
_SECONDS = 600  # of work
_FIRST_ROWS = 20


def text(value: Any) -> str:
    """A cell as it would stand in a CSV: 44000 and not 44000.0, dates as dates."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case None:
            return ""
        case _:
            return str(value)


class _Workbook:
    def __init__(self, path: str) -> None:
        from python_calamine import load_workbook

        self._book = load_workbook(path)
        self._sheets: dict[int, Any] = {}
        self._rows: tuple[int, int, Iterator[Any]] = (-1, 0, iter(()))

    def _sheet(self, number: int) -> Any:
        if number not in self._sheets:
            self._sheets[number] = self._book.get_sheet_by_index(number)
        return self._sheets[number]

    def look(self) -> list[tuple[str, int, list[list[str]]]]:
        from python_calamine import SheetTypeEnum

        found = []
        for number, about in enumerate(self._book.sheets_metadata):
            if about.typ == SheetTypeEnum.WorkSheet:
                sheet = self._sheet(number)
                rows = [list(map(text, row)) for row in islice(sheet.iter_rows(), _FIRST_ROWS)]
                found.append((about.name, sheet.total_height, rows))
            else:
                found.append((about.name, 0, []))
        return found

    def rows(self, sheet: int, first: int, many: int) -> list[list[str]]:
        number, at, rows = self._rows
        if (number, at) != (sheet, first):
            rows = islice(self._sheet(sheet).iter_rows(), first, None)
        found = [[cell if type(cell) is str else text(cell) for cell in row] for row in islice(rows, many)]
        self._rows = (sheet, first + len(found), rows)
        return found


def _limit() -> None:
    with suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer what is asked on standard input, until it ends."""
    _limit()
    answer = sys.stdout.buffer
    book: _Workbook | None = None
    for line in sys.stdin:
        try:
            book = book or _Workbook(sys.argv[1])
            match line.split():
                case ["rows", sheet, first, many]:
                    found: Any = book.rows(int(sheet), int(first), int(many))
                case _:
                    found = book.look()
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        marshal.dump(found, answer)
        answer.flush()


if __name__ == "__main__":
    main()
