"""A value that breaks the line

Somebody's first name has 60 letters, or is an address that was typed into the wrong field. It may be a mistake in the
list. In a subject even an honest name can push out of sight what follows it: told is the longest subject that it makes.

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
_SUBJECT = 78  # characters, as subject-long has it


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """A subject that grows too long, and printed fields whose longest value in the audience is very long."""
    if manuscript.audience is None:
        return
    subject = manuscript.longest_subject
    if len(subject) > _SUBJECT >= len(manuscript.subject):
        message = f"for some the subject has {len(subject)} characters: “{subject[:40].rstrip()}…” is what they see"
        yield Remark(manuscript.at("subject"), message, "put the name at its end, or leave it to the greeting")
    for name, value in manuscript.audience.longest.items():
        if len(value) > _LONG:
            message = f"the longest {name} of the audience has {len(value)} letters"
            yield Remark(manuscript.spot, message, "see newsletter render --as that person, or mend the list")
