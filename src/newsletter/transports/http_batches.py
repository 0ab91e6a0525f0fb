"""Batches: messages in the groups that go into one request each."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING

from newsletter.transports import PAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.message import Message
    from newsletter.picture import Enclosed
    from newsletter.providers import Capabilities
    from newsletter.transports import Messages

# A request grows no further, whatever the provider takes: a larger one is no faster, and all of it is in memory.
_REQUEST = 3_000_000  # octets
_GATHER = 0.25  # seconds that a batch waits for more when the sender is told to go slowly


class Batches:
    """How a provider's requests are filled."""

    def __init__(self, can: Capabilities, most: int = 0) -> None:
        """`most` is smaller than what the provider takes, or 0."""
        self.most = min(most or can.batch, can.batch)
        self._fewer = min(can.batch_enclosed, self.most) or self.most  # of messages with images or files
        self._largest = min(can.largest, _REQUEST)

    def of(self, messages: Messages) -> Iterator[list[Message]]:
        """Batches as full as they get; an empty one says that nothing may be sent now."""
        batch: list[Message] = []
        size, since = 0, monotonic()
        for message in messages:
            if message is None:
                if batch and monotonic() - since < _GATHER:
                    sleep(PAUSE)
                    continue
                yield batch
                batch, size = [], 0
                continue
            enclosed = _enclosed(message)
            octets, most = _octets(message), self._fewer if any(enclosed) else self.most
            if batch and (batch[0].again != message.again or _enclosed(batch[0]) != enclosed):
                yield batch
                batch, size = [], 0
            if message.again:  # as it was offered, whatever holds now
                batch.append(message)
                continue
            if batch and (len(batch) >= most or size + octets > self._largest):
                yield batch
                batch, size = [], 0
            if not batch:
                since = monotonic()
            batch.append(message)
            size += octets
            if len(batch) >= most:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def _enclosed(message: Message) -> tuple[tuple[Enclosed, ...], ...]:
    """The images and the files of a letter: some providers take them once for a request."""
    return (message.letter.pictures, message.letter.files) if message.letter else ()


def _octets(message: Message) -> int:
    """About how much of a request a message takes."""
    if message.letter is None:
        return len(message.data) * 4 // 3 + 500
    letter = message.letter
    enclosed = sum(len(each.content) for each in (*letter.pictures, *letter.files)) * 4 // 3
    return len(letter.html_part.json) + len(letter.text_part.json) + enclosed + 2_000
