"""Write down: what was heard of messages, and who is offered next, put on record together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.ledger import begin_record
from newsletter.store.rounds import Recording
from newsletter.transports.offering import Offering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.delivery import Schedule
    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.store.batches import Repeats
    from newsletter.store.database import Database
    from newsletter.store.leases import Lease


class Minutes(Offering):
    """The record of one sender. What was heard stays here until it is there."""

    def __init__(
        self, database: Database, lease: Lease, now: Callable[[], int], schedule: Schedule, repeats: Repeats | None
    ) -> None:
        self.heard: list[tuple[int, Outcome | None]] = []
        self._database, self._lease, self._now = database, lease, now
        self._schedule, self._repeats = schedule, repeats
        self._recording = Recording()
        self._under_way = 0  # how many of `heard` are in it

    def begin(self, messages: Sequence[Message]) -> None:
        """Begin to put on record what was heard, and that these are offered. Raises StoreError and TakenOver."""
        self.finish()
        heard = self.heard.copy()
        keys = [message.key for message in messages]
        self._recording = begin_record(
            self._database, self._lease, heard, keys, self._now(), self._schedule, self._repeats
        )
        self._under_way = len(heard)

    def fileno(self) -> int:
        """What can be read from once there is news; -1 if there is nothing to wait for."""
        return self._recording.fileno()

    def is_done(self) -> bool:
        """Whether `finish` will not have to wait."""
        return self._recording.is_done()

    def finish(self) -> None:
        """Wait until it is on record. Raises TakenOver when another worker has, or StoreError."""
        number, self._under_way = self._under_way, 0
        self._recording.finish()
        del self.heard[:number]
