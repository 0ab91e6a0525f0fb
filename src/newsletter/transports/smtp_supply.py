"""What one delivery still has to send: its source, read message by message, and what came back unsent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from newsletter.errors import TransportError
from newsletter.transports import Paced
from newsletter.transports.smtp_envelope import check_sender

if TYPE_CHECKING:
    from newsletter.message import Message
    from newsletter.transports import Messages, Results
    from newsletter.transports.smtp_dialogue import Dialogue

_TOLD_AT_ONCE = 100  # messages that the server cannot take: it may be none of a million, and who hears it may stop


class Supply:
    """The messages of one delivery that are on no connection."""

    __slots__ = ("_again", "_pays_again", "_sound_sender", "_source", "_waiting", "ended", "error", "paused")

    def __init__(self, source: Messages) -> None:
        """Read nothing yet."""
        self._source = source
        self._pays_again = source.pays_again if isinstance(source, Paced) else None
        self._waiting: deque[Message] = deque()
        self._again: deque[Message] = deque()  # came back; under a limit each waits for its turn
        self._sound_sender = ""  # nearly always that of all messages
        self.paused = False  # no message may be sent now: nobody is asked again until this is cleared
        self.ended = False  # the source has no more
        self.error: Exception | None = None  # why it ended before its time

    def has_one(self) -> bool:
        """Whether a message waits, after looking for one."""
        if not self._waiting and not self.paused and not self.error:
            try:
                if not (self._again and self._take_again()):
                    self._ask()
            except Exception as error:
                self.error = error
                self.ended = True
        return bool(self._waiting)

    def _take_again(self) -> bool:
        """Let one that came back wait no longer, if it may go now; whether it may."""
        if self._pays_again is None or self._pays_again(self._again[0].envelope.recipient):
            self._waiting.append(self._again.popleft())
            return True
        self._again.rotate(-1)  # its limit may be another one's than the next one's
        self.paused = self.ended
        return False

    def _ask(self) -> None:
        """Ask the source for one more."""
        if self.ended:
            return
        try:
            message = next(self._source)
        except StopIteration:
            self.ended = True
            return
        if message is None:
            self.paused = True
            return
        if message.envelope.sender != self._sound_sender:
            check_sender(message)
            self._sound_sender = message.envelope.sender
        self._waiting.append(message)

    def take(self, dialogue: Dialogue, refused: Results) -> Message | None:
        """The next message that this server can take at all; those that it cannot are added to `refused`."""
        for _ in range(_TOLD_AT_ONCE):
            if not self.has_one():
                return None
            message = self._waiting.popleft()
            try:
                refusal = dialogue.refusal(message)
            except TransportError as error:
                refused += [(each, None) for each in (message, *self.give_up(error))]
                return None
            if refusal is None:
                return message
            refused.append((message, refusal))
        self.paused = True
        return None

    def put_back(self, message: Message) -> None:
        """Send it later: its connection broke before the server had it."""
        self._again.append(message)

    def give_up(self, error: Exception) -> list[Message]:
        """Send nothing more; what waits now is sent to nobody. The first error is the one that counts."""
        self.error = self.error or error
        self.ended = True
        left = [*self._waiting, *self._again]
        self._waiting.clear()
        self._again.clear()
        return left

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be sent, and nothing will come."""
        return self.ended and not self._waiting and not self._again
