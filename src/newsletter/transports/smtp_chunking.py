"""The dialogue with CHUNKING: whole messages, a window of them at once (RFC 3030).

Nobody waits for a 354, and a whole window of messages is on its way at once:

    C: RSET MAIL RCPT BDAT content 1 RSET MAIL RCPT BDAT content 2 …▏
    S:                                                              ▏250 250 250 250 250 250 250 250 …
       └─ commit(): after the ledger has all of the window on record

No byte of a BDAT is in `out` before `commit`. Whatever is refused, the contents behind it are on their way already:
what the server says of them is heard before the connection is given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.outcome import Accepted, Outcome, Reply, Uncertain, outcome_of
from newsletter.transports.smtp_dialogue import Dialogue, SenderRefused, Step, Transaction
from newsletter.transports.smtp_envelope import mail_command, rcpt_command
from newsletter.transports.smtp_replies import ConnectionClosed, out_of_turn

if TYPE_CHECKING:
    from newsletter.message import Message
    from newsletter.transports import Results
    from newsletter.transports.smtp_envelope import Features

_REPLIES = 4  # to RSET, MAIL, RCPT, BDAT


def dialogue_for(features: Features, window: int) -> Dialogue:
    """A dialogue of `window` messages at once where the server has CHUNKING and pipelines, else of one."""
    if window > 1 and features.chunking and features.pipelining:
        return ChunkingDialogue(features, window)
    return Dialogue(features)


class ChunkingDialogue(Dialogue):
    """The state of one connection whose server takes contents unasked."""

    chunking = True

    def __init__(self, features: Features, window: int) -> None:
        """Have at most `window` messages on their way."""
        super().__init__(features)
        self.window = window
        self._refused_senders: set[str] = set()  # more of their messages may be on the way
        self._spent: Reply | None = None  # what the server said when it would take no more messages here
        self._not_here: list[Message] = []  # what it did not take for that reason

    @property
    def room(self) -> int:
        """How many messages may be begun now."""
        if self.sender_refused or self._spent:
            return 0
        unanswered = -(-len(self._expected) // _REPLIES)
        return self.window - len(self.ready) - unanswered

    @property
    def takes_following(self) -> bool:
        """No envelope goes without its content."""
        return False

    def begin(self, message: Message) -> None:
        """Let a message wait, as a whole, for `commit`."""
        self.begun += 1
        self.ready.append(message)

    def commit(self, following: Message | None) -> None:
        """Send all that is `ready`.

        After a refusal the state of the server is anybody's guess, and the next message is on its way already: so
        each one begins with RSET.
        """
        assert following is None
        ready, self.ready = self.ready, []
        for message in ready:
            transaction = Transaction(message)
            envelope = mail_command(message, self.features) + rcpt_command(message, self.features)
            self._expected += (
                (Step.RSET, transaction),
                (Step.MAIL, transaction),
                (Step.RCPT, transaction),
                (Step.DOT, transaction),
            )
            self._say(f"RSET\r\n{envelope}BDAT {message.size} LAST\r\n".encode())
            self._say(message.data)
            transaction.end = self._said

    def withdraw(self) -> list[Message]:
        """Take back what waits for `commit`: nothing of it was said."""
        ready, self.ready = self.ready, []
        return ready

    def lost(self, reason: Reply, unsent: int) -> tuple[Results, list[tuple[Message, bool]]]:
        """See Dialogue.lost."""
        elsewhere, ready = self._not_here, self.ready
        self._not_here = []
        known, again = super().lost(reason, unsent)
        return known, [
            *((message, False) for message in elsewhere),
            *again,
            *((message, False) for message in ready),
        ]

    def _fate(self, transaction: Transaction, uncertain: Uncertain | None, *, heard: bool) -> Outcome | bool | None:
        if transaction.recipient_taken and uncertain:
            return uncertain
        if transaction.not_here:
            return False
        if transaction.sender_refused:
            return None
        if uncertain and not heard and transaction.message.envelope.sender in self._refused_senders:
            # It refuses a sender once, and so again: another sender's content it may have taken.
            return None
        return super()._fate(transaction, uncertain, heard=heard)

    def _refuse_mail(self, transaction: Transaction, reply: Reply) -> None:
        if self._concerns_connection(reply):
            transaction.not_here = True
            self._spent = reply
        elif self._concerns_sender(reply):
            transaction.sender_refused = True
            self.sender_refused = reply
            self._refused_senders.add(transaction.message.envelope.sender)

    def _take_recipient(self, transaction: Transaction) -> None:
        transaction.recipient_taken = transaction.failure is not None

    def _answer_to_content(self, transaction: Transaction, reply: Reply, results: Results, unsent: int) -> None:
        kind = reply.code // 100
        if kind == 3 or (kind == 2 and not self._has_seen(transaction, unsent)):
            raise out_of_turn(reply)
        self._expected.popleft()
        self._accepted = self._accepted or kind == 2
        if transaction.recipient_taken and kind == 2:
            # It refused MAIL ("nested", for one that ignores RSET), and took what followed: so it has the message.
            results.append((transaction.message, Accepted(reply)))
        elif transaction.not_here:
            self._not_here.append(transaction.message)
        elif transaction.sender_refused:
            results.append((transaction.message, None))
        else:
            results.append((transaction.message, transaction.failure or outcome_of(reply)))
        if reply.code == 421:
            raise ConnectionClosed(reply)
        if self.sender_refused and not self._expected:
            raise SenderRefused(self.sender_refused)
        if self._spent and not self._expected:
            raise ConnectionClosed(self._spent)
