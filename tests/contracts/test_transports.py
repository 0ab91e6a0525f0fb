"""What every transport promises: one suite for all of them. A new transport is one more row of WAYS."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import weakref
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter import wiring
from newsletter.errors import TransportError
from newsletter.inbox import Inbox, Manners
from newsletter.message import Compiled, Envelope, Mailbox, Message
from newsletter.outcome import Accepted, Outcome, Rejected, Reply
from newsletter.sources.settings import read_config
from newsletter.transports.folder import FolderTransport
from newsletter.transports.memory import MemoryTransport
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.letters import letter, letters, no_offer, outcomes, recipient
from tests.support.sending import EDITION, FRAME, NOW
from tests.support.sink import Sink
from tests.support.workers import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from newsletter.transports import Transport

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
GONE = "gone@example.org"
NO_SUCH_USER = Rejected(Reply(550, "5.1.1", "no such user"))

# ── The transports ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Way:
    """A transport, and what can be seen at its other end."""

    transport: Transport
    arrived: Callable[[], Sequence[bytes]]
    port: int = 0  # where its connections lead, if it has any


@dataclass
class Witness:
    """Stands at the other end: is told of each recipient when their message is taken, before anyone is told so."""

    watch: Callable[[str], object] = lambda _recipient: None
    seen: list[str] = field(default_factory=list)

    def __call__(self, recipient: str) -> None:
        self.seen.append(recipient)
        self.watch(recipient)


@contextmanager
def memory(_folder: Path, witness: Witness) -> Iterator[Way]:
    def answer(message: Message) -> Outcome:
        if message.envelope.recipient == GONE:
            return NO_SUCH_USER
        witness(message.envelope.recipient)
        return Accepted()

    transport = MemoryTransport(answer=answer)
    yield Way(transport, lambda: [message.data for message in transport.sent])


@contextmanager
def folder(folder: Path, _witness: Witness) -> Iterator[Way]:
    outbox = folder / "outbox"
    yield Way(FolderTransport(outbox), lambda: [each.read_bytes() for each in outbox.glob("*")])


@contextmanager
def smtp(folder: Path, witness: Witness) -> Iterator[Way]:
    with _inbox(folder, witness) as inbox:
        yield _to_inbox(inbox, Server("127.0.0.1", inbox.smtp_port))


@contextmanager
def smtp_with_login_over_tls(folder: Path, witness: Witness) -> Iterator[Way]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with _inbox(folder, witness, tls=context, login=("ada", "sécret")) as inbox:
        server = Server("localhost", inbox.smtp_port, "tls", "ada", "sécret", ca_file=str(CERTIFICATE))
        yield _to_inbox(inbox, server)


@contextmanager
def smtp_without_pipelining(_folder: Path, witness: Witness) -> Iterator[Way]:
    with _sink(witness, pipelining=False) as sink:
        yield _to_sink(sink, SmtpTransport(Server("127.0.0.1", sink.port), connections=3))


@contextmanager
def smtp_with_chunking(_folder: Path, witness: Witness) -> Iterator[Way]:
    with _sink(witness, extensions=("8BITMIME", "CHUNKING")) as sink:
        yield _to_sink(sink, SmtpTransport(Server("127.0.0.1", sink.port), connections=3, window=8))


@contextmanager
def smtp_with_few_messages_a_connection(_folder: Path, witness: Witness) -> Iterator[Way]:
    with _sink(witness) as sink:
        yield _to_sink(sink, SmtpTransport(Server("127.0.0.1", sink.port), connections=3, max_messages=7))


@contextmanager
def lmtp_over_a_unix_socket(folder: Path, witness: Witness) -> Iterator[Way]:
    path = folder / "lmtp"
    with _sink(witness, path=path) as sink:
        yield _to_sink(sink, SmtpTransport(Server(f"unix:{path}", 0, lmtp=True), connections=4))


WAYS = {
    way.__name__: way
    for way in (
        memory,
        folder,
        smtp,
        smtp_with_login_over_tls,
        smtp_without_pipelining,
        smtp_with_chunking,
        smtp_with_few_messages_a_connection,
        lmtp_over_a_unix_socket,
    )
}
REFUSE_NOBODY = {"folder"}
MANY = {"smtp": 500, "smtp_with_login_over_tls": 500}  # this server takes about a millisecond for each


def _inbox(folder: Path, witness: Witness, **manners: Any) -> Inbox:
    refuse = {GONE: "550 5.1.1 no such user"}
    manners |= {"refuse": refuse, "on_message": lambda received: witness(received.recipients[0])}
    return Inbox(folder / "mail", http_port=None, manners=Manners(**manners))


def _to_inbox(inbox: Inbox, server: Server) -> Way:
    transport = SmtpTransport(server, connections=4)
    return Way(transport, lambda: [each.raw for each in inbox.messages()], inbox.smtp_port)


def _sink(witness: Witness, **settings: Any) -> Sink:
    def fault(verb: str, argument: str) -> str | None:
        if verb == "RCPT" and GONE in argument:
            return "550 5.1.1 no such user"
        if verb == ".":
            witness(argument)
        return None

    return Sink(fault, keep_data=True, **settings)


def _to_sink(sink: Sink, transport: Transport) -> Way:
    return Way(transport, lambda: sink.data, sink.port)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture(params=WAYS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def way(name: str, tmp_path: Path, witness: Witness) -> Iterator[Way]:
    with WAYS[name](tmp_path, witness) as running:
        yield running


# ── The promises ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_message_arrives_exactly_once_and_has_its_outcome(way: Way) -> None:
    sent = letters(250)
    told = outcomes(way.transport.deliver(iter(sent), no_offer))
    assert Counter(way.arrived()) == Counter(each.data for each in sent)
    assert set(told) == set(range(250))
    assert all(isinstance(outcome, Accepted) for outcome in told.values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a.\r\n .\r\nb .\r\n\r\n=2E\r\n=.\r\nc.\r\n",
        b"x" * 998 + b"\r\n" + b"y" * 998 + b"\r\n",
        "Élodie écrit\u00a0: «\u202fvoilà\u202f» 👋\r\n".encode(),
        b"\t \r\n  trailing blanks  \r\n\r\n\r\n",
        b"from here on\r\nFrom somewhere\r\n>From\r\n",
        b"a line of some length, many times over\r\n" * 20_000,
    ],
    ids=["empty", "dots", "longest lines", "8 bit", "blanks", "From", "800 KB"],
)
def test_its_octets_arrive_unchanged(way: Way, body: bytes) -> None:
    sent = letter(1, body)
    outcomes(way.transport.deliver(iter([sent]), no_offer))
    assert list(way.arrived()) == [sent.data]


def test_a_composed_message_arrives_as_it_was_composed_whatever_stands_at_its_line_starts(way: Way) -> None:
    edition = replace(EDITION, text=(".\r\n..\r\n.hidden\nFrom me\n", *EDITION.text), html=(".", *EDITION.html))
    sent = Compiled(edition, FRAME).compose(
        7,
        Mailbox("ada@example.org", ".Ada"),
        [".\r\n.\r\nQUIT", "https://letter.example.org/u/.x"],
        message_id="<7.x@example.org>",
        date=NOW,
        unsubscribe_url="https://letter.example.org/u/.x",
    )
    outcomes(way.transport.deliver(iter([sent]), no_offer))
    assert list(way.arrived()) == [sent.data]


def test_each_message_is_offered_once_and_before_it_can_have_been_taken(way: Way, witness: Witness) -> None:
    offered: list[str] = []
    too_early: list[str] = []

    def offer(batch: Sequence[Message]) -> None:
        there = set(way.arrived())
        too_early.extend(each.envelope.recipient for each in batch if each.data in there)
        offered.extend(each.envelope.recipient for each in batch)

    def watch(who: str) -> None:
        if who not in offered:
            too_early.append(who)

    witness.watch = watch
    outcomes(way.transport.deliver(iter(letters(60)), offer))
    assert too_early == []
    assert sorted(offered) == sorted(recipient(number) for number in range(60))


def test_at_most_as_many_are_offered_and_unanswered_as_the_capabilities_say(way: Way) -> None:
    unanswered: set[int] = set()
    most = 0

    def offer(batch: Sequence[Message]) -> None:
        nonlocal most
        unanswered.update(each.key for each in batch)
        most = max(most, len(unanswered))

    for results in way.transport.deliver(iter(letters(250)), offer):
        unanswered.difference_update(each.key for each, _ in results)
    assert 1 <= most <= way.transport.capabilities.in_flight


def test_when_an_offer_fails_nothing_is_delivered_that_was_not_offered_before(way: Way, witness: Witness) -> None:
    offered: list[str] = []

    def offer(batch: Sequence[Message]) -> None:
        if len(offered) >= 20:
            raise RuntimeError("the disk is full")
        offered.extend(each.envelope.recipient for each in batch)

    with pytest.raises(RuntimeError, match="the disk is full"):
        outcomes(way.transport.deliver(iter(letters(400)), offer))
    assert set(witness.seen) <= set(offered)
    assert len(way.arrived()) <= len(offered)


def test_when_the_messages_fail_those_before_have_their_outcomes_and_the_failure_is_raised(way: Way) -> None:
    def failing() -> Iterator[Message]:
        yield from letters(30)
        raise RuntimeError("the list is gone")

    offered: list[int] = []
    told: dict[int, Outcome | None] = {}
    delivery = way.transport.deliver(failing(), lambda batch: offered.extend(each.key for each in batch))
    with pytest.raises(RuntimeError, match="the list is gone"):
        told.update((each.key, outcome) for results in delivery for each, outcome in results)
    assert set(offered) <= set(told)
    assert sum(isinstance(outcome, Accepted) for outcome in told.values()) == len(way.arrived())


def test_no_message_makes_no_connection_and_no_file(tmp_path: Path) -> None:
    def offer(_: Sequence[Message]) -> None:
        pytest.fail("there is nothing to offer")

    nowhere = Server("127.0.0.1", 1)
    for transport in (MemoryTransport(), FolderTransport(tmp_path / "outbox"), SmtpTransport(nowhere)):
        assert outcomes(transport.deliver(iter(()), offer)) == {}
    assert list(tmp_path.iterdir()) == []


class _Tracked(str):
    """An address that can be seen to live: a tuple takes no weak reference, and neither does a plain text."""

    __slots__ = ("__weakref__",)


def test_messages_are_pulled_as_there_is_room_for_them_and_let_go(name: str, tmp_path: Path) -> None:
    number = MANY.get(name, 2_000)
    alive: weakref.WeakSet[_Tracked] = weakref.WeakSet()
    most = 0

    def source() -> Iterator[Message]:
        nonlocal most
        for each in range(number):
            to = _Tracked(recipient(each))
            alive.add(to)
            most = max(most, len(alive))
            yield letter(each)._replace(envelope=Envelope("letter@example.org", to))

    with WAYS[name](tmp_path, Witness()) as way:
        if isinstance(way.transport, MemoryTransport):
            way.transport = MemoryTransport(keep=0)
        told = sum(len(results) for results in way.transport.deliver(source(), no_offer))
    assert told == number
    # On each connection one whose answer is awaited, the next one behind it, and one whose outcome is just told.
    assert most <= 4 * way.transport.capabilities.in_flight


def test_a_refusal_is_an_outcome_and_the_others_get_theirs(name: str, way: Way) -> None:
    if name in REFUSE_NOBODY:
        pytest.skip("it refuses nobody")
    sent = [*letters(20), letter(20, to=GONE), *(letter(number) for number in range(21, 40))]
    told = outcomes(way.transport.deliver(iter(sent), no_offer))
    assert told.pop(20) == NO_SUCH_USER
    assert len(told) == 39
    assert all(isinstance(outcome, Accepted) for outcome in told.values())
    assert Counter(way.arrived()) == Counter(each.data for each in sent if each.key != 20)


def test_it_delivers_again_after_delivering_and_closes_as_often_as_asked(way: Way) -> None:
    for number in range(3):
        outcomes(way.transport.deliver(iter([letter(number)]), no_offer))
    way.transport.close()
    way.transport.close()
    assert len(way.arrived()) == 3


def test_a_delivery_that_is_broken_off_leaves_no_connection_and_no_thread(way: Way) -> None:
    for results in (delivery := way.transport.deliver(iter(letters(400)), no_offer)):
        assert results
        break
    delivery.close()  # type: ignore[attr-defined]
    way.transport.close()
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread.name == "smtp-open"] == []
    sockets = [each for each in gc.get_objects() if isinstance(each, socket.socket)]
    assert [each for each in sockets if _leads_to(each, way.port)] == []


def _leads_to(thing: socket.socket, port: int) -> bool:
    if thing.fileno() == -1 or thing.family != socket.AF_INET:
        return False
    try:
        return bool(thing.getpeername()[1] == port)
    except OSError:
        return False


def test_what_cannot_be_written_was_certainly_not_taken(tmp_path: Path) -> None:
    too_long = letter(2)._replace(message_id=f"<{'x' * 300}@example.org>")
    told: dict[int, Outcome | None] = {}
    delivery = FolderTransport(tmp_path).deliver(iter([letter(1), too_long, letter(3)]), no_offer)
    with pytest.raises(TransportError, match="cannot write to the folder: File name too long"):
        told.update((each.key, outcome) for results in delivery for each, outcome in results)
    assert told == {1: Accepted(Reply(250, "2.0.0", "1.x.eml")), 2: None}
    assert [each.name for each in tmp_path.iterdir()] == ["1.x.eml"]


def test_a_folder_keeps_each_file_inside_whatever_the_message_id(tmp_path: Path) -> None:
    ids = ["<../../a@example.org>", "</etc/x@example.org>", "<a/b@example.org>", "<..@example.org>"]
    sent = [letter(number)._replace(message_id=each) for number, each in enumerate(ids)]
    outcomes(FolderTransport(tmp_path / "outbox").deliver(iter(sent), no_offer))
    assert len(list((tmp_path / "outbox").iterdir())) == 4
    assert [each.name for each in tmp_path.iterdir()] == ["outbox"]


@pytest.mark.parametrize(("connections", "jobs", "parts"), [(10, 3, [4, 3, 3]), (10, 4, [3, 3, 2, 2]), (2, 3, [1, 1])])
def test_jobs_share_the_connections_of_a_transport_and_have_no_more_of_them_together(
    tmp_path: Path, connections: int, jobs: int, parts: list[int]
) -> None:
    settings = tmp_path / "newsletter.toml"
    settings.write_text(settings_for("sqlite:///list.db", 25, connections))
    config = read_config(settings)
    number = wiring.jobs_through(config, "relay", jobs)
    ways = [wiring.transport(config, "relay", {}, job=job, jobs=number) for job in range(1, number + 1)]
    assert [way.capabilities.in_flight for way in ways] == parts
