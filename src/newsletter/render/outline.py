"""The outline: what a screen reader reads out as the structure of an issue, and what links within it lead to."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.issue_values import slugify
from newsletter.render import inline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes


def outlined(blocks: Sequence[Block], holes: Holes) -> tuple[Block, ...]:
    """The blocks with headings below the title's level, none of them skipped, and each with an anchor of its own."""
    ranks = sorted(set(_levels(blocks)))
    before = 1
    anchors: Counter[str] = Counter()

    def with_place(block: Block) -> Block:
        nonlocal before
        if block.name == "heading":
            before = min(ranks.index(block.data["level"]) + 2, before + 1, 6)
            anchor = block.data.get("anchor") or _anchor(holes.mark.sub("", inline.text(block.inline)), anchors)
            anchors[anchor] += 1
            written = block.data["level"]
            return replace(block, data={**block.data, "level": before, "written": written, "anchor": anchor})
        if not block.children:
            return block
        children = tuple(map(with_place, block.children))
        is_new = any(child is not old for child, old in zip(children, block.children, strict=True))
        return replace(block, children=children) if is_new else block

    return tuple(map(with_place, blocks))


def _anchor(text: str, taken: Counter[str]) -> str:
    """A name for a heading that links can lead to."""
    anchor = slugify(text.casefold()) if any(map(str.isalnum, text)) else "part"
    name = anchor
    while name in taken:
        taken[anchor] += 1
        name = f"{anchor}-{taken[anchor]}"
    return name


def _levels(blocks: Sequence[Block]) -> Iterator[int]:
    for block in blocks:
        if block.name == "heading":
            yield block.data["level"]
        yield from _levels(block.children)
