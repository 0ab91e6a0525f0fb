"""Levels: where what a block becomes can stand, and with it the marks of the conditions around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from newsletter.render.holes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes


class Level(IntEnum):
    """Where a block's output can stand; a greater one encloses a smaller one."""

    TEXT = 0
    COLUMN = 1
    PAGE = 2


@dataclass(slots=True)
class Piece:
    """A block's output. A condition's mark stands where the widest block between it and its partner does."""

    level: Level
    markup: str
    block: Block


def widen_conditions(pieces: Sequence[Piece], holes: Holes) -> None:
    """Move a condition's marks out to where the widest block between them stands."""
    stack: list[tuple[list[Piece], Level]] = []
    for piece in pieces:
        if piece.block.name != "control":
            if stack:
                stack[-1] = (stack[-1][0], max(stack[-1][1], piece.level))
            continue
        for mark in holes.mark.finditer(piece.markup):
            kind = holes[int(mark[1])].kind
            if kind is Kind.IF:
                stack.append(([piece], Level.TEXT))
            elif stack:
                stack[-1][0].append(piece)
                if kind is Kind.ENDIF:
                    marks, level = stack.pop()
                    # Between the elements of a column stands a table's row, where no text may be.
                    level = Level.PAGE if level else level
                    for one in marks:
                        one.level = max(one.level, level)
                    if stack:
                        stack[-1] = (stack[-1][0], max(stack[-1][1], level))
