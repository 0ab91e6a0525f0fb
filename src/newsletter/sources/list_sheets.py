"""A list in a workbook: the first sheet with a column of addresses, below its header."""

from __future__ import annotations

import marshal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from newsletter.errors import ListError, Problem
from newsletter.sources.list_columns import columns, find_header
from newsletter.sources.list_workbook import MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from newsletter.sources.csv_list import Unreadable

_CHUNK = 2000  # rows
_ERRORS = {
    "PasswordError": ("it is locked with a password", "open it, take the password off, and save it"),
    "MemoryError": (f"it needs more than {MEMORY >> 30} GB of memory", "save the sheet as CSV UTF-8"),
}


class Workbook:
    """A workbook that another process reads. Close it when it is done with."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603  (ourselves)
            # -P: whatever lies in the current folder is not taken for a module.
            [sys.executable, "-P", "-m", "newsletter.sources.list_workbook", str(path.absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, question: str) -> Any:
        """The answer. Raises ListError when the workbook cannot be read."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{question}\n".encode())
            self._process.stdin.flush()
            answer = marshal.load(self._process.stdout)  # noqa: S302  (from ourselves)
        except (EOFError, BrokenPipeError, ValueError, TypeError):
            answer = "MemoryError: "
        if isinstance(answer, str):
            kind, _, told = answer.partition(": ")
            why, fix = _ERRORS.get(kind, (told or kind, "open it in a spreadsheet program, and save the sheet as CSV"))
            raise ListError(Problem(f"the workbook cannot be read: {why}", self.name, fix=fix))
        return answer

    def close(self) -> None:
        """Let the other process end."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


class SheetList:
    """One sheet of a workbook as a list."""

    def __init__(self, book: Workbook, part: str, mapping: Mapping[str, str] | None = None) -> None:
        """Choose the sheet and its header. `part` says which file of an archive the workbook is.

        Raises ListError when no sheet has a column of addresses.
        """
        self.name = book.name
        self._book = book
        self.header: list[str] = []
        self.unread: list[str] = []  # other sheets with addresses
        problem: ListError | None = None
        for number, (title, height, rows) in enumerate(book.ask("look")):
            try:
                above, header, _ = find_header(rows, self.name, mapping)
            except ListError as error:
                problem = problem or (error if any(map(any, rows)) else None)
                continue
            if self.header:
                self.unread.append(f"sheet {title!r}, which has addresses, too: save it as a file of its own")
                continue
            while not header[-1]:
                header.pop()
            self.header, self.header_line = header, above + 1
            self.columns = columns(header, self.name, mapping)
            self.part = f"{part}, {title}" if part else title
            self.how, self.delimiter = f"sheet {title!r}", ","
            self._sheet, self._height = number, height
        if self.header:
            return
        told = problem.problems[0] if problem else Problem("it is empty")
        raise ListError(Problem(f"no sheet has a column of addresses: {told.message}", self.name, fix=told.fix))

    def rows(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """Each row below the header that is not blank with its number."""
        first = self.header_line
        while chunk := self._book.ask(f"rows {self._sheet} {first} {_CHUNK}"):
            for number, cells in enumerate(chunk, start=first + 1):
                if any(cells):
                    yield number, cells
            first += len(chunk)

    def about(self) -> int:
        """How many rows there are."""
        return int(self._height) - self.header_line
