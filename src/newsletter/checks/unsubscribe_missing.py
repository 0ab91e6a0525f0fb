"""No way out in the text

Every newsletter must let people leave, in the mail itself: the law wants it (in France article L. 34-5 of the CPCE),
and who does not find the link presses “spam”. Our themes have it at the end; a theme of your own may have lost it.

Bad:  (a theme without {{ unsubscribe_url }})
Good: <a href="{{ unsubscribe_url }}">Unsubscribe</a>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.edition import Choice, Pattern, Slot
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """The HTML or the text has no slot with the signed link."""
    edition = manuscript.edition
    if edition is None:
        return
    wanted = {number for number, each in enumerate(edition.expressions) if "unsubscribe_url" in " ".join(each.sources)}
    for name, pattern in (("HTML", edition.html), ("plain text", edition.text)):
        if not _holds(pattern, wanted):
            message = f"the {name} has no link to unsubscribe"
            yield Remark(manuscript.spot, message, "write {{ unsubscribe_url }} into the theme's footer")


def _holds(pattern: Pattern, wanted: set[int]) -> bool:
    """Whether everybody gets one of the slots."""
    return any(
        (isinstance(part, Slot) and part.index in wanted)
        or (isinstance(part, Choice) and part.branches and all(_holds(branch, wanted) for branch in part.branches))
        for part in pattern
    )
