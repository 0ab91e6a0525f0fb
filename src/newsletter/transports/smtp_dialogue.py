"""One connection's dialogue: MAIL, RCPT, DATA, one message after another, without I/O (RFC 5321, 2033, 2920).

The caller hands in what the server said and sends what is in `out`. With PIPELINING, three commands go in one write,
and the next envelope goes behind the content of the message before:

    C: MAIL RCPT DATA ▏                      ▏content 1 . MAIL RCPT DATA ▏
    S:                ▏250 250 354           ▏                           ▏250 · 250 250 354
                                    `ready` ─┘ └─ commit(): only after the ledger has it on record

No byte of a message's end-of-data mark is in `out` before `commit`. With CHUNKING it goes otherwise: smtp_chunking.py.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from newsletter.outcome import Outcome, Rejected, Reply, Uncertain, outcome_of
from newsletter.transports.smtp_envelope import mail_command, rcpt_command, refusal, speaks_of_message
from newsletter.transports.smtp_replies import ConnectionClosed, Replies, bare, out_of_turn, read_whole

if TYPE_CHECKING:
    from newsletter.message import Message
    from newsletter.transports import Results
    from newsletter.transports.smtp_envelope import Features

_END_OF_DATA = b".\r\n"  # behind the line end of the content


class Step(Enum):
    """What a reply answers."""

    __hash__ = object.__hash__  # Enum's own is written in Python: a microsecond a message

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "end of data"  # or the BDAT that has all of it


# Looked up once: an enumeration's members are slow to name, and there are four replies to each message.
_RSET, _MAIL, _RCPT, _DATA, _DOT = Step
_FORMALITIES = frozenset((_RSET, _MAIL, _RCPT))

# Seconds to wait for each reply (RFC 5321 section 4.5.3.2). The last one is long on purpose: giving up early is what
# makes duplicates.
PATIENCE = {Step.RSET: 300, Step.MAIL: 300, Step.RCPT: 300, Step.DATA: 120, Step.DOT: 600}


class SenderRefused(Exception):
    """The server refuses this sender or this session: no recipient is at fault, and no message would fare better."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(slots=True)
class Transaction:
    """One message on its way."""

    message: Message
    failure: Outcome | None = None
    end: int | None = None  # so many octets of `out` must have gone before it can be taken as whole; None before commit
    # With CHUNKING, where more is on its way than what was refused:
    sender_refused: bool = False  # so it says nothing of the recipient
    not_here: bool = False  # the connection has had its share, which says nothing of the message
    recipient_taken: bool = False  # though MAIL was refused


class Dialogue:
    """The state of one connection after its greeting."""

    chunking = False
    window = 1

    def __init__(self, features: Features) -> None:
        """Talk to a server with these features."""
        self.features = features
        self.begun = 0  # messages, to hold against the server's limit
        self.out: list[bytes] = []
        self.ready: list[Message] = []  # whose content waits for `commit`
        self.heard = 0  # replies, to their end
        self.sender_refused: Reply | None = None
        self._pipelining = features.pipelining
        self._replies = Replies()
        self._said = 0  # octets that were ever put into `out`
        self._expected: deque[tuple[Step, Transaction]] = deque()
        self._needs_reset = False
        self._accepted = False  # anything, on this connection

    @property
    def idle(self) -> bool:
        """No reply is expected and no content waits to be committed."""
        return not self._expected and not self.ready

    @property
    def room(self) -> int:
        """How many messages may be begun now."""
        return int(self.idle)

    @property
    def takes_following(self) -> bool:
        """Whether the next envelope may go behind a content."""
        return self._pipelining

    @property
    def awaits(self) -> Step | None:
        """What the next reply will answer."""
        return self._expected[0][0] if self._expected else None

    def refusal(self, message: Message) -> Rejected | None:
        """Why this server cannot take the message at all, known without asking it; raises TransportError for all."""
        return refusal(message, self.features)

    def begin(self, message: Message) -> None:
        """Open a transaction where there is room."""
        transaction = Transaction(message)
        if self._needs_reset:
            self._needs_reset = False
            self._expected.append((_RSET, transaction))
            self._say(b"RSET\r\n")
            if not self._pipelining:
                return
        self._say(self._envelope(transaction))

    def commit(self, following: Message | None) -> None:
        """Send the content that is `ready`, with its end of data, and behind it the next envelope."""
        ready, self.ready = self.ready, []
        step, transaction = self._expected[0]
        assert step is _DOT
        assert ready == [transaction.message]
        self._say(transaction.message.data)
        transaction.end = self._said + 1  # who has the dot may guess the rest
        end = _END_OF_DATA
        if following is not None:
            assert self._pipelining
            end += self._envelope(Transaction(following))
        self._say(end)

    def _say(self, octets: bytes) -> None:
        self.out.append(octets)
        self._said += len(octets)

    def receive(self, data: bytes, results: Results, unsent: int = 0) -> None:
        """Take in what the server sent, and add to `results` the messages whose fate is now known.

        `unsent` is how much of `out` was not yet given to the connection when the data came: what the server says of
        a content before it can have seen its end is no acceptance. Raises ConnectionClosed and SenderRefused; what
        was added before stays true.
        """
        expected = self._expected
        for code, texts in self._replies.read(data):
            self.heard += 1
            if code == 250 and self._pipelining and expected and not self.out:
                # Half of all replies are a consent to what was followed by more anyway: nothing is left to do.
                step, transaction = expected[0]
                if step in _FORMALITIES and transaction.failure is None:
                    expected.popleft()
                    continue
            is_final = bool(expected) and expected[0][0] is _DOT
            self._answer(read_whole(code, texts) if is_final or code >= 400 else bare(code), results, unsent)

    def lost(self, reason: Reply, unsent: int) -> tuple[Results, list[tuple[Message, bool]]]:
        """What is known when the connection breaks with `unsent` octets of `out` not yet given to it.

        Returns what can be said for certain or must be called uncertain; and the messages that were not taken, each
        with whether the server had heard its recipient, and so may have broken the connection over it.
        """
        known: Results = []
        again: list[tuple[Message, bool]] = []
        unheard = {id(transaction) for step, transaction in self._expected if step in (_RSET, _MAIL)}
        for transaction in {id(transaction): transaction for _, transaction in self._expected}.values():
            heard = id(transaction) not in unheard
            # Behind a 421 nothing was looked at any more.
            possibly_taken = reason.code != 421 and self._has_seen(transaction, unsent)
            fate = self._fate(transaction, Uncertain(reason) if possibly_taken else None, heard=heard)
            if isinstance(fate, bool):
                again.append((transaction.message, fate))
            else:
                known.append((transaction.message, fate))
        self._expected.clear()
        self.ready = []
        return known, again

    def _fate(self, transaction: Transaction, uncertain: Uncertain | None, *, heard: bool) -> Outcome | bool | None:
        """What to say of a message whose connection broke; True or False to send it again, see `lost`."""
        return transaction.failure or uncertain or heard

    def _has_seen(self, transaction: Transaction, unsent: int) -> bool:
        """Whether the server may have the end of the content."""
        return transaction.end is not None and self._said - unsent >= transaction.end

    def _envelope(self, transaction: Transaction) -> bytes:
        """MAIL, and with PIPELINING RCPT and DATA in the same write; the replies to expect are noted."""
        self.begun += 1
        commands = mail_command(transaction.message, self.features)
        self._expected.append((_MAIL, transaction))
        if self._pipelining:
            commands += rcpt_command(transaction.message, self.features) + "DATA\r\n"
            self._expected.append((_RCPT, transaction))
            self._expected.append((_DATA, transaction))
        return commands.encode()

    def _next(self, step: Step, transaction: Transaction, command: str) -> None:
        """Without PIPELINING, each command waits for the reply to the one before."""
        if not self._pipelining:
            self._say(command.encode())
            self._expected.appendleft((step, transaction))

    def _answer(self, reply: Reply, results: Results, unsent: int) -> None:
        """Take one reply. Where it ends the connection, what it was expected to answer stays for `lost` to tell of."""
        if not self._expected or self.out:
            # Nothing was asked, or not yet.
            raise ConnectionClosed(reply) if reply.code == 421 else out_of_turn(reply)
        step, transaction = self._expected[0]
        if step is _DOT:
            self._answer_to_content(transaction, reply, results, unsent)
            return
        kind = reply.code // 100
        if reply.code == 421 or (step is _RSET and kind != 2):
            raise ConnectionClosed(reply)
        if (kind == 3 and step is not _DATA) or (kind == 2 and step is _DATA):
            raise out_of_turn(reply)
        if step is _MAIL and kind != 2:
            self._refuse_mail(transaction, reply)
        if step is _DATA:
            self._answer_to_data(transaction, reply, results)
            return
        self._expected.popleft()
        if kind != 2:
            self._fail(transaction, outcome_of(reply), results)
        elif step is _RSET:
            self._begin_after_reset(transaction)
        elif step is _MAIL:
            self._next(_RCPT, transaction, rcpt_command(transaction.message, self.features))
        elif step is _RCPT:
            self._take_recipient(transaction)

    def _begin_after_reset(self, transaction: Transaction) -> None:
        if not self._pipelining:
            self._say(self._envelope(transaction))

    def _take_recipient(self, transaction: Transaction) -> None:
        self._next(_DATA, transaction, "DATA\r\n")

    def _refuse_mail(self, transaction: Transaction, reply: Reply) -> None:
        """Tell a refusal that is about us."""
        del transaction
        if self._concerns_connection(reply):
            raise ConnectionClosed(reply)
        if self._concerns_sender(reply):
            self.sender_refused = reply
            raise SenderRefused(reply)

    def _concerns_connection(self, reply: Reply) -> bool:
        """Whether another connection may take what this one does not: it has had its share, or we are not in step."""
        return reply.code == 503 or (reply.code // 100 == 4 and self._accepted)

    def _concerns_sender(self, reply: Reply) -> bool:
        return reply.code // 100 == 5 and not speaks_of_message(reply)

    def _answer_to_data(self, transaction: Transaction, reply: Reply, results: Results) -> None:
        if reply.code // 100 == 3:
            if transaction.failure is None:
                self.ready = [transaction.message]
            elif self.features.lmtp:
                # It should have refused (RFC 2033 section 4.2), and would answer a content once for each recipient
                # that it took, which is never.
                raise ConnectionClosed(reply)
            else:
                # The server wants content although it refused the recipient: an empty one ends the transaction
                # (RFC 2920 section 3.1).
                self._say(_END_OF_DATA)
            self._expected[0] = (_DOT, transaction)
            return
        self._expected.popleft()
        self._needs_reset = True
        results.append((transaction.message, transaction.failure or outcome_of(reply)))

    def _answer_to_content(self, transaction: Transaction, reply: Reply, results: Results, unsent: int) -> None:
        refused = transaction.failure is not None
        sent = refused or transaction.end is not None
        seen = refused or self._has_seen(transaction, unsent)
        kind = reply.code // 100
        if not sent and reply.code == 421:
            raise ConnectionClosed(reply)
        if kind == 3 or (kind == 2 and not seen):
            raise out_of_turn(reply)
        if not sent:
            # It asked for the content and then refused it unseen.
            self.ready = []
        self._expected.popleft()
        self._accepted = self._accepted or kind == 2
        results.append((transaction.message, transaction.failure or outcome_of(reply)))
        if not seen:
            # Refused in the middle of the content. The rest of it must not be taken for commands.
            raise ConnectionClosed(reply)

    def _fail(self, transaction: Transaction, outcome: Outcome, results: Results) -> None:
        """Note the first refusal. With PIPELINING the replies to the rest of the group are still to come."""
        transaction.failure = transaction.failure or outcome
        if not self._pipelining:
            self._needs_reset = True
            results.append((transaction.message, transaction.failure))
