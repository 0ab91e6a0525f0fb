"""Curly quotes in code

A program copied from a mail with “these” instead of "these" does not run. They come from word processors.

Bad:  `print(“hello”)`
Good: `print("hello")`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_CURLY = re.compile("[“”‘’«»\u00a0\u202f]")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Curly quotes and unusual blanks between backticks and in fences."""
    fence = ""
    for number, line in enumerate(manuscript.source, 1):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif fence:
            pieces = [(0, line)] if _CURLY.search(line) else []
            yield from _remarks(manuscript, number, pieces)
        elif number >= manuscript.issue.body_line:
            yield from _remarks(manuscript, number, [(span.start(2), span[2]) for span in _SPAN.finditer(line)])


def _remarks(manuscript: Manuscript, line: int, pieces: list[tuple[int, str]]) -> Iterator[Remark]:
    for start, code in pieces:
        if found := _CURLY.search(code):
            spot = Spot(manuscript.issue.path, line, start + found.start() + 1)
            shown = found[0] if not found[0].isspace() else "a blank that is no blank"
            yield Remark(
                spot,
                f"in code stands {shown}, which no program understands",
                "write it with straight quotes and blanks",
            )
