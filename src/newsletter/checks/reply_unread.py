"""An address that nobody reads

A newsletter is a letter: people answer it, with questions, thanks, and “please take me off”. `noreply@` tells them not
to, and mail providers count answers in your favour.

Bad:  reply_to = "noreply@example.org"
Good: reply_to = "hello@example.org"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_NOBODY = re.compile(
    r"(?:no|ne|do)[._-]*(?:not[._-]*|pas[._-]*)?(?:reply|repondre|r[ée]pond(?:re|ez)(?:[._-]*pas)?|responder|antwort\w*)",
    re.IGNORECASE,
)


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Answers go to an address whose name says that they are not read."""
    house = manuscript.house
    address = house.reply_to or house.sender_email
    if _NOBODY.fullmatch(address.partition("@")[0]):
        message = f"answers go to {address}, which says that nobody reads them"
        yield Remark(manuscript.spot, message, "name an address that a person reads: [sender] reply_to")
