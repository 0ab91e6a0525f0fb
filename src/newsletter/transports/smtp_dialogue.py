"""One connection's dialogue: MAIL, RCPT, DATA, one message after another, without I/O (RFC 5321, 2033, 2920, 3030).

The caller hands in what the server said and sends what is in `out`. With PIPELINING, three commands go in one write,
and the next envelope goes behind the content of the message before:

    C: MAIL RCPT DATA ▏                      ▏content 1 . MAIL RCPT DATA ▏
    S:                ▏250 250 354           ▏                           ▏250 · 250 250 354
                                    `ready` ─┘ └─ commit(): only after the ledger has it on record

With CHUNKING nobody waits for a 354, and a whole window of messages is on its way at once:

    C: RSET MAIL RCPT BDAT content 1 RSET MAIL RCPT BDAT content 2 …▏
    S:                                                              ▏250 250 250 250 250 250 250 250 …
       └─ commit(): after the ledger has all of the window on record

No byte of a message's end-of-data mark, or of a BDAT, is in `out` before `commit`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from newsletter.outcome import Outcome, Rejected, Reply, Uncertain, outcome_of, parse_reply
from newsletter.transports.smtp_envelope import mail_command, rcpt_command, refusal, speaks_of_message

if TYPE_CHECKING:
    from newsletter.message import Message
    from newsletter.transports import Results
    from newsletter.transports.smtp_envelope import Features

# RFC 5321 allows 512 octets a line and names no number of lines; no honest server comes near these.
_LONGEST_LINE = 4096
_MOST_LINES = 256
_FIRST_DIGITS = frozenset((b"2", b"3", b"4", b"5"))
_GO_ON = frozenset((b"2", b"3"))
_MARKS = frozenset((b"", b" ", b"-"))
_END_OF_DATA = b".\r\n"  # behind the line end of the content
_REPLIES_WITH_BDAT = 4  # to RSET, MAIL, RCPT, BDAT


class Step(Enum):
    """What a reply answers."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "end of data"  # or the BDAT that has all of it


# Seconds to wait for each reply (RFC 5321 section 4.5.3.2). The last one is long on purpose: giving up early is what
# makes duplicates.
PATIENCE = {Step.RSET: 300, Step.MAIL: 300, Step.RCPT: 300, Step.DATA: 120, Step.DOT: 600}


class ConnectionClosed(Exception):
    """The server is closing the connection (421), or does not keep to the protocol."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class SenderRefused(Exception):
    """The server refuses this sender or this session: no recipient is at fault, and no message would fare better."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


def _out_of_turn(reply: Reply) -> ConnectionClosed:
    return ConnectionClosed(Reply(0, "4.5.0", f"the server's reply is out of turn: {reply}"))


@dataclass(slots=True)
class _Transaction:
    message: Message
    failure: Outcome | None = None
    sender_refused: bool = False  # so it says nothing of the recipient
    not_here: bool = False  # the connection has had its share, which says nothing of the message
    end: int | None = None  # so many octets of `out` must have gone before it can be taken as whole; None before commit


class Dialogue:
    """The state of one connection after its greeting."""

    def __init__(self, features: Features, window: int = 1) -> None:
        """Talk to a server with these features; `window` messages at once if it has CHUNKING and pipelines."""
        self.features = features
        self.chunking = window > 1 and features.chunking and features.pipelining
        self.window = window if self.chunking else 1
        self.begun = 0  # messages, to hold against the server's limit
        self.out: list[bytes] = []
        self.ready: list[Message] = []  # whose content waits for `commit`
        self.heard = 0  # replies, to their end
        self.sender_refused: Reply | None = None
        self._said = 0  # octets that were ever put into `out`
        self._expected: deque[tuple[Step, _Transaction]] = deque()
        self._buffer = b""
        self._lines: list[str] = []
        self._needs_reset = False
        self._accepted = False  # anything, on this connection
        self._refused_senders: set[str] = set()  # with CHUNKING: more of their messages may be on the way
        self._spent: Reply | None = None  # what the server said when it would take no more messages here
        self._not_here: list[Message] = []  # what it did not take for that reason

    @property
    def idle(self) -> bool:
        """No reply is expected and no content waits to be committed."""
        return not self._expected and not self.ready

    @property
    def room(self) -> int:
        """How many messages may be begun now."""
        if not self.chunking:
            return int(self.idle)
        if self.sender_refused or self._spent:
            return 0
        unanswered = -(-len(self._expected) // _REPLIES_WITH_BDAT)
        return self.window - len(self.ready) - unanswered

    @property
    def takes_following(self) -> bool:
        """Whether the next envelope may go behind a content."""
        return self.features.pipelining and not self.chunking

    @property
    def awaits(self) -> Step | None:
        """What the next reply will answer."""
        return self._expected[0][0] if self._expected else None

    def refusal(self, message: Message) -> Rejected | None:
        """Why this server cannot take the message at all, known without asking it."""
        return refusal(message, self.features)

    def begin(self, message: Message) -> None:
        """Open a transaction where there is room. With CHUNKING, it waits as a whole for `commit`."""
        if self.chunking:
            self.begun += 1
            self.ready.append(message)
            return
        transaction = _Transaction(message)
        if self._needs_reset:
            self._needs_reset = False
            self._expected.append((Step.RSET, transaction))
            self._say(b"RSET\r\n")
        self._say(self._envelope(transaction))

    def commit(self, following: Message | None) -> None:
        """Send the contents of `ready`, each with its end of data; behind a single one, the next envelope."""
        ready, self.ready = self.ready, []
        if self.chunking:
            for message in ready:
                self._commit_whole(message)
            return
        step, transaction = self._expected[0]
        assert step is Step.DOT
        assert ready == [transaction.message]
        self._say(transaction.message.data)
        transaction.end = self._said + 1  # who has the dot may guess the rest
        end = _END_OF_DATA
        if following is not None:
            assert self.features.pipelining
            end += self._envelope(_Transaction(following))
        self._say(end)

    def withdraw(self) -> list[Message]:
        """Take back, with CHUNKING, what waits for `commit`: nothing of it was said."""
        assert self.chunking
        ready, self.ready = self.ready, []
        return ready

    def _commit_whole(self, message: Message) -> None:
        """A transaction in one piece (RFC 3030 section 2).

        After a refusal the state of the server is anybody's guess, and the next message is on its way already: so
        each one begins with RSET.
        """
        transaction = _Transaction(message)
        envelope = mail_command(message, self.features) + rcpt_command(message, self.features)
        self._expected += (
            (Step.RSET, transaction),
            (Step.MAIL, transaction),
            (Step.RCPT, transaction),
            (Step.DOT, transaction),
        )
        self._say(f"RSET\r\n{envelope}BDAT {len(message.data)} LAST\r\n".encode())
        self._say(message.data)
        transaction.end = self._said

    def _say(self, octets: bytes) -> None:
        self.out.append(octets)
        self._said += len(octets)

    def receive(self, data: bytes, results: Results, unsent: int = 0) -> None:
        """Take in what the server sent, and add to `results` the messages whose fate is now known.

        `unsent` is how much of `out` was not yet given to the connection when the data came: what the server says of
        a content before it can have seen its end is no acceptance. Raises ConnectionClosed and SenderRefused; what
        was added before stays true.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r")
            if line[:1] not in _FIRST_DIGITS or not line[:3].isdigit() or len(line) < 3 or line[3:4] not in _MARKS:
                raise ConnectionClosed(parse_reply(500, ["this is not SMTP: " + line[:100].decode("latin-1")]))
            if line[3:4] == b"-":
                if len(self._lines) == _MOST_LINES:
                    raise ConnectionClosed(Reply(500, "", "the server's reply has no end"))
                self._lines.append(line[4:].decode("latin-1"))
                continue
            code = int(line[:3])
            if line[:1] in _GO_ON and not self._is_final():
                reply = Reply(code)  # what it says besides is never looked at
            else:
                reply = parse_reply(code, [*self._lines, line[4:].decode("latin-1")])
            self._lines.clear()
            self.heard += 1
            self._answer(reply, results, unsent)
        if len(self._buffer) > _LONGEST_LINE:
            raise ConnectionClosed(Reply(500, "", "the server's reply has no end"))

    def lost(self, reason: Reply, unsent: int) -> tuple[Results, list[tuple[Message, bool]]]:
        """What is known when the connection breaks with `unsent` octets of `out` not yet given to it.

        Returns what can be said for certain or must be called uncertain; and the messages that were not taken, each
        with whether the server had heard its recipient, and so may have broken the connection over it.
        """
        known: Results = []
        again = [(message, False) for message in self._not_here]
        unheard = {id(transaction) for step, transaction in self._expected if step is Step.MAIL}
        seen: set[int] = set()
        for _, transaction in self._expected:
            if id(transaction) in seen:
                continue
            seen.add(id(transaction))
            if transaction.not_here:
                again.append((transaction.message, False))
            elif transaction.failure is not None:
                known.append((transaction.message, None if transaction.sender_refused else transaction.failure))
            # Behind a 421 nothing was looked at any more.
            elif self._has_seen(transaction, unsent) and reason.code != 421:
                # It refuses a sender once, and so again: another sender's content it may have taken.
                refused = id(transaction) in unheard and transaction.message.envelope.sender in self._refused_senders
                known.append((transaction.message, None if refused else Uncertain(reason)))
            else:
                again.append((transaction.message, id(transaction) not in unheard))
        if self.chunking:  # without it, what is ready is expected to be answered already
            again += [(message, False) for message in self.ready]
        self._expected.clear()
        self.ready = []
        self._not_here = []
        return known, again

    def _has_seen(self, transaction: _Transaction, unsent: int) -> bool:
        """Whether the server may have the end of the content."""
        return transaction.end is not None and self._said - unsent >= transaction.end

    def _is_final(self) -> bool:
        return bool(self._expected) and self._expected[0][0] is Step.DOT

    def _envelope(self, transaction: _Transaction) -> bytes:
        """MAIL, and with PIPELINING RCPT and DATA in the same write; the replies to expect are noted."""
        self.begun += 1
        commands = mail_command(transaction.message, self.features)
        self._expected.append((Step.MAIL, transaction))
        if self.features.pipelining:
            commands += rcpt_command(transaction.message, self.features) + "DATA\r\n"
            self._expected.append((Step.RCPT, transaction))
            self._expected.append((Step.DATA, transaction))
        return commands.encode()

    def _next(self, step: Step, transaction: _Transaction, command: str) -> None:
        """Without PIPELINING, each command waits for the reply to the one before."""
        if not self.features.pipelining:
            self._say(command.encode())
            self._expected.appendleft((step, transaction))

    def _answer(self, reply: Reply, results: Results, unsent: int) -> None:
        """Take one reply. Where it ends the connection, what it was expected to answer stays for `lost` to tell of."""
        if not self._expected or self.out:
            # Nothing was asked, or not yet.
            raise ConnectionClosed(reply) if reply.code == 421 else _out_of_turn(reply)
        step, transaction = self._expected[0]
        if step is Step.DOT:
            self._answer_to_content(transaction, reply, results, unsent)
            return
        kind = reply.code // 100
        if reply.code == 421 or (step is Step.RSET and kind != 2):
            raise ConnectionClosed(reply)
        if (kind == 3 and step is not Step.DATA) or (kind == 2 and step is Step.DATA):
            raise _out_of_turn(reply)
        if step is Step.MAIL:
            self._answer_to_mail(transaction, reply)
        if step is Step.DATA:
            self._answer_to_data(transaction, reply, results)
            return
        self._expected.popleft()
        if kind != 2:
            self._fail(transaction, outcome_of(reply), results)
        elif step is Step.MAIL:
            self._next(Step.RCPT, transaction, rcpt_command(transaction.message, self.features))
        elif step is Step.RCPT:
            self._next(Step.DATA, transaction, "DATA\r\n")

    def _answer_to_mail(self, transaction: _Transaction, reply: Reply) -> None:
        """Tell a refusal that is about us. With CHUNKING, what is said of the contents behind it is heard first."""
        kind = reply.code // 100
        spent = kind == 4 and self._accepted
        if not self.chunking and (reply.code == 503 or spent):
            # We are not in step, or the connection has had its share: another one may take what this one does not.
            raise ConnectionClosed(reply)
        if spent:
            transaction.not_here = True
            self._spent = reply
        elif kind == 5 and not speaks_of_message(reply):
            self.sender_refused = reply
            if not self.chunking:
                raise SenderRefused(reply)
            transaction.sender_refused = True
            self._refused_senders.add(transaction.message.envelope.sender)

    def _answer_to_data(self, transaction: _Transaction, reply: Reply, results: Results) -> None:
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
            self._expected[0] = (Step.DOT, transaction)
            return
        self._expected.popleft()
        self._needs_reset = True
        results.append((transaction.message, transaction.failure or outcome_of(reply)))

    def _answer_to_content(self, transaction: _Transaction, reply: Reply, results: Results, unsent: int) -> None:
        refused = transaction.failure is not None
        sent = refused or transaction.end is not None
        seen = self._has_seen(transaction, unsent) or (refused and not self.chunking)
        kind = reply.code // 100
        if not sent and reply.code == 421:
            raise ConnectionClosed(reply)
        if kind == 3 or (kind == 2 and not seen):
            raise _out_of_turn(reply)
        if not sent:
            # It asked for the content and then refused it unseen.
            self.ready = []
        self._expected.popleft()
        self._accepted = self._accepted or kind == 2
        if transaction.not_here:
            self._not_here.append(transaction.message)
        elif transaction.sender_refused:
            results.append((transaction.message, None))
        else:
            results.append((transaction.message, transaction.failure or outcome_of(reply)))
        if reply.code == 421 and self.chunking:
            raise ConnectionClosed(reply)
        if self.sender_refused and not self._expected:
            raise SenderRefused(self.sender_refused)
        if self._spent and not self._expected:
            raise ConnectionClosed(self._spent)
        if not seen and not self.chunking:
            # Refused in the middle of the content. The rest of it must not be taken for commands; a BDAT has a length.
            raise ConnectionClosed(reply)

    def _fail(self, transaction: _Transaction, outcome: Outcome, results: Results) -> None:
        """Note the first refusal. With PIPELINING the replies to the rest of the group are still to come."""
        transaction.failure = transaction.failure or outcome
        if not self.features.pipelining:
            self._needs_reset = True
            results.append((transaction.message, transaction.failure))
