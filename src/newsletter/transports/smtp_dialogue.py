"""One connection's dialogue: MAIL, RCPT, DATA, one message after another, without I/O (RFC 5321, 2033, 2920).

The caller hands in what the server said and sends what is in `out`. With PIPELINING, three commands go in one write,
and the next envelope goes behind the content of the message before:

    C: MAIL RCPT DATA ▏                      ▏content 1 . MAIL RCPT DATA ▏
    S:                ▏250 250 354           ▏                           ▏250 · 250 250 354
                                    `ready` ─┘ └─ commit(): only after the ledger has it on record

No byte of a message's end-of-data mark is in `out` before `commit`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from newsletter.outcome import Deferred, Outcome, Rejected, Reply, Uncertain, outcome_of, parse_reply

if TYPE_CHECKING:
    from newsletter.message import Message
    from newsletter.transports import Results

_LONGEST_LINE = 4096  # RFC 5321 allows 512; some servers are chatty, no honest one sends more than this


class Step(Enum):
    """What a reply answers."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "end of data"


# Seconds to wait for each reply (RFC 5321 section 4.5.3.2). The last one is long on purpose: giving up early is what
# makes duplicates.
PATIENCE = {Step.RSET: 300, Step.MAIL: 300, Step.RCPT: 300, Step.DATA: 120, Step.DOT: 600}


@dataclass(frozen=True, slots=True)
class Features:
    """What the server offered in its answer to EHLO or LHLO."""

    pipelining: bool = False
    smtputf8: bool = False
    eight_bit: bool = False
    size: int | None = None  # octets; 0: no limit named; None: no SIZE
    auth: tuple[str, ...] = ()
    starttls: bool = False
    chunking: bool = False
    dsn: bool = False


class ConnectionClosed(Exception):
    """The server is closing the connection (421), or does not speak SMTP."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class SenderRefused(Exception):
    """The server refuses this sender or this session: no recipient is at fault, and no message would fare better."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(slots=True)
class _Transaction:
    message: Message
    failure: Outcome | None = None
    committed: bool = False
    behind: int = 0  # octets of the next envelope that were put into `out` behind this content


class Dialogue:
    """The state of one connection after its greeting."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.out: list[bytes] = []
        self.ready: Message | None = None
        self._expected: deque[tuple[Step, _Transaction]] = deque()
        self._buffer = b""
        self._lines: list[str] = []
        self._needs_reset = False

    @property
    def idle(self) -> bool:
        """No reply is expected and no content waits to be committed."""
        return not self._expected and self.ready is None

    @property
    def awaits(self) -> Step | None:
        """What the next reply will answer."""
        return self._expected[0][0] if self._expected else None

    def refusal(self, message: Message) -> Rejected | None:
        """Why this server cannot take the message at all, known without asking it."""
        if not message.envelope.recipient.isascii() and not self.features.smtputf8:
            return Rejected(Reply(553, "5.6.7", "the next hop does not take addresses outside ASCII (no SMTPUTF8)"))
        if self.features.size and len(message.data) > self.features.size:
            octets, limit = len(message.data), self.features.size
            return Rejected(Reply(552, "5.3.4", f"the message has {octets} octets, the next hop takes {limit}"))
        return None

    def begin(self, message: Message) -> None:
        """Open a transaction on an idle connection."""
        transaction = _Transaction(message)
        if self._needs_reset:
            self._needs_reset = False
            self._expected.append((Step.RSET, transaction))
            self.out.append(b"RSET\r\n")
        self.out.append(self._envelope(transaction))

    def commit(self, following: Message | None) -> None:
        """Send the content of `ready` with its end-of-data mark and, if the server pipelines, the next envelope."""
        step, transaction = self._expected[0]
        assert step is Step.DOT
        assert self.ready is transaction.message
        self.ready = None
        transaction.committed = True
        self.out.append(transaction.message.data)
        end = b".\r\n"
        if following is not None:
            assert self.features.pipelining
            envelope = self._envelope(_Transaction(following))
            transaction.behind = len(envelope)
            end += envelope
        self.out.append(end)

    def receive(self, data: bytes, results: Results) -> None:
        """Take in what the server sent, and add to `results` the messages whose fate is now known.

        Raises ConnectionClosed and SenderRefused; what was added before stays true.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _LONGEST_LINE or len(self._lines) > 100:
            raise ConnectionClosed(Reply(500, "", "the server's reply has no end"))
        for raw in lines:
            line = raw.rstrip(b"\r").decode("latin-1")
            if not line[:3].isdigit() or len(line) < 3 or line[3:4] not in ("", " ", "-"):
                raise ConnectionClosed(parse_reply(500, ["this is not SMTP: " + line[:100]]))
            self._lines.append(line[4:])
            if line[3:4] == "-":
                continue
            texts, self._lines = self._lines, []
            reply = (
                Reply(int(line[:3])) if line[0] == "2" and not self._is_final() else parse_reply(int(line[:3]), texts)
            )
            if result := self._answer(reply):
                results.append(result)

    def lost(self, reason: Reply, unsent: int) -> tuple[Results, list[tuple[Message, bool]]]:
        """What is known when the connection breaks with `unsent` octets of `out` not yet given to it.

        Returns what can be said for certain or must be called uncertain; and the messages that were not taken, each
        with whether the server had heard its recipient, and so may have broken the connection over it.
        """
        known: Results = []
        again: list[tuple[Message, bool]] = []
        unheard = {id(transaction) for step, transaction in self._expected if step is Step.MAIL}
        seen: set[int] = set()
        for _, transaction in self._expected:
            if id(transaction) in seen:
                continue
            seen.add(id(transaction))
            if transaction.failure is not None:
                known.append((transaction.message, transaction.failure))
            elif transaction.committed and unsent <= transaction.behind:
                known.append((transaction.message, Uncertain(reason)))
            else:
                again.append((transaction.message, id(transaction) not in unheard))
        self._expected.clear()
        self.ready = None
        return known, again

    def _is_final(self) -> bool:
        return bool(self._expected) and self._expected[0][0] is Step.DOT

    def _envelope(self, transaction: _Transaction) -> bytes:
        """MAIL, and with PIPELINING RCPT and DATA in the same write; the replies to expect are noted."""
        message = transaction.message
        parameters = ""
        if self.features.size is not None:
            parameters += f" SIZE={len(message.data)}"
        if not message.envelope.recipient.isascii():
            parameters += " BODY=8BITMIME SMTPUTF8" if self.features.eight_bit else " SMTPUTF8"
        commands = f"MAIL FROM:<{message.envelope.sender}>{parameters}\r\n"
        self._expected.append((Step.MAIL, transaction))
        if self.features.pipelining:
            commands += f"RCPT TO:<{message.envelope.recipient}>\r\nDATA\r\n"
            self._expected.append((Step.RCPT, transaction))
            self._expected.append((Step.DATA, transaction))
        return commands.encode()

    def _next(self, step: Step, transaction: _Transaction, command: str) -> None:
        """Without PIPELINING, each command waits for the reply to the one before."""
        if not self.features.pipelining:
            self.out.append(command.encode())
            self._expected.appendleft((step, transaction))

    def _answer(self, reply: Reply) -> tuple[Message, Outcome] | None:
        if not self._expected:
            raise ConnectionClosed(reply)
        step, transaction = self._expected[0]
        positive = reply.code // 100 == 2
        if reply.code == 421 and step is not Step.DOT:
            raise ConnectionClosed(reply)
        self._expected.popleft()
        match step:
            case Step.RSET:
                if not positive:
                    raise ConnectionClosed(reply)
            case Step.MAIL:
                # 552 speaks of this message's size; any other refusal of MAIL speaks of us.
                if reply.code // 100 == 5 and reply.code != 552:
                    self._expected.appendleft((step, transaction))
                    raise SenderRefused(reply)
                if positive:
                    self._next(Step.RCPT, transaction, f"RCPT TO:<{transaction.message.envelope.recipient}>\r\n")
                else:
                    return self._fail(transaction, outcome_of(reply))
            case Step.RCPT:
                if positive:
                    self._next(Step.DATA, transaction, "DATA\r\n")
                else:
                    return self._fail(transaction, outcome_of(reply))
            case Step.DATA:
                return self._answer_to_data(transaction, reply)
            case Step.DOT:
                return transaction.message, transaction.failure or outcome_of(reply)
        return None

    def _answer_to_data(self, transaction: _Transaction, reply: Reply) -> tuple[Message, Outcome] | None:
        if reply.code == 354:
            self._expected.appendleft((Step.DOT, transaction))
            if transaction.failure is None:
                self.ready = transaction.message
            else:
                # The server wants content although it refused the recipient: an empty one ends the transaction.
                self.out.append(b".\r\n")
            return None
        if reply.code // 100 not in (4, 5):
            raise ConnectionClosed(reply)
        self._needs_reset = True
        return transaction.message, transaction.failure or outcome_of(reply)

    def _fail(self, transaction: _Transaction, outcome: Outcome) -> tuple[Message, Outcome] | None:
        """Note the first refusal. With PIPELINING the replies to the rest of the group are still to come."""
        transaction.failure = transaction.failure or outcome
        if self.features.pipelining:
            return None
        self._needs_reset = True
        return transaction.message, transaction.failure


__all__ = ["PATIENCE", "ConnectionClosed", "Deferred", "Dialogue", "Features", "SenderRefused", "Step"]
