"""The difference of two texts, as those read it who review: what went, what came, and a little of what is around."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

_AROUND = 2  # lines
_MOST = 400  # lines that are shown of one text


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and whether it went (`-`), came (`+`) or stayed (` `)."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together; `line` is where the first is in the new text."""

    line: int
    lines: tuple[Line, ...]


def hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """What differs, up to the first few hundred lines."""
    before, after = ([line.rstrip() for line in text.splitlines()] for text in (old, new))
    found, shown = [], 0
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_AROUND):
        lines: list[Line] = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line(" ", line) for line in after[j1:j2]]
            else:
                lines += [Line("-", line) for line in before[i1:i2]]
                lines += [Line("+", line) for line in after[j1:j2]]
        found.append(Hunk(group[0][3] + 1, tuple(lines[: _MOST - shown])))
        shown += len(lines)
        if shown >= _MOST:
            break
    return tuple(found)
