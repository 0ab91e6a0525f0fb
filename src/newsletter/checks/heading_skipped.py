"""A heading level that is skipped

Screen readers jump from heading to heading, and take a missing level for a missing chapter. In the mail the levels are
put in order; in your file, and wherever else it is shown, they are as written.

Bad:  ## Events, then #### On Monday
Good: ## Events, then ### On Monday
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """A heading that is more than one level below the one before it."""
    before = 0
    for heading in manuscript.survey.headings:
        if before and heading.level > before + 1:
            message = f"“{heading.text}” is of level {heading.level}, after one of level {before}"
            yield Remark(heading.spot, message, f"write {'#' * (before + 1)} {heading.text}")
        before = heading.level
