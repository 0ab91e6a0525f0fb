"""A part of the issue that nobody gets

A condition that holds for nobody of the audience hides its part from everybody: the wrong field, a value that is
written otherwise in the list, or a leftover. Looked through are lists of up to 20,000 readers; `newsletter render
--variants` counts the readers of each part.

Bad:  {% if subscriber.fields.city == "nantes" %}        (in the list stands Nantes)
Good: {% if subscriber.fields.city == "Nantes" %}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Each branch of a condition that none of the recipients takes."""
    if manuscript.audience is None:
        return
    for tag, line in manuscript.audience.unread:
        message = f"none of {manuscript.audience.recipients:,} recipients gets what stands behind `{tag}`"
        fix = "see whom it is for: newsletter render --variants; else take it out"
        yield Remark(Spot(manuscript.issue.path, line), message, fix)
