"""The dialogue against a model of a server, for any split of what is said and any loss of the connection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.message import Envelope, Message
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply, Uncertain
from newsletter.transports.smtp_chunking import ChunkingDialogue, dialogue_for
from newsletter.transports.smtp_dialogue import Dialogue, SenderRefused, Step
from newsletter.transports.smtp_envelope import Features
from newsletter.transports.smtp_replies import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.transports import Results

LOST = Reply(0, "4.4.2", "lost")


def numbered(number: int) -> Message:
    """A message that can be told by its sender, its recipient and its content."""
    return Message(
        number,
        Envelope(f"from{number}@example.org", f"to{number}@example.org"),
        f"<{number}@example.org>",
        (f"Subject: {number}\r\n\r\nMAIL FROM:<this is no command>\r\nGood day, {number}.\r\n".encode(),),
    )


# ── A server that keeps to the protocol ──────────────────────────────────────────────────────────────────────────────


@dataclass
class Plan:
    """What the server will answer about one message; 421 also closes the connection."""

    mail: int = 250
    rcpt: int = 250
    data: int = 354
    dot: int = 250

    @property
    def decisive(self) -> int:
        """The reply that decides: the first that is no consent."""
        return next(
            (code for code in (self.mail, self.rcpt) if code != 250), self.data if self.data != 354 else self.dot
        )


@dataclass
class ModelServer:
    """Strict: a second MAIL in a transaction is an error, and a transaction ends only with its content or RSET."""

    plans: Sequence[Plan]
    lenient: bool = False  # asks for content though it took no recipient
    lines: int = 1  # of each reply
    accepted: list[int] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    closed: bool = False
    _buffer: bytes = b""
    _mail: int | None = None
    _recipient: bool = False
    _content: list[bytes] | None = None
    _chunk: int | None = None  # octets of a BDAT

    def hear(self, data: bytes) -> bytes:
        """What it answers to so many octets."""
        self._buffer += data
        said = b""
        while not self.closed:
            if self._chunk is not None:
                if len(self._buffer) < self._chunk:
                    break
                chunk, self._buffer = self._buffer[: self._chunk], self._buffer[self._chunk :]
                self._chunk = None
                said += self._take_chunk(chunk)
                continue
            line, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                break
            self._buffer = rest
            said += self._obey(line)
        return said

    def _take_chunk(self, chunk: bytes) -> bytes:
        number, recipient = self._mail, self._recipient
        if not recipient:
            return self._say(503)  # and what MAIL began goes on: only RSET ends it
        self._mail, self._recipient = None, False
        assert number is not None
        assert chunk == numbered(number).data
        if self.plans[number].data != 354:  # BDAT has one answer for what DATA has two
            return self._say(self.plans[number].data)
        if self.plans[number].dot == 250:
            self.accepted.append(number)
        return self._say(self.plans[number].dot)

    def _say(self, code: int) -> bytes:
        self.closed = self.closed or code == 421
        more = f"{code}-and more\r\n" * (self.lines - 1)
        return f"{more}{code} {code // 100}.0.0 so be it\r\n".encode()

    def _obey(self, line: bytes) -> bytes:
        if self._content is not None:
            if line != b".":
                self._content.append(line)
                return b""
            return self._take(self._content)
        verb = line[:4]
        number = int("".join(char for char in line.decode().partition("@")[0] if char.isdigit()) or 0)
        match verb:
            case b"RSET":
                self._mail, self._recipient = None, False
                return self._say(250)
            case b"MAIL":
                if self._mail is not None:
                    return self._say(503)
                self.begun.append(number)
                if self.plans[number].mail == 250:
                    self._mail = number
                return self._say(self.plans[number].mail)
            case b"RCPT":
                if self._mail is None:
                    return self._say(503)
                assert number == self._mail
                self._recipient = self.plans[number].rcpt == 250
                return self._say(self.plans[number].rcpt)
            case b"BDAT":
                size, last = line.split()[1:]
                assert last == b"LAST"
                self._chunk = int(size)
                return b""
            case b"DATA":
                number = -1 if self._mail is None else self._mail
                if not self._recipient and not (self.lenient and self._mail is not None):
                    return self._say(554)
                reply = self._say(self.plans[number].data)
                self._content = [] if self.plans[number].data == 354 else None
                return reply
        raise AssertionError(f"the server heard {line!r}")

    def _take(self, content: list[bytes]) -> bytes:
        number, recipient = self._mail, self._recipient
        self._content, self._mail, self._recipient = None, None, False
        assert number is not None
        if not recipient:
            assert content == [], "a content was sent for a recipient who was refused"
            return self._say(554)
        assert b"".join(line + b"\r\n" for line in content) == numbered(number).data
        if self.plans[number].dot == 250:
            self.accepted.append(number)
        return self._say(self.plans[number].dot)


@dataclass
class Wire:
    """A client's loop in miniature: what it wrote, what is on its way, and what became of the messages."""

    dialogue: Dialogue
    server: ModelServer
    sizes: Iterator[int]
    waiting: deque[Message]
    to_server: bytearray = field(default_factory=bytearray)  # not given to the connection yet
    to_client: bytearray = field(default_factory=bytearray)
    results: Results = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)

    def run(self, steps: int) -> bool:
        """Go on for so many steps; whether there is nothing left to do."""
        for _ in range(steps):
            self._speak()
            if self.to_server:
                size = next(self.sizes)
                self.to_client += self.server.hear(bytes(self.to_server[:size]))
                del self.to_server[:size]
            if self.to_client:
                size = next(self.sizes)
                data = bytes(self.to_client[:size])
                del self.to_client[:size]
                self.dialogue.receive(data, self.results, len(self.to_server))
            elif self.server.closed:
                raise ConnectionClosed(LOST)
            if self.dialogue.idle and not self.waiting:
                return True
        return False

    def _speak(self) -> None:
        while self.dialogue.room and self.waiting:
            self.dialogue.begin(self._next())
            self._take_out()
        if ready := self.dialogue.ready:
            assert not {message.key for message in ready} & set(self.server.accepted)
            self.committed += [message.key for message in ready]
            following = self._next() if self.waiting and self.dialogue.takes_following else None
            self.dialogue.commit(following)
        self._take_out()

    def _next(self) -> Message:
        message = self.waiting.popleft()
        self.begun.append(message.key)
        return message

    def _take_out(self) -> None:
        out = b"".join(self.dialogue.out)
        self.dialogue.out = []
        for number in self.begun:
            assert number in self.committed or numbered(number).data not in out
        self.to_server += out


codes = st.sampled_from
plans = st.builds(
    Plan,
    mail=codes([250, 250, 250, 250, 451, 452, 421, 552, 550]),
    rcpt=codes([250, 250, 250, 250, 450, 550, 421]),
    data=codes([354, 354, 354, 354, 451, 554, 421]),
    dot=codes([250, 250, 250, 250, 450, 550, 421]),
)
peaceful = st.builds(
    Plan,
    mail=codes([250, 250, 552]),
    rcpt=codes([250, 250, 450, 550]),
    data=codes([354, 354, 451, 554]),
    dot=codes([250, 250, 450, 550]),
)
sizes = st.lists(st.integers(1, 60), min_size=1, max_size=12)
features = st.builds(
    Features,
    pipelining=st.booleans(),
    chunking=st.booleans(),
    dsn=st.booleans(),
    size=st.sampled_from([None, 0, 10_000]),
)
WINDOW = 3


def wire(offered: Features, server: ModelServer, chunks: list[int]) -> Wire:
    messages = deque(numbered(number) for number in range(len(server.plans)))
    return Wire(dialogue_for(offered, WINDOW), server, cycle(chunks), messages)


def expected(plan: Plan) -> type[Outcome]:
    """What becomes of a message of this plan when the connection holds."""
    return Accepted if plan.decisive == 250 else Deferred if plan.decisive // 100 == 4 else Rejected


@given(features, st.lists(peaceful, min_size=1, max_size=6), st.booleans(), st.integers(1, 3), sizes)
def test_each_message_ends_as_the_server_decided(
    offered: Features, said: list[Plan], lenient: bool, lines: int, chunks: list[int]
) -> None:
    server = ModelServer(said, lenient, lines)
    talk = wire(offered, server, chunks)
    assert talk.run(100_000)
    told = {message.key: outcome for message, outcome in talk.results}
    assert len(talk.results) == len(told) == len(said)
    assert {number: type(outcome) for number, outcome in told.items()} == {
        number: expected(plan) for number, plan in enumerate(said)
    }
    assert [number for number, plan in enumerate(said) if expected(plan) is Accepted] == sorted(server.accepted)


@given(
    features,
    st.lists(plans, min_size=1, max_size=6),
    st.booleans(),
    sizes,
    st.integers(0, 200),
)
def test_wherever_the_connection_is_lost_each_message_has_one_fate_and_it_is_true(
    offered: Features, said: list[Plan], lenient: bool, chunks: list[int], steps: int
) -> None:
    server = ModelServer(said, lenient)
    talk = wire(offered, server, chunks)
    try:
        talk.run(steps)
    except (ConnectionClosed, SenderRefused) as ended:
        reason = ended.reply
    else:
        reason = LOST
    known, again = talk.dialogue.lost(reason, len(talk.to_server))
    told = [(message.key, outcome) for message, outcome in (*talk.results, *known)]
    untaken = [message.key for message, _ in again]
    assert sorted([key for key, _ in told] + untaken) == sorted(talk.begun)
    assert talk.dialogue.idle
    for key, outcome in told:
        match outcome:
            case Accepted():
                assert key in server.accepted
            case Uncertain():
                assert key in talk.committed
            case None:
                assert said[key].mail == 550
                assert key not in server.accepted
            case _:
                assert key not in server.accepted
    assert not set(untaken) & set(server.accepted)
    assert sum(isinstance(outcome, Uncertain) for _, outcome in told) <= talk.dialogue.window
    assert set(server.accepted) <= {key for key, outcome in told if isinstance(outcome, Accepted | Uncertain)}


# ── A server that keeps to nothing ───────────────────────────────────────────────────────────────────────────────────

replies = st.one_of(
    st.sampled_from([220, 221, 250, 251, 354, 421, 450, 451, 452, 500, 503, 530, 550, 552, 554]).map(
        lambda code: f"{code} {code // 100}.1.1 word\r\n".encode()
    ),
    st.integers(0, 999).map(lambda code: f"{code:03}-\r\n".encode()),
    st.integers(0, 999).map(lambda code: f"{code:03}\n".encode()),
    st.binary(max_size=12),
    st.just(b"250 ok\r\n250 ok\r\n354 go on\r\n250 kept\r\n"),
)


@settings(max_examples=300)
@given(features, st.integers(1, 5), st.lists(replies, max_size=25), sizes, st.integers(0, 500))
def test_no_sequence_of_replies_breaks_it_and_each_message_has_one_fate(
    offered: Features, number: int, said: list[bytes], chunks: list[int], unsent: int
) -> None:
    dialogue = dialogue_for(offered, WINDOW)
    waiting = deque(numbered(each) for each in range(number))
    begun: list[int] = []
    committed: set[int] = set()
    results: Results = []
    stream = bytearray(b"".join(said))
    size = cycle(chunks)

    def next_message() -> Message:
        message = waiting.popleft()
        begun.append(message.key)
        return message

    reason = LOST
    try:
        while stream:
            while dialogue.room and waiting:
                dialogue.begin(next_message())
            if dialogue.ready:
                committed |= {message.key for message in dialogue.ready}
                dialogue.commit(next_message() if waiting and dialogue.takes_following else None)
            out = b"".join(dialogue.out)
            dialogue.out = []
            assert all(key in committed or numbered(key).data not in out for key in begun)
            data = bytes(stream[: next(size)])
            del stream[: len(data)]
            dialogue.receive(data, results)
    except (ConnectionClosed, SenderRefused) as ended:
        reason = ended.reply
    known, again = dialogue.lost(reason, unsent)
    told = [*results, *known]
    assert sorted([message.key for message, _ in told] + [message.key for message, _ in again]) == sorted(begun)
    for message, outcome in told:
        if isinstance(outcome, Accepted | Uncertain):
            assert message.key in committed
        assert isinstance(outcome, Accepted) == (outcome is not None and outcome.reply.code // 100 == 2)


@given(st.lists(st.sampled_from([b"250-", b"x" * 100, b"\r\n", b"\0\xff", b"250 "]), max_size=60))
def test_what_is_kept_of_an_unfinished_reply_is_bounded(said: list[bytes]) -> None:
    dialogue = Dialogue(Features())
    dialogue.begin(numbered(1))
    dialogue.out = []
    kept = 0
    try:
        for _ in range(200):
            for each in said:
                dialogue.receive(each, [])
                dialogue.out = []
                replies = dialogue._replies
                kept = max(kept, len(replies._buffer) + sum(map(len, replies._texts)))
    except (ConnectionClosed, SenderRefused):
        pass
    assert kept < 256 * 4096 + 65_536


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_envelope_goes_out_in_one_write_and_the_next_one_behind_the_content() -> None:
    dialogue = Dialogue(Features(pipelining=True))
    dialogue.begin(numbered(1))
    assert b"".join(dialogue.out) == b"MAIL FROM:<from1@example.org>\r\nRCPT TO:<to1@example.org>\r\nDATA\r\n"
    dialogue.out = []
    dialogue.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n", [])
    assert dialogue.out == []
    dialogue.commit(numbered(2))
    assert b"".join(dialogue.out) == (
        numbered(1).data + b".\r\nMAIL FROM:<from2@example.org>\r\nRCPT TO:<to2@example.org>\r\nDATA\r\n"
    )


@pytest.mark.parametrize("left", range(10))
def test_a_content_is_uncertain_as_soon_as_one_octet_of_its_end_has_gone_out(left: int) -> None:
    dialogue = Dialogue(Features())
    dialogue.begin(numbered(1))
    for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        dialogue.out = []
        dialogue.receive(reply, [])
    dialogue.commit(None)
    known, again = dialogue.lost(LOST, left)
    assert (known != [], again != []) == (left < len(b".\r\n"), left >= len(b".\r\n"))


def test_replies_to_what_was_not_said_yet_are_never_an_acceptance() -> None:
    dialogue = Dialogue(Features())
    dialogue.begin(numbered(1))
    dialogue.out = []
    results: Results = []
    with pytest.raises(ConnectionClosed, match="out of turn"):
        dialogue.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n250 kept\r\n", results)
    assert results == []
    assert dialogue.lost(LOST, 0) == ([], [(numbered(1), True)])


def test_a_refused_sender_is_no_recipients_fault() -> None:
    dialogue = Dialogue(Features(pipelining=True))
    dialogue.begin(numbered(1))
    dialogue.out = []
    with pytest.raises(SenderRefused, match=r"550 5\.7\.1 not you"):
        dialogue.receive(b"550 5.7.1 not you\r\n503 no\r\n503 no\r\n", [])
    assert dialogue.lost(LOST, 0) == ([], [(numbered(1), False)])


def after_354(unsent_of: Message) -> Dialogue:
    """A dialogue that has just been given a content to send."""
    dialogue = Dialogue(Features())
    dialogue.begin(unsent_of)
    for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        dialogue.out = []
        dialogue.receive(reply, [])
    dialogue.commit(None)
    dialogue.out = []
    return dialogue


def test_a_refusal_before_the_end_of_the_content_was_sent_counts_and_ends_the_connection() -> None:
    dialogue, results = after_354(numbered(1)), list[tuple[Message, Outcome | None]]()
    with pytest.raises(ConnectionClosed):
        dialogue.receive(b"552 5.3.4 too big\r\n", results, unsent=3)
    assert results == [(numbered(1), Rejected(Reply(552, "5.3.4", "too big")))]
    assert dialogue.lost(LOST, 3) == ([], [])


def test_a_refusal_right_behind_the_call_for_content_counts_and_ends_the_connection() -> None:
    dialogue, results = Dialogue(Features(pipelining=True)), list[tuple[Message, Outcome | None]]()
    dialogue.begin(numbered(1))
    dialogue.out = []
    with pytest.raises(ConnectionClosed):
        dialogue.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n550 5.7.1 no, rather not\r\n", results)
    assert results == [(numbered(1), Rejected(Reply(550, "5.7.1", "no, rather not")))]
    assert (dialogue.ready, dialogue.lost(LOST, 0)) == ([], ([], []))


def test_an_acceptance_before_the_end_of_the_content_was_sent_is_none() -> None:
    dialogue, results = after_354(numbered(1)), list[tuple[Message, Outcome | None]]()
    with pytest.raises(ConnectionClosed, match="out of turn"):
        dialogue.receive(b"250 2.0.0 kept\r\n", results, unsent=3)
    assert results == []
    assert dialogue.lost(LOST, 3) == ([], [(numbered(1), True)])


def test_a_reply_to_a_command_that_was_not_sent_yet_is_out_of_turn() -> None:
    dialogue = Dialogue(Features())
    dialogue.begin(numbered(1))
    dialogue.out = []
    with pytest.raises(ConnectionClosed, match="out of turn"):
        dialogue.receive(b"250 ok\r\n250 ok\r\n", [])


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("before", [b"", b"250 ok\r\n", b"250 ok\r\n|250 ok\r\n", b"250 a\r\n|250 b\r\n|354 c\r\n"])
def test_421_ends_the_connection_and_is_no_fault_of_the_message(before: bytes, pipelining: bool) -> None:
    dialogue = Dialogue(Features(pipelining=pipelining))
    dialogue.begin(numbered(1))
    for reply in before.split(b"|"):
        dialogue.out = []
        dialogue.receive(reply, [])
    dialogue.out = []
    with pytest.raises(ConnectionClosed, match=r"421 4\.7\.0 busy"):
        dialogue.receive(b"421 4.7.0 busy\r\n", [])
    known, again = dialogue.lost(LOST, 0)
    assert (known, [message for message, _ in again]) == ([], [numbered(1)])


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_temporary_refusal_of_the_first_mail_puts_that_message_off(pipelining: bool) -> None:
    dialogue, results = Dialogue(Features(pipelining=pipelining)), list[tuple[Message, Outcome | None]]()
    dialogue.begin(numbered(1))
    dialogue.out = []
    dialogue.receive(b"451 4.3.0 later\r\n" + b"503 5.5.1 no\r\n" * 2 * pipelining, results)
    assert results == [(numbered(1), Deferred(Reply(451, "4.3.0", "later")))]


@pytest.mark.parametrize("reply", [b"452 4.5.3 too many messages\r\n", b"503 5.5.1 nested MAIL\r\n"])
def test_a_connection_that_takes_no_more_messages_costs_none_of_them(reply: bytes) -> None:
    dialogue, results = after_354(numbered(1)), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"250 2.0.0 kept\r\n", results)
    dialogue.begin(numbered(2))
    dialogue.out = []
    with pytest.raises(ConnectionClosed):
        dialogue.receive(reply, results)
    assert [message.key for message, _ in results] == [1]
    assert dialogue.lost(LOST, 0) == ([], [(numbered(2), False)])


def test_421_to_the_content_puts_that_message_off() -> None:
    dialogue, results = after_354(numbered(1)), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"421 4.3.2 going down\r\n", results)
    assert results == [(numbered(1), Deferred(Reply(421, "4.3.2", "going down")))]


@pytest.mark.parametrize("line", [b"", b"25", b"2500", b"150 x", b"650 x", b"\xb250 x", b"250_x", b"hello", b"\0"])
def test_what_is_no_reply_ends_the_connection(line: bytes) -> None:
    dialogue, results = after_354(numbered(1)), list[tuple[Message, Outcome | None]]()
    with pytest.raises(ConnectionClosed, match="this is not SMTP"):
        dialogue.receive(line + b"\r\n", results)
    assert results == []


def test_each_reply_has_its_own_lines() -> None:
    dialogue, results = Dialogue(Features()), list[tuple[Message, Outcome | None]]()
    for number in (1, 2):
        dialogue.begin(numbered(number))
        for reply in (b"250 ok\r\n",) * (2 + (number == 2)):
            dialogue.out = []
            if dialogue.awaits is Step.RCPT:
                reply = f"550-5.1.1 no user\r\n550 5.1.1 number {number}\r\n".encode()
            dialogue.receive(reply, results)
    assert [outcome.reply.text for _, outcome in results if outcome] == ["no user number 1", "no user number 2"]


def test_with_chunking_a_window_of_messages_goes_out_whole_and_only_after_commit() -> None:
    dialogue = ChunkingDialogue(Features(pipelining=True, chunking=True), window=2)
    for number in (0, 1):
        dialogue.begin(numbered(number))
    assert (dialogue.room, dialogue.out) == (0, [])
    dialogue.commit(None)
    sent = b"".join(dialogue.out)
    assert sent.count(b"RSET\r\n") == sent.count(b" LAST\r\n") == 2
    assert sent.endswith(numbered(1).data)


def test_with_chunking_a_message_of_which_the_answer_is_awaited_leaves_no_room() -> None:
    dialogue = ChunkingDialogue(Features(pipelining=True, chunking=True), window=2)
    for number in (0, 1):
        dialogue.begin(numbered(number))
    dialogue.commit(None)
    dialogue.out = []
    for reply, room in ((b"250 a\r\n250 b\r\n250 c\r\n", 0), (b"250 2.0.0 kept\r\n", 1)):
        dialogue.receive(reply, [])
        assert dialogue.room == room


def test_with_chunking_a_refused_recipient_is_theirs_alone_and_the_window_goes_on() -> None:
    dialogue = ChunkingDialogue(Features(pipelining=True, chunking=True), window=2)
    for number in (0, 1):
        dialogue.begin(numbered(number))
    dialogue.commit(None)
    dialogue.out = []
    results: Results = []
    dialogue.receive(
        b"250 a\r\n250 b\r\n550 5.1.1 c\r\n503 d\r\n250 e\r\n250 f\r\n250 g\r\n250 2.0.0 kept\r\n", results
    )
    assert [(message.key, type(outcome)) for message, outcome in results] == [(0, Rejected), (1, Accepted)]
    assert dialogue.room == 2


def with_chunking(*messages: Message) -> Dialogue:
    """A dialogue that has said all of these, and heard nothing yet."""
    dialogue = ChunkingDialogue(Features(pipelining=True, chunking=True), window=len(messages))
    for message in messages:
        dialogue.begin(message)
    dialogue.commit(None)
    dialogue.out = []
    return dialogue


@pytest.mark.parametrize("heard", [b"", b"503 no\r\n", b"503 no\r\n503 no\r\n250 reset\r\n"])
def test_with_chunking_what_waits_behind_a_refused_sender_is_not_taken_unless_another_one_sent_it(heard: bytes) -> None:
    same = numbered(1)._replace(envelope=Envelope(numbered(0).envelope.sender, "to1@example.org"))
    dialogue, results = with_chunking(numbered(0), same, numbered(2)), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"250 reset\r\n550 5.7.1 not you\r\n" + heard, results)
    known, again = dialogue.lost(LOST, 0)
    assert [*results, *known] == [(numbered(0), None), (same, None), (numbered(2), Uncertain(LOST))]
    assert (again, dialogue.sender_refused) == ([], Reply(550, "5.7.1", "not you"))


def test_with_chunking_a_refused_sender_who_is_taken_after_all_leaves_it_uncertain() -> None:
    same = numbered(1)._replace(envelope=Envelope(numbered(0).envelope.sender, "to1@example.org"))
    dialogue, results = with_chunking(numbered(0), same), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"250 a\r\n550 5.7.1 not you\r\n503 b\r\n503 c\r\n250 d\r\n250 e\r\n", results)
    assert dialogue.lost(LOST, 0) == ([(same, Uncertain(LOST))], [])


def test_with_chunking_a_connection_that_takes_no_more_messages_is_heard_to_its_end_and_costs_none_of_them() -> None:
    dialogue, results = with_chunking(*map(numbered, range(3))), list[tuple[Message, Outcome | None]]()
    refused = b"250 reset\r\n452 4.5.3 too many messages\r\n503 no\r\n503 no\r\n"
    dialogue.receive(b"250 a\r\n250 b\r\n250 c\r\n250 2.0.0 kept\r\n" + refused, results)
    assert dialogue.room == 0
    with pytest.raises(ConnectionClosed, match="too many messages"):
        dialogue.receive(refused, results)
    assert [message.key for message, _ in results] == [0]
    assert dialogue.lost(LOST, 0) == ([], [(numbered(1), False), (numbered(2), False)])


def test_with_chunking_a_server_that_is_out_of_step_is_heard_to_its_end_and_left_for_another_connection() -> None:
    dialogue, results = with_chunking(*map(numbered, range(2))), list[tuple[Message, Outcome | None]]()
    out_of_step = b"250 reset\r\n503 5.5.1 hello first\r\n503 no\r\n503 no\r\n"
    dialogue.receive(out_of_step, results)
    with pytest.raises(ConnectionClosed, match="hello first"):
        dialogue.receive(out_of_step, results)
    assert (results, dialogue.sender_refused) == ([], None)
    assert dialogue.lost(LOST, 0) == ([], [(numbered(0), False), (numbered(1), False)])


@pytest.mark.parametrize("refusal", ["503 5.5.1 nested MAIL", "550 5.7.1 not you", "552 5.3.4 too large"])
def test_with_chunking_who_refuses_mail_and_takes_recipient_and_content_has_the_message(refusal: str) -> None:
    dialogue, results = with_chunking(*map(numbered, range(2))), list[tuple[Message, Outcome | None]]()
    dialogue.receive(f"250 a\r\n{refusal}\r\n250 c\r\n250 2.0.0 kept\r\n250 d\r\n".encode(), results)
    assert results == [(numbered(0), Accepted(Reply(250, "2.0.0", "kept")))]


def test_with_chunking_who_refuses_mail_and_takes_the_recipient_may_have_the_message() -> None:
    dialogue, results = with_chunking(numbered(0)), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"250 a\r\n503 5.5.1 nested MAIL\r\n250 c\r\n", results)
    assert (results, dialogue.lost(LOST, 0)) == ([], ([(numbered(0), Uncertain(LOST))], []))


def test_with_chunking_a_connection_that_takes_no_more_and_closes_costs_not_the_one_that_it_spoke_of() -> None:
    dialogue, results = with_chunking(*map(numbered, range(3))), list[tuple[Message, Outcome | None]]()
    dialogue.receive(b"250 a\r\n250 b\r\n250 c\r\n250 2.0.0 kept\r\n250 d\r\n452 4.5.3 too many\r\n", results)
    assert dialogue.lost(LOST, 0) == ([(numbered(2), Uncertain(LOST))], [(numbered(1), False)])
