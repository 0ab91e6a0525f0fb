"""A subject that a phone cuts

A phone shows some 40 characters of a subject, a desktop program some 70. What stands behind is read by nobody in the
list of messages, where it is decided whether a mail is opened. A slot counts as what a reader would get.

Bad:  subject: A few words about what we have been doing since our last letter, and what comes next
Good: subject: What we did since September
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_PHONE, _DESKTOP = 50, 78  # characters: what phones show of it at best, and what nobody shows


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """A subject beyond what phones show is a hint, beyond what desktop programs show a warning."""
    length = len(manuscript.subject)
    if length > _PHONE:
        severity = None if length > _DESKTOP else Severity.NOTE
        shown = f"“{manuscript.subject[:40].rstrip()}…”"
        message = f"the subject has {length} characters; a phone shows {shown}"
        yield Remark(manuscript.at("subject"), message, "say what counts in the first 40 characters", severity)
