"""A heading without words

A screen reader announces a heading and says nothing. It is often the rest of one that was deleted.

Bad:  ##
Good: ## On Monday
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
    """Headings without a text."""
    for heading in manuscript.survey.headings:
        if not heading.text.strip():
            yield Remark(heading.spot, "a heading has no words", "write them, or take the # away")
