"""SpamAssassin's points

SpamAssassin reads the message as a receiving server might; from 5 points on, many call it spam. A running `spamd` is
asked through `spamc`; where none runs, `--spam` starts `spamassassin`, once for all issues. Without either, only the
other rules of this part have read the mail, and the report says so. Rules about the way a mail travelled are left out:
this one has not travelled yet.

Bad:  (a subject in capitals, one big image, a link by number)
Good: (a letter)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_SPAM, _MUCH = 5.0, 1.0


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """The sum when it would be spam, and each rule that costs a point or more."""
    if manuscript.spam is None:
        return
    total = sum(manuscript.spam.values())
    fix = "look the rule up by its name; words, images and links of the issue are what can be changed"
    if total >= _SPAM:
        yield Remark(
            manuscript.spot, f"SpamAssassin gives {total:.1f} points: many servers call that spam", fix, Severity.ERROR
        )
    for name, points in manuscript.spam.items():
        if points >= _MUCH:
            yield Remark(manuscript.spot, f"SpamAssassin's {name} gives {points:.1f} points", fix)
