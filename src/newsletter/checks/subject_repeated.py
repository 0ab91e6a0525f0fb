"""The subject of an earlier issue

Readers who see the same subject twice take the second mail for the first one, and mail programs fold both into one
conversation. A number or a theme tells them apart.

Bad:  subject: Our newsletter        (as every month)
Good: subject: Our newsletter, no. 12: the new school
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """An earlier issue had this subject."""
    ours = _words(manuscript.subject)
    for earlier in manuscript.earlier:
        if ours and _words(earlier.subject) == ours:
            message = f"the subject is that of {earlier.path}: readers will take one mail for the other"
            yield Remark(manuscript.at("subject"), message, "say what is new in this one")
            return


def _words(subject: str) -> list[str]:
    """What a reader would know a subject by: its words, however its quotes and blanks are set."""
    return "".join(letter if letter.isalnum() else " " for letter in subject.casefold()).split()
