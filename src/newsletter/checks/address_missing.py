"""No postal address in the mail

Who sends must say who they are and where: CAN-SPAM wants a postal address in every commercial mail, French law the
name and address of the sender. Our themes print `postal_address`; a theme of your own may have lost it.

Bad:  [newsletter] without postal_address
Good: postal_address = "12 rue des Lilas, 44000 Nantes"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """The address is not configured, or not to be found in the text part."""
    address = manuscript.house.postal_address
    if not address:
        yield Remark(manuscript.spot, "no postal address is configured", "write postal_address below [newsletter]")
    elif _words(address) and not _words(address) <= _words(manuscript.text):
        message = "the postal address does not stand in the mail"
        yield Remark(manuscript.spot, message, "write {{ newsletter.postal_address }} into the theme's footer")


def _words(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in text.casefold()).split())
