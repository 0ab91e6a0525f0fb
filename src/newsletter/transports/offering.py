"""Offering: who is about to be written to is put on record, and the transport goes on with other things meanwhile.

A database on a server takes a moment to say that it has written something down. A transport that knows of this asks
with `begin`, and lets no content of these messages go before `finish`; one that does not calls it and waits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.message import Message
    from newsletter.transports import Offer


class Offering(ABC):
    """One offer after another. Each of its methods raises what kept the record from being written."""

    def __call__(self, messages: Sequence[Message]) -> None:
        """Put these on record as offered, and wait until they are."""
        self.begin(messages)
        self.finish()

    @abstractmethod
    def begin(self, messages: Sequence[Message]) -> None:
        """Let these be put on record, after those before."""

    @abstractmethod
    def fileno(self) -> int:
        """What can be read from once there is news; -1 if there is nothing to wait for."""

    @abstractmethod
    def is_done(self) -> bool:
        """Whether all are on record, or `finish` will say at once why not."""

    @abstractmethod
    def finish(self) -> None:
        """Wait until all are on record."""


class _AtOnce(Offering):
    """A plain offer, which is on record when it returns."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer

    def begin(self, messages: Sequence[Message]) -> None:
        self._offer(messages)

    def fileno(self) -> int:
        return -1

    def is_done(self) -> bool:
        return True

    def finish(self) -> None:
        pass


def offering(offer: Offer) -> Offering:
    """The same offer, as one that need not be waited for."""
    return offer if isinstance(offer, Offering) else _AtOnce(offer)
