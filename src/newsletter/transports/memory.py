"""The memory transport: what was sent is a list. For tests, and to measure everything but the wire."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING

from newsletter.outcome import Accepted, Outcome
from newsletter.transports import PAUSE, Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.message import Message
    from newsletter.transports import Messages, Offer, Results

_ACCEPTED = Accepted()


class MemoryTransport:
    """Keeps the last messages, accepts all of them unless `answer` says otherwise."""

    capabilities = Capabilities(in_flight=100, messages_per_second=10_000)

    def __init__(
        self,
        keep: int | None = None,
        answer: Callable[[Message], Outcome] = lambda _: _ACCEPTED,
        *,
        wait: Callable[[float], object] = sleep,
    ) -> None:
        """Keep the last `keep` messages, all of them if None; `wait` lets so many seconds pass."""
        self.sent: list[Message] = []
        self.count = 0
        self.octets = 0  # of all that were accepted, each joined as it would be for the wire
        self._keep = keep
        self._answer = answer
        self._wait = wait

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """See Transport."""
        batch: list[Message] = []
        for message in messages:
            if message is not None:
                batch.append(message)
                if len(batch) < self.capabilities.in_flight:
                    continue
            if batch:
                yield self._take(batch, offer)
                batch = []
            else:
                self._wait(PAUSE)
        if batch:
            yield self._take(batch, offer)

    def _take(self, batch: list[Message], offer: Offer) -> Results:
        offer(batch)
        results: Results = []
        for message in batch:
            outcome = self._answer(message)
            if isinstance(outcome, Accepted):
                self.sent.append(message)
                self.count += 1
                self.octets += len(message.data)
            results.append((message, outcome))
        if self._keep is not None:
            del self.sent[: -self._keep or len(self.sent)]
        return results

    def close(self) -> None:
        """Nothing to let go of."""
