"""A subject without words

A screen reader reads emoji out by their names, and many programs show an empty box instead. A subject needs a word.

Bad:  subject: 🎉🎉
Good: subject: 🎉 Ten years
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Neither a letter nor a digit stands in the subject."""
    if not any(map(str.isalnum, manuscript.subject)):
        yield Remark(manuscript.at("subject"), "the subject says nothing: no letter stands in it", "write a few words")
