"""A consent: what a person said yes to, in which words, when, where, and how that is known (GDPR, article 7.1).

A record is written once and never changed. Who asks to join and confirms later has two: the wish, and the confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class How(Enum):
    """How it is known that a person agreed."""

    DOUBLE_OPT_IN = "double opt-in"  # asked by a form, and confirmed from the mailbox
    SINGLE = "single"  # asked by a form, and believed
    IMPORT = "import"  # stood in a list, whose owner says so
    COMMAND_LINE = "command line"  # the author says so


@dataclass(frozen=True, slots=True)
class Consent:
    """One record of a person's yes. Text that is not known is empty."""

    subscriber: int  # the store's number of the person
    at: datetime  # when the person agreed, or asked to join; UTC
    how: How
    source: str = ""  # "form", "import:members.csv", "command line"
    page: str = ""  # the address of the page, or where and when it was on paper
    words: str = ""  # what the person read and agreed to
    language: str = ""  # of these words, BCP 47
    confirmed_at: datetime | None = None  # UTC; None: not confirmed, or needs no confirmation
    network: str = ""  # the network the form was sent from; kept only where the settings say so
    id: int = 0  # the store's number; 0 until it is stored

    @property
    def is_proof(self) -> bool:
        """Whether this alone shows that the person agreed: a wish by a form that nobody confirmed may be another's."""
        return self.how is not How.DOUBLE_OPT_IN or self.confirmed_at is not None


def proof(consents: Iterable[Consent]) -> Consent | None:
    """The latest record that shows that the person agreed; None when there is none."""
    return max(
        (each for each in consents if each.is_proof), key=lambda each: each.confirmed_at or each.at, default=None
    )


def network_of(address: str) -> str:
    """The network around an address: the /24 of an IPv4 one, the /56 of an IPv6 one (RFC 6177); "" for none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network((parsed, 24 if parsed.version == 4 else 56), strict=False))
