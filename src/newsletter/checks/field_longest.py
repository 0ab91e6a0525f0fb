"""A value that breaks the line

Somebody's first name has 60 letters, or is an address that was typed into the wrong field. In a subject it pushes the
rest out of sight; it may be a mistake in the list.

Bad:  first_name: “ana.lima@example.org, Ana Lima, 12 rue des Lilas, Nantes”
Good: first_name: “Ana”
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_LONG = 40  # letters


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Fields that the issue prints whose longest value in the audience is very long."""
    if manuscript.audience is None:
        return
    for name, value in manuscript.audience.longest.items():
        if len(value) > _LONG:
            message = f"the longest {name} of the audience has {len(value)} letters"
            yield Remark(manuscript.spot, message, "see newsletter render --as that person, or mend the list")
