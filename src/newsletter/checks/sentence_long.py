"""Sentences that run out of breath

A hint, no more: of sentences above 45 words most readers lose the beginning.

Bad:  (a sentence of 60 words)
Good: (the same in two)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_LONG = 45  # words
_END = re.compile(r"(?<=[.!?…])[\u00a0\u202f»”\")\]]*\s+")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Sentences of more than 45 words, one remark a paragraph."""
    for passage in manuscript.survey.passages:
        sentence = max(_END.split(passage.text), key=lambda text: len(text.split()), default="")
        words = len(sentence.split())
        if words > _LONG:
            beginning = " ".join(sentence.split()[:6])
            yield Remark(passage.spot, f"“{beginning} …” goes on for {words} words", "end it once on the way")
