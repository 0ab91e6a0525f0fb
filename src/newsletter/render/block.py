"""A block: one named value of an issue's body, in a tree with its children."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its name, the line of the author's file that it begins on, and what it holds."""

    name: str
    line: int
    data: Mapping[str, Any] = field(default_factory=dict)
    inline: tuple[Token, ...] = ()  # its running text, or its label when it has children, too
    children: tuple[Block, ...] = ()
