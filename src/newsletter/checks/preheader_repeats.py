"""A preheader that repeats the subject

The two stand side by side in the list of messages. Said twice, the second line is lost.

Bad:  subject: Ten years of letters / preheader: Ten years of letters
Good: subject: Ten years of letters / preheader: What the first reader wrote to us
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
    """The preheader begins as the subject does, or is the subject."""
    subject, preheader = (_words(text) for text in (manuscript.subject, manuscript.issue.preheader))
    if preheader and (preheader == subject or (len(subject) > 2 and preheader[: len(subject)] == subject)):
        message = "the preheader repeats the subject, beside which it is shown"
        yield Remark(manuscript.at("preheader"), message, "say something that the subject does not")


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()
