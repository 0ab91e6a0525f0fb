"""A subject in capitals

Capitals are read as shouting, by people and by spam filters. A short word or a name in capitals is fine.

Bad:  subject: GRANDE FÊTE DE L'ÉCOLE
Good: subject: Grande fête de l'école
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_FEW = 6  # letters, as an acronym or two have


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Most letters of the subject are capitals."""
    letters = [letter for letter in manuscript.subject if letter.lower() != letter.upper()]
    capitals = sum(letter.isupper() for letter in letters)
    if len(letters) > _FEW and capitals > 0.7 * len(letters):
        yield Remark(
            manuscript.at("subject"), "the subject shouts: it is written in capitals", "write it in small letters"
        )
