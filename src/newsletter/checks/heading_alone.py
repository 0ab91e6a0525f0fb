"""A heading that heads nothing

Whoever jumps from heading to heading reads on behind it, and finds the next chapter there. What it was meant to head
stands before it, or was deleted.

Bad:  ## On Monday, and right below it ## On Tuesday
Good: ## On Monday, with what happens then below it
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
_NOTHING = re.compile(r"\s*(?:\{%.*%\}|\{[^{].*\}|:::.*|<!--.*-->|</?div[^>]*>)?\s*")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Headings with nothing below them before the next one of their level or above, or before the end."""
    path = manuscript.issue.path
    headings = [each for each in manuscript.survey.headings if each.spot.path == path and each.text.strip()]
    for number, heading in enumerate(headings):
        following = headings[number + 1] if number + 1 < len(headings) else None
        if following and following.level > heading.level:
            continue
        end = following.spot.line - 1 if following else len(manuscript.source)
        lines = manuscript.source[heading.spot.line : end]
        if not any(any(map(str.isalnum, line)) and not _NOTHING.fullmatch(line) for line in lines):
            message = (
                f"“{heading.text}” heads nothing: behind it comes {'the next heading' if following else 'the end'}"
            )
            yield Remark(heading.spot, message, "put it before what it heads, or take it out")
