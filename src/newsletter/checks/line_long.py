"""A word that no line can hold

A word or address of more than 60 letters without a place to break makes a phone's page wider than the phone, or is cut
at its edge.

Bad:  Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft
Good: (a link with a text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_LONG = 60  # letters


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Words of more than 60 letters in what is read."""
    for passage in manuscript.survey.passages:
        word = max((word for word in passage.text.split() if "{{" not in word), key=len, default="")
        if len(word) > _LONG:
            message = f"“{word[:30]}…” has {len(word)} letters: a phone has no line for it"
            yield Remark(passage.spot, message, "part it, or let it be a link with a text")
