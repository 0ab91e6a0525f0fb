"""A paragraph that fills the screen

On a phone 120 words fill the screen: a wall without a door. Two paragraphs are read, one is skipped.

Bad:  (a paragraph of 200 words)
Good: (the same, parted where the thought turns)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_LONG = 130  # words


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Paragraphs of more than 130 words."""
    for passage in manuscript.survey.passages:
        words = len(passage.text.split())
        if passage.block == "paragraph" and words > _LONG:
            yield Remark(passage.spot, f"this paragraph has {words} words, more than a phone shows", "part it in two")
