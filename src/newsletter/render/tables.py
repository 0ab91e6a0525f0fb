"""Tables: what would lose text in one is refused: a cell too many, and a condition between rows or cells."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem
from newsletter.render import inline
from newsletter.render.holes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from newsletter.render.block import Block
    from newsletter.render.holes import Cut, Holes

_BETWEEN = re.compile(r"(?<!\\)\|")
_FIX = "put it around the whole table, or around the text of each cell: | {% if … %}…{% endif %} |"


def refuse_lost_cells(table: Sequence[Token], cut: Cut, holes: Holes) -> None:
    """Raise IssueError for a row with more cells than the head of its table: the parser leaves them out."""
    columns = 0
    for token in table:
        columns += token.type == "th_open"
        if token.type != "tr_open" or not token.map or not columns:
            continue
        # In a quote, the row begins with the quote's signs.
        row = _lines(cut.text)[token.map[0]].lstrip("> \t").rstrip().removeprefix("|").removesuffix("|")
        lost = [each.strip() for each in _BETWEEN.split(row)[columns:]] if row.count("|") >= columns else []
        if any(lost):
            text = holes.restore(" | ".join(filter(None, lost))).replace("\\|", "|")
            message = f"the row has more cells than the table has columns, and “{text}” would be lost"
            fix = "give the table's head as many cells; a bar that is text is written \\|"
            raise IssueError(Problem(message, holes.path, cut.line(token.map[0]), fix=fix))


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    return text.split("\n")


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
