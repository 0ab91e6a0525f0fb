"""Offering: who is about to be written to is put on record, and the transport goes on with other things meanwhile.

A database on a server takes a moment to say that it has written something down. A transport that knows of this asks
with `begin`, and lets no content of these messages go before `finish`; one that does not calls it and waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.message import Message
    from newsletter.transports import Offer


class Pending(Protocol):
    """A record on its way."""

    def fileno(self) -> int:
        """What can be read from once there is news."""

    def is_done(self) -> bool:
        """Whether `finish` will not have to wait."""

    def finish(self) -> None:
        """Wait until it is on record. Raises what kept it from that."""


class Offering:
    """One offer after another."""

    def __init__(self, begin: Callable[[Sequence[Message]], Pending | None]) -> None:
        """`begin` puts messages on record, or begins to."""
        self.pending: Pending | None = None
        self._begin = begin

    def __call__(self, messages: Sequence[Message]) -> None:
        """Put these on record as offered, and wait until they are."""
        self.begin(messages)
        self.finish()

    def begin(self, messages: Sequence[Message]) -> None:
        """Let these be put on record, after those before."""
        self.finish()
        self.pending = self._begin(messages)

    def is_done(self) -> bool:
        """Whether all are on record, or `finish` will say at once why not."""
        return self.pending is None or self.pending.is_done()

    def finish(self) -> None:
        """Wait until all are on record. Raises what kept them from that."""
        pending, self.pending = self.pending, None
        if pending:
            pending.finish()


def offering(offer: Offer) -> Offering:
    """The same offer, as one that need not be waited for."""
    return offer if isinstance(offer, Offering) else Offering(lambda messages: offer(messages))
