"""Conditions and tables: one may stand around a table, or within a cell; between rows or cells it would lose text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem
from newsletter.render import inline
from newsletter.render.holes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes

_FIX = "put it around the whole table, or around the text of each cell: | {% if … %}…{% endif %} |"


def refuse_parted_cells(rows: Sequence[Block], holes: Holes) -> None:
    """Raise IssueError for a condition that begins in one cell and ends in another, or in none."""
    for row in rows:
        for cell in row.children:
            text = inline.text(cell.inline)
            kinds = [holes[int(mark[1])].kind for mark in holes.mark.finditer(text)] if holes.nonce in text else []
            if kinds.count(Kind.IF) != kinds.count(Kind.ENDIF):
                raise _error("a condition goes over several cells of a table", holes, cell.line)


def refuse_parted_rows(blocks: Sequence[Block], holes: Holes) -> None:
    """Raise IssueError for a condition between a table's rows, which ends the table: those below it are text."""
    for table, control, rows in zip(blocks, blocks[1:], blocks[2:], strict=False):
        is_parted = (table.name, control.name, rows.name) == ("table", "control", "paragraph")
        if is_parted and inline.text(rows.inline).startswith("|"):
            raise _error("a condition stands between the rows of a table", holes, control.line)


def _error(message: str, holes: Holes, line: int) -> IssueError:
    return IssueError(Problem(message, holes.path, line, fix=_FIX))
