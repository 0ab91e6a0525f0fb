"""Regions: what only the mail shows, and what only the web page shows."""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING

from newsletter.render.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.render.block import Block


def shown(blocks: Sequence[Block], form: str) -> tuple[Block, ...]:
    """The blocks that a form of the issue shows, `email` or `web`; a region's own blocks take its place."""
    out: list[Block] = []
    for block in blocks:
        children = shown(block.children, form) if block.children else ()
        region = CATALOGUE[block.name].form if block.name in CATALOGUE else ""
        if region:
            out += children if region == form else ()
        elif children or not block.children:  # what held nothing else is empty now
            is_same = all(map(is_, children, block.children)) and len(children) == len(block.children)
            out.append(block if is_same else replace(block, children=children))
    return tuple(out)
