"""A subscriber: a person on the list, with consent, and with the fields that an issue may speak of."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Status(Enum):
    """Whether a subscriber gets issues."""

    PENDING = "pending"  # has asked to join and not confirmed yet
    ACTIVE = "active"  # gets every issue
    UNSUBSCRIBED = "unsubscribed"  # has left; only the person can come back


class Subscriber(NamedTuple):
    """One person on the list. Text that is not known is empty, never None."""

    email: str
    first_name: str = ""
    last_name: str = ""
    name: str = ""  # when it is not "first last"
    language: str = ""  # BCP 47; empty: the newsletter's
    status: Status = Status.ACTIVE
    tags: tuple[str, ...] = ()
    joined: datetime | None = None  # UTC
    fields: Mapping[str, str] = _NOTHING
    source: str = ""  # how the person came onto the list: "import:members.csv", "form", "command line"
    time_zone: str = ""  # as in the IANA's database: "Europe/Paris"
    paused_until: int = 0  # UTC seconds; gets nothing before. 0: not paused
    last_active: int = 0  # UTC seconds of the last sign of life: confirmed, changed preferences. 0: none but joining
    id: int = 0  # the store's number; 0 until it is stored

    @property
    def display_name(self) -> str:
        """The name to write on the envelope: as given, or first and last."""
        if self.name or not (self.first_name and self.last_name):
            return self.name or self.first_name or self.last_name
        return f"{self.first_name} {self.last_name}"


# What an issue may say of a recipient: {{ subscriber.<one of these> }}. Anything else stands under `fields`.
PUBLIC_FIELDS = ("email", "first_name", "last_name", "name", "language", "tags", "fields")


def canonical(email: str) -> str:
    """The form under which an address is unique: without case, in the domain and in the local part.

    RFC 5321 section 2.4 lets a host tell `Ana@` from `ana@`; none that matters does. Dots and plus-tags do tell
    people apart, so they stay.
    """
    return email.strip().casefold()
