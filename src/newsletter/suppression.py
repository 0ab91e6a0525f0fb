"""A suppression: an address that must not be written to, and why. It outlives the subscriber."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Reason(Enum):
    """Why an address must not be written to."""

    UNSUBSCRIBED = "unsubscribed"  # the person left
    COMPLAINED = "complained"  # the person called a message spam
    BOUNCED = "bounced"  # the address does not exist, or has refused for weeks
    MANUAL = "manual"  # the author said so


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address, in its canonical form, that gets nothing."""

    address: str
    reason: Reason
    since: datetime  # UTC
    source: str = ""  # "import:list.csv", "one-click", "command line"
