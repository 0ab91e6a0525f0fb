"""The SMTP client word by word: what it says to whom, and what it makes of answers that no honest server gives."""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import threading
import tracemalloc
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import pytest

from newsletter.errors import TransportError
from newsletter.message import Envelope, Message
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply, Uncertain
from newsletter.transports.offering import Offering
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_connection import Connection
from newsletter.transports.smtp_dialogue import PATIENCE, Step
from newsletter.transports.smtp_envelope import Features
from newsletter.transports.smtp_session import Server
from tests.support.letters import letter, letters, no_offer, outcomes, recipient
from tests.support.sink import Sink
from tests.support.talker import Peer, Talker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from newsletter.transports import Results

    Fault = Callable[[str, str], str | None]

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
SOON = (0.0, 0.01, 0.01)  # how long to wait before coming back: not at all


def transport(server: Sink | Talker, connections: int = 1, *, lmtp: bool = False, **others: Any) -> SmtpTransport:
    return SmtpTransport(Server("127.0.0.1", server.port, lmtp=lmtp), connections, SOON, **others)


def told(server: Sink | Talker, messages: Sequence[Message], connections: int = 1, **others: Any) -> list[Outcome]:
    """What became of messages, in their order; each must have an outcome."""
    results = outcomes(transport(server, connections, **others).deliver(iter(messages), no_offer))
    said = [results[each.key] for each in messages]
    assert len(results) == len(messages)
    return [each for each in said if each is not None]


def all_accepted(results: Sequence[Outcome], number: int) -> bool:
    return len(results) == number and all(isinstance(each, Accepted) for each in results)


# What a server offers that takes one command after the other, groups of them, or a window of messages.
OFFERED: list[list[str]] = [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]]


def hear_chunk(peer: Peer, argument: str) -> None:
    """The content behind BDAT, which has whole lines."""
    left = int(argument.split()[0])
    while left:
        left -= len(peer.hear().encode()) + len("\r\n")


def always(wanted: str, reply: str, *, after: int = 0) -> Fault:
    """Answer a verb like this, after so many times."""
    said = 0

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal said
        said += verb == wanted
        return reply if verb == wanted and said > after else None

    return fault


def deferred_or_uncertain(result: Outcome) -> tuple[str, str]:
    assert not isinstance(result, Accepted)
    return type(result).__name__, result.reply.text


# ── What is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def commands(message: Message, *extensions: str, pipelining: bool = True) -> list[str]:
    """What the server hears for one message between its greeting and the content."""
    with Sink(extensions=extensions, pipelining=pipelining, keep_commands=True) as sink:
        told(sink, [message])
        return sink.commands[1:4]


@pytest.mark.parametrize("pipelining", [True, False])
def test_without_extensions_nothing_but_the_addresses_is_said(pipelining: bool) -> None:
    assert commands(letter(1), pipelining=pipelining) == [
        "MAIL FROM:<letter@example.org>",
        "RCPT TO:<reader1@example.org>",
        "DATA",
    ]


def test_the_size_is_said_to_a_server_that_asks_for_it() -> None:
    message = letter(1)
    assert commands(message, "SIZE 100000")[0] == f"MAIL FROM:<letter@example.org> SIZE={len(message.data)}"
    assert commands(message, "SIZE")[0] == f"MAIL FROM:<letter@example.org> SIZE={len(message.data)}"


@pytest.mark.parametrize("size", ["9" * 5000, "-1", "many"])
def test_a_size_that_is_no_number_of_octets_is_none(size: str) -> None:
    assert commands(letter(1), f"SIZE {size}")[0].startswith("MAIL FROM:<letter@example.org> SIZE=")


def test_content_outside_ascii_is_announced() -> None:
    assert commands(letter(1, "élan\r\n".encode()), "8BITMIME")[0] == "MAIL FROM:<letter@example.org> BODY=8BITMIME"


def test_addresses_outside_ascii_are_announced() -> None:
    mail, rcpt, _ = commands(letter(1, to="zoé@example.org"), "8BITMIME", "SMTPUTF8")
    assert mail == "MAIL FROM:<letter@example.org> BODY=8BITMIME SMTPUTF8"
    assert rcpt == "RCPT TO:<zoé@example.org>"


def test_a_sender_outside_ascii_is_announced_too() -> None:
    message = Message(1, Envelope("é@example.org", "a@example.org"), "<1@example.org>", (b"x: y\r\n\r\n",))
    assert commands(message, "8BITMIME", "SMTPUTF8")[0] == "MAIL FROM:<é@example.org> SMTPUTF8"


@pytest.mark.parametrize("pipelining", [True, False])
def test_notifications_are_asked_for_with_our_id_and_the_recipient_as_we_know_them(pipelining: bool) -> None:
    message = letter(1, to="a+b=c@example.org")
    assert commands(message, "DSN", pipelining=pipelining)[:2] == [
        "MAIL FROM:<letter@example.org> RET=HDRS ENVID=1.x",
        "RCPT TO:<a+b=c@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@example.org",
    ]


def test_a_recipient_outside_ascii_is_written_in_ascii_for_notifications() -> None:
    _, rcpt, _ = commands(letter(1, to="zoé\\x@example.org"), "DSN", "SMTPUTF8", "8BITMIME")
    assert rcpt.endswith(r" NOTIFY=FAILURE,DELAY ORCPT=utf-8;zo\x{E9}\x{5C}x@example.org")


def test_an_id_that_is_too_long_for_notifications_is_left_out() -> None:
    message = letter(1)
    long = Message(1, message.envelope, f"<{'x' * 101}@example.org>", message.parts)
    assert commands(long, "DSN")[0] == "MAIL FROM:<letter@example.org> RET=HDRS"


def test_lmtp_begins_with_lhlo_and_knows_no_helo() -> None:
    with Sink(keep_commands=True) as sink:
        assert all_accepted(told(sink, letters(3), lmtp=True), 3)
    assert sink.commands[0] == "LHLO localhost"
    with Sink(ehlo=False, keep_commands=True) as sink, pytest.raises(TransportError, match="refuses our greeting"):
        told(sink, letters(3), lmtp=True)
    assert [each for each in sink.commands if each.startswith("HELO")] == []


@pytest.mark.parametrize("character", ["\r\n", "\n", "\r", "\0", " ", ">", "<", "\x7f", "\ud800"])
def test_an_address_that_could_end_its_command_is_never_said(character: str) -> None:
    evil = Message(1, Envelope("a@example.org", f"b{character}c@example.org"), "<1@example.org>", (b"x: y\r\n\r\n",))
    with Sink(keep_commands=True, extensions=("SMTPUTF8",)) as sink:
        (first, second) = told(sink, [evil, letter(2)])
    assert first == Rejected(Reply(553, "5.1.3", "the envelope holds a character that no address may hold"))
    assert isinstance(second, Accepted)
    assert len([each for each in sink.commands if each.startswith(("MAIL", "RCPT"))]) == 2


@pytest.mark.parametrize("character", ["\r\n", " ", ">", "\ud800"])
def test_a_sender_that_could_end_its_command_stops_the_run_and_is_no_readers_fault(character: str) -> None:
    evil = Message(1, Envelope(f"a{character}@example.org", "b@example.org"), "<1@example.org>", (b"x: y\r\n\r\n",))
    results: dict[int, Outcome | None] = {}
    with Sink(keep_commands=True, extensions=("SMTPUTF8",)) as sink:
        delivery = transport(sink).deliver(iter([letter(0), evil, letter(2)]), no_offer)
        with pytest.raises(TransportError, match=r"the sender .* holds a character that no address may hold"):
            results.update((each.key, outcome) for batch in delivery for each, outcome in batch)
    assert {key for key, outcome in results.items() if outcome is not None} == {0}
    assert len([each for each in sink.commands if each.startswith("MAIL")]) == 1


def test_content_outside_ascii_is_not_sent_to_a_server_that_cannot_take_it() -> None:
    with Sink(extensions=()) as sink:
        (result,) = told(sink, [letter(1, "élan\r\n".encode())])
    assert result == Rejected(Reply(554, "5.6.3", "the next hop does not take 8-bit content (no 8BITMIME)"))
    assert sink.accepted == []


# ── Connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 4])
def test_a_connection_is_replaced_after_its_share_and_each_ends_with_quit(pipelining: bool, connections: int) -> None:
    with Sink(pipelining=pipelining, keep_commands=True) as sink:
        assert all_accepted(told(sink, letters(50), connections, max_messages=10), 50)
    assert len([each for each in sink.commands if each.startswith("MAIL")]) == 50
    assert sink.farewells == sink.used >= 5


def test_few_messages_make_few_connections() -> None:
    with Sink() as sink:
        assert all_accepted(told(sink, letters(1), 10), 1)
        assert sink.connections == 1
        assert all_accepted(told(sink, letters(2), 10), 2)
    assert sink.connections <= 1 + 3


@pytest.mark.parametrize("security", ["none", "tls"])
def test_the_end_does_not_wait_for_connections_that_never_open(security: str) -> None:
    """The first connection works; all others are accepted, and then nothing is said on them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def talk(peer: Peer) -> None:
        if server.connections > 1:
            silent.append(peer)
            while peer.sock.recv(65_536):
                pass
            return
        if security == "tls":
            peer.encrypt(context)
        _scripted(lambda verb, _: "354 go on" if verb == "DATA" else None)(peer)

    silent: list[Peer] = []
    with Talker(talk) as server:
        settings = Server("localhost", server.port, security, ca_file=str(CERTIFICATE))
        results = outcomes(SmtpTransport(settings, 5).deliver(iter(letters(50)), no_offer))
    assert len(results) == 50
    assert silent
    assert [each.name for each in threading.enumerate() if each.name == "smtp-open"] == []


def test_all_connections_end_with_quit() -> None:
    with Sink() as sink:
        told(sink, letters(100), 5)
    assert sink.farewells == sink.used


@pytest.mark.parametrize("pipelining", [True, False])
def test_an_only_connection_that_ends_after_each_message_is_replaced_each_time(pipelining: bool) -> None:
    with Sink(always(".", "421 4.3.2 one at a time"), pipelining=pipelining) as sink:
        results = told(sink, letters(8))
    assert {type(each) for each in results} == {Deferred}
    assert sink.connections == 8


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("reply", ["DROP", "KEEP AND DROP"])
def test_a_server_that_answers_no_content_is_given_up_before_many_are_uncertain(reply: str, pipelining: bool) -> None:
    results: dict[int, Outcome | None] = {}
    with Sink(always(".", reply), pipelining=pipelining) as sink:
        delivery = transport(sink).deliver(iter(letters(50)), no_offer)
        with pytest.raises(TransportError, match="breaks off, the last one with"):
            results.update((each.key, outcome) for batch in delivery for each, outcome in batch)
    uncertain = {number for number, outcome in results.items() if isinstance(outcome, Uncertain)}
    assert len(uncertain) == 1 + len(SOON)
    assert {outcome for number, outcome in results.items() if number not in uncertain} <= {None}
    assert set(sink.accepted) <= set(map(recipient, uncertain))


@pytest.mark.parametrize("offered", OFFERED)
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("reply", ["452 4.5.3 Too many messages sent", "421 4.7.0 Too many messages"])
def test_a_server_that_takes_five_messages_a_connection_gets_all_over_more_of_them(
    reply: str, connections: int, offered: list[str]
) -> None:
    taken: list[str] = []

    def talk(peer: Peer) -> None:
        peer.greet(*offered)
        here = 0
        while True:
            verb, _, argument = peer.hear().partition(" ")
            if verb == "MAIL" and here == 5:
                peer.say(reply)
                if reply.startswith("421"):
                    return
            elif verb == "BDAT":
                hear_chunk(peer, argument)
                peer.say("503 5.5.1 no" if here == 5 else "250 kept")
                here = min(here + 1, 5)
            elif verb in ("RCPT", "DATA") and here == 5:
                peer.say("503 5.5.1 no")
            elif verb == "DATA":
                peer.say("354 go on")
                peer.hear_content()
                here += 1
                peer.say("250 kept")
            else:
                if verb == "RCPT":
                    taken.append(argument)
                peer.say("221 bye" if verb == "QUIT" else "250 ok")

    with Talker(talk) as server:
        assert all_accepted(told(server, letters(33), connections, window=8), 33)
    assert len(taken) == len(set(taken)) == 33


def test_when_a_content_cannot_be_put_on_record_the_contents_on_their_way_are_still_heard_of() -> None:
    failed = threading.Event()
    kept = "250 reset", "250 ok", "250 ok", "250 kept"
    offers = 0

    def offer(_messages: Sequence[Message]) -> None:
        nonlocal offers
        offers += 1
        if offers > 1:
            failed.set()
            raise ValueError("the ledger is locked")

    def talk(peer: Peer) -> None:
        peer.greet("PIPELINING", "CHUNKING")
        for _ in range(4):
            while not (said := peer.hear()).startswith("BDAT"):
                pass
            hear_chunk(peer, said.partition(" ")[2])
        peer.say("\r\n".join(kept * 2))  # room for two more, which are then offered
        assert failed.wait(10)
        peer.say("\r\n".join(kept * 2))
        peer.hear()

    results: dict[int, Outcome | None] = {}
    with Talker(talk) as server:
        delivery = transport(server, window=4).deliver(iter(letters(20)), offer)
        with pytest.raises(ValueError, match="locked"):
            results.update((each.key, outcome) for batch in delivery for each, outcome in batch)
    assert {key for key, outcome in results.items() if isinstance(outcome, Accepted)} == {0, 1, 2, 3}
    assert {outcome for key, outcome in results.items() if key > 3} == {None}


@pytest.mark.parametrize("pipelining", [True, False])
def test_when_a_content_cannot_be_put_on_record_the_other_connections_are_heard_to_their_end(pipelining: bool) -> None:
    failed = threading.Event()
    offers = 0

    def offer(_messages: Sequence[Message]) -> None:
        nonlocal offers
        offers += 1
        if offers > 1:
            failed.set()
            raise ValueError("the ledger is locked")

    def talk(peer: Peer) -> None:
        peer.greet(*(["PIPELINING"] if pipelining else []))
        while True:
            verb = peer.hear().split()[0]
            peer.say("354 go on" if verb == "DATA" else "250 ok")
            if verb == "DATA":
                peer.hear_content()
                assert failed.wait(10)
                peer.say("250 kept")

    results: dict[int, Outcome | None] = {}
    with Talker(talk) as server:
        delivery = transport(server, 2).deliver(iter(letters(20)), offer)
        with pytest.raises(ValueError, match="locked"):
            results.update((each.key, outcome) for batch in delivery for each, outcome in batch)
    assert isinstance(results.pop(0), Accepted)
    assert set(results.values()) == {None}


def test_a_connection_that_the_server_closes_while_there_is_nothing_to_send_is_replaced() -> None:
    def once(peer: Peer) -> None:
        peer.greet()
        for reply in ("250 ok", "250 ok", "354 go on"):
            peer.hear()
            peer.say(reply)
        peer.hear_content()
        peer.say("250 kept", "421-4.4.2 you have", "421 been silent for too long")

    with Talker(once) as server:
        assert all_accepted(told(server, letters(4)), 4)
    assert server.connections == 4


def test_a_run_that_is_broken_off_does_not_wait_for_the_answer_to_its_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.transports.smtp_connection._FAREWELL_SECONDS", 1000)
    heard: list[str] = []

    def silent_at_the_end(peer: Peer) -> None:
        peer.greet()
        for reply in ("250 ok", "250 ok", "354 go on"):
            peer.hear()
            peer.say(reply)
        peer.hear_content()
        peer.say("250 kept")
        heard.append(peer.hear())
        peer.hear()

    def source() -> Iterator[Message | None]:
        yield letter(1)
        while True:
            yield None

    with (
        Talker(silent_at_the_end) as server,
        closing(cast("Generator[Results]", transport(server).deliver(source(), no_offer))) as delivery,
    ):
        assert next(delivery)
    assert heard == ["QUIT"]


class _Slow(Offering):
    """A record that takes its time, as on a server far away."""

    def __init__(self) -> None:
        self.asked = 0
        self.begun = threading.Event()
        self._mine, self._other = socket.socketpair()

    def begin(self, messages: Sequence[Message]) -> None:
        self.asked = 0
        self.begun.set()

    def fileno(self) -> int:
        return self._mine.fileno()

    def is_done(self) -> bool:
        self.asked += 1
        return self.asked > 5

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self._mine.close()
        self._other.close()


def test_a_message_that_waits_behind_one_that_is_refused_unseen_is_sent_all_the_same() -> None:
    conversations = 0

    def of_two_minds(peer: Peer) -> None:
        nonlocal conversations
        conversations += 1
        peer.greet("PIPELINING")
        while (command := peer.hear()) != "QUIT":
            peer.say("354 go on" if command == "DATA" else "250 ok")
            if command == "DATA" and conversations == 1:
                record.begun.wait(30)
                peer.say("550 5.7.1 on second thoughts, no")
                return
            if command == "DATA":
                peer.hear_content()
                peer.say("250 kept")

    record = _Slow()
    with Talker(of_two_minds) as server:
        results = outcomes(transport(server, patience=impatient(Step.DOT)).deliver(iter(letters(2)), record))
    record.close()
    assert len(results) == 2


def test_a_server_that_never_lets_a_message_begin_is_given_up_and_not_stormed() -> None:
    with Sink(always("MAIL", "421 4.7.0 too busy")) as sink:
        with pytest.raises(TransportError, match=r"breaks off, the last one with: 421 4\.7\.0 too busy"):
            told(sink, letters(50), 10)
        assert sink.accepted == []
    assert sink.connections <= 1 + 10 + len(SOON)


def test_a_server_that_breaks_off_one_time_in_twenty_gets_every_message_once_or_it_is_named() -> None:
    heard = 0

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal heard
        heard += 1
        return "DROP" if verb in ("MAIL", "RCPT", "DATA", ".") and heard % 20 == 0 else None

    with Sink(fault) as sink:
        results = told(sink, letters(400), 4)
    accepted = {recipient(number) for number, each in enumerate(results) if isinstance(each, Accepted)}
    assert sink.duplicates == []
    assert set(sink.accepted) == accepted
    assert {type(each) for each in results} <= {Accepted, Uncertain, Deferred}


# ── Patience ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def impatient(step: Step, seconds: float = 0.05) -> dict[Step, float]:
    """The standard's patience but for one reply."""
    return {**PATIENCE, step: seconds}


def test_each_reply_has_the_time_that_the_standard_gives_it() -> None:
    standard = {Step.RSET: 300, Step.MAIL: 300, Step.RCPT: 300, Step.DATA: 120, Step.DOT: 600}
    assert standard == PATIENCE


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_a_server_that_falls_silent_is_left_and_the_message_is_put_off_or_uncertain(
    verb: str, pipelining: bool
) -> None:
    def silent(peer: Peer) -> None:
        peer.greet(*(["PIPELINING"] if pipelining else []))
        while (said := peer.hear().split()[0]) != verb:
            peer.say("354 go on" if said == "DATA" else "250 ok")
            if said == "DATA":
                peer.hear_content()
                break
        while True:
            peer.hear()

    patience = impatient(Step.DOT if verb == "." else Step(verb))
    with Talker(silent) as server:
        if verb == "MAIL":  # it may never have heard of the recipient: the server is at fault
            with pytest.raises(TransportError, match="breaks off, the last one with"):
                told(server, [letter(1)], patience=patience)
            return
        (result,) = told(server, [letter(1)], patience=patience)
    kind = "Uncertain" if verb == "." else "Deferred"
    assert deferred_or_uncertain(result) == (kind, "no answer in time")


def test_with_chunking_each_reply_renews_the_patience_of_a_whole_transaction_and_half_a_reply_does_not() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, selectors.DefaultSelector() as selector:
        features = Features(pipelining=True, chunking=True)
        connection = Connection(ours, features, selector, {**dict.fromkeys(Step, 1.0), Step.DOT: 1000.0}, window=2)
        for number in range(2):
            connection.dialogue.begin(letter(number))
        connection.dialogue.commit(None)
        connection.write()
        for said, renewed in ((b"250 a\r\n250 b\r\n250 c\r\n250 kept\r\n", True), (b"250-and so", False)):
            connection.deadline = 0.0
            connection.dialogue.receive(said, [])
            connection.notice_progress()
            assert (connection.deadline - monotonic() > 500) == renewed


@pytest.mark.parametrize("drip", [b"2", b"250-wait\r\n"])
def test_a_reply_that_trickles_in_for_ever_is_no_progress(drip: bytes) -> None:
    def trickling(peer: Peer) -> None:
        peer.greet()
        for reply in ("250 ok", "250 ok", "354 go on"):
            peer.hear()
            peer.say(reply)
        peer.hear_content()
        peer.sock.settimeout(0.01)
        while True:
            peer.say(drip)
            with suppress(TimeoutError):
                peer.hear()

    with Talker(trickling) as server:
        (result,) = told(server, [letter(1)], patience=impatient(Step.DOT, 0.3))
    assert isinstance(result, Uncertain)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_answers_byte_by_byte_gets_every_message(pipelining: bool) -> None:
    with Sink(byte_by_byte=True, pipelining=pipelining) as sink:
        assert all_accepted(told(sink, letters(20), 3), 20)
    assert Counter(sink.accepted) == Counter(map(recipient, range(20)))


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lines(code: int, number: int, text: str = "and so on") -> str:
    return "\r\n".join([*(f"{code}-{text} {each}" for each in range(number)), f"{code} the end"])


@pytest.mark.parametrize("pipelining", [True, False])
def test_replies_of_a_hundred_lines_are_read_to_their_end(pipelining: bool) -> None:
    codes = {"MAIL": 250, "RCPT": 250, "RSET": 250}

    def fault(verb: str, argument: str) -> str | None:
        if verb in codes:
            return lines(codes[verb], 100)
        if verb == "DATA":
            return lines(354, 100)
        return lines(250, 100) if verb == "." else None

    with Talker(_scripted(fault, pipelining=pipelining)) as server:
        results = told(server, letters(5))
    assert all_accepted(results, 5)
    assert all(each.reply.text.startswith("and so on 0 and so on 1") for each in results)


def _scripted(fault: Fault, *, pipelining: bool = True) -> Callable[[Peer], None]:
    """A server that gives the fault's answer to each command, and to each content (".")."""

    def talk(peer: Peer) -> None:
        peer.greet(*(["PIPELINING"] if pipelining else []))
        while True:
            verb, _, argument = peer.hear().partition(" ")
            if verb == "QUIT":
                peer.say("221 bye")
                return
            reply = fault(verb, argument) or "250 ok"
            peer.say(reply.encode("latin-1") + b"\r\n")
            if reply.startswith("354"):
                peer.hear_content()
                peer.say((fault(".", "") or "250 ok").encode("latin-1") + b"\r\n")

    return talk


def test_to_a_server_without_pipelining_no_command_is_said_before_the_last_is_answered() -> None:
    """RFC 5321 section 4.1.1 and RFC 2920 section 3.1; Exim hangs up on who does."""
    messages = letters(3)
    spoken = []

    def strict(peer: Peer) -> None:
        peer.greet()
        while (command := peer.hear()) != "QUIT":
            spoken.append(command.split()[0])
            assert not peer.has_more, f"something came behind {command}"
            if command == "DATA":
                peer.say("354 go on")
                peer.hear_content()
            refused = command.startswith("RCPT") and messages[0].envelope.recipient in command
            peer.say("550 5.1.1 no such user" if refused else "250 ok")

    with Talker(strict) as server:
        first, *others = told(server, messages)
    assert isinstance(first, Rejected)
    assert all_accepted(others, 2)
    assert spoken[:4] == ["MAIL", "RCPT", "RSET", "MAIL"]
    assert server.connections == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    "endless", ["250-" + "x" * 3_000_000, "\r\n".join(["250-x"] * 500_000)], ids=["one line", "many lines"]
)
def test_a_reply_without_end_is_cut_off_in_little_memory(verb: str, pipelining: bool, endless: str) -> None:
    def fault(said: str, _argument: str) -> str | None:
        if said == verb:
            return endless
        return "354 go on" if said == "DATA" else None

    tracemalloc.start()
    try:
        with Talker(_scripted(fault, pipelining=pipelining)) as server:
            delivery = transport(server).deliver(iter([letter(1)]), no_offer)
            before = tracemalloc.take_snapshot()
            if verb == "MAIL":
                with pytest.raises(TransportError, match="breaks off, the last one with"):
                    outcomes(delivery)
            else:
                (result,) = outcomes(delivery).values()
                assert isinstance(result, Uncertain if verb == "." else Deferred)
                assert result.reply.text == "the server's reply has no end"
            after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = [each for each in after.compare_to(before, "filename") if "newsletter/transports" in str(each.traceback)]
    assert sum(each.size for each in ours) < 1_000_000


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("550 5.1.1 n\0ul and \x1b[31mred\x07", Reply(550, "5.1.1", "n?ul and ?[31mred?")),
        ("550 5.1.1 caf\xe9 \xff", Reply(550, "5.1.1", "caf? ?")),
        ("550", Reply(550)),
        ("550 ", Reply(550)),
        ("550-\r\n550-5.1.1 a\r\n550 5.1.1 b", Reply(550, "5.1.1", "a b")),
        ("550 5.1.1 " + "long " * 300, Reply(550, "5.1.1", ("long " * 300)[:500])),
        ("550-5.1.1 no\r\n551 other code", Reply(551, "5.1.1", "no other code")),
    ],
)
def test_what_a_server_says_is_kept_as_safe_text(reply: str, kept: Reply, pipelining: bool) -> None:
    def fault(verb: str, _argument: str) -> str | None:
        if verb == "RCPT":
            return reply
        return "503 no recipient" if verb == "DATA" else None

    with Talker(_scripted(fault, pipelining=pipelining)) as server:
        (result,) = told(server, [letter(1)])
    assert result == Rejected(kept)


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
@pytest.mark.parametrize(
    "reply", ["", "hello", "\0\0\0", "25", "2500", "\xb250 superscript", "099 zero", "199 one", "600 six", "250_ok"]
)
def test_what_is_not_smtp_is_never_an_acceptance(verb: str, reply: str) -> None:
    def fault(said: str, _argument: str) -> str | None:
        if said == verb:
            return reply or "\r\n"
        return "354 go on" if said == "DATA" else None

    with Talker(_scripted(fault)) as server:
        (result,) = told(server, [letter(1)])
    assert isinstance(result, Uncertain if verb == "." else Deferred)
    assert "this is not SMTP" in result.reply.text


@pytest.mark.parametrize(
    ("verb", "reply", "kind"),
    [
        ("RCPT", "354 go on", Deferred),
        ("DATA", "250 what now", Deferred),
        ("DATA", "221 bye", Deferred),
        (".", "354 more?", Uncertain),
        (".", "334 who are you?", Uncertain),
    ],
)
def test_an_answer_to_another_question_is_never_an_acceptance(verb: str, reply: str, kind: type[Outcome]) -> None:
    def fault(said: str, _argument: str) -> str | None:
        if said == verb:
            return reply
        return "354 go on" if said == "DATA" else None

    def talk(peer: Peer) -> None:
        peer.greet("PIPELINING")
        while True:
            said, _, argument = peer.hear().partition(" ")
            answer = fault(said, argument) or "250 ok"
            peer.say(answer)
            if said == "DATA" and answer.startswith("354"):
                peer.hear_content()
                peer.say(fault(".", "") or "250 ok")

    with Talker(talk) as server:
        (result,) = told(server, [letter(1)])
    assert isinstance(result, kind)
    assert "the server's reply is out of turn" in result.reply.text


@pytest.mark.parametrize("pipelining", [True, False])
def test_an_acceptance_before_the_content_was_sent_is_not_believed(pipelining: bool) -> None:
    def hasty(peer: Peer) -> None:
        peer.greet(*(["PIPELINING"] if pipelining else []))
        for reply in ("250 ok", "250 ok", "354 go on\r\n250 2.0.0 kept"):
            peer.hear()
            peer.say(reply)
        peer.hear()

    with Talker(hasty) as server:
        (result,) = told(server, [letter(1)])
    assert isinstance(result, Deferred)


BIG = letter(1, b"a line of a message that is larger than what fits between two programs\r\n" * 200_000)


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [("552 5.3.4 too big", Rejected), ("452 4.3.1 disk full", Deferred), ("421 4.3.2 going down", Deferred)],
)
def test_a_refusal_in_the_middle_of_the_content_counts_and_the_rest_is_never_taken_for_commands(
    reply: str, kind: type[Outcome], closes: bool
) -> None:
    connections: list[list[str]] = []

    def talk(peer: Peer) -> None:
        connections.append([])
        peer.greet()
        while True:
            said = peer.hear()
            connections[-1].append(said)
            if said == "QUIT":
                peer.say("221 bye")
                return
            if said != "DATA":
                peer.say("250 ok")
                continue
            peer.say("354 go on")
            if len(connections) == 1:
                for _ in range(50):
                    peer.hear()
                peer.say(reply)
                if closes:
                    return
                peer.hear_content()
                continue
            peer.hear_content()
            peer.say("250 kept")

    with Talker(talk) as server:
        first, second = told(server, [BIG, letter(2)])
    assert isinstance(first, kind)
    assert str(first.reply) == reply
    assert isinstance(second, Accepted)
    assert [each[-1] for each in connections][-1] == "QUIT"


def test_an_acceptance_in_the_middle_of_the_content_is_not_believed() -> None:
    def hasty(peer: Peer) -> None:
        peer.greet()
        for reply in ("250 ok", "250 ok", "354 go on"):
            peer.hear()
            peer.say(reply)
        for _ in range(50):
            peer.hear()
        peer.say("250 2.0.0 kept")
        while peer.hear() != ".":
            pass
        pytest.fail("the rest was sent all the same")

    with Talker(hasty) as server:
        (result,) = told(server, [BIG])
    assert isinstance(result, Deferred)
    assert "out of turn" in result.reply.text


@pytest.mark.parametrize("end", ["554 5.5.1 no valid recipients", "250 2.0.0 thank you for nothing"])
def test_a_server_that_wants_content_for_a_refused_recipient_gets_an_empty_one(end: str) -> None:
    contents: list[list[str]] = []

    def talk(peer: Peer) -> None:
        peer.greet("PIPELINING")
        refused = False
        while True:
            verb, _, argument = peer.hear().partition(" ")
            if verb == "QUIT":
                peer.say("221 bye")
                return
            refused = "reader3" in argument if verb == "RCPT" else refused
            if verb == "RCPT" and refused:
                peer.say("550 5.1.1 no such user")
            elif verb == "DATA":
                peer.say("354 go on all the same")
                content = peer.hear_content()
                if refused:
                    contents.append(content)
                peer.say(end if refused else "250 kept")
            else:
                peer.say("250 ok")

    with Talker(talk) as server:
        results = told(server, letters(6))
    assert results[3] == Rejected(Reply(550, "5.1.1", "no such user"))
    assert all_accepted([each for number, each in enumerate(results) if number != 3], 5)
    assert contents == [[]]


def test_an_lmtp_server_that_wants_content_for_nobody_is_left_because_it_would_never_answer() -> None:
    def talk(peer: Peer) -> None:
        peer.greet("PIPELINING")
        recipients = 0
        while True:
            verb, _, argument = peer.hear().partition(" ")
            if verb == "QUIT":
                peer.say("221 bye")
                return
            if verb == "RCPT" and "reader3" in argument:
                peer.say("550 5.1.1 no such user")
            elif verb == "DATA":
                peer.say("354 go on all the same")
                peer.hear_content()
                for _ in range(recipients):
                    peer.say("250 kept")
                recipients = 0
            else:
                recipients += verb == "RCPT"
                peer.say("250 ok")

    with Talker(talk) as server:
        results = told(server, letters(6), lmtp=True)
    assert results[3] == Rejected(Reply(550, "5.1.1", "no such user"))
    assert all_accepted([each for number, each in enumerate(results) if number != 3], 5)
    assert server.connections == 2


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("reply", ["500 5.5.1 unknown command", "421 4.3.0 no", "451 4.3.0 later"])
def test_a_server_that_knows_no_rset_costs_a_connection_and_nobody_their_message(reply: str, pipelining: bool) -> None:
    def fault(verb: str, argument: str) -> str | None:
        if verb == "RCPT" and any(f"reader{each}@" in argument for each in (3, 4, 9)):
            return "550 5.1.1 no such user"
        return reply if verb == "RSET" else None

    with Sink(fault, pipelining=pipelining) as sink:
        results = told(sink, letters(12), 2)
    assert [number for number, each in enumerate(results) if isinstance(each, Rejected)] == [3, 4, 9]
    assert all_accepted([each for each in results if not isinstance(each, Rejected)], 9)
    assert sink.duplicates == []


def test_a_refusal_of_mail_that_speaks_of_the_message_is_that_messages_alone() -> None:
    def fault(verb: str, argument: str) -> str | None:
        size = re.search(r"SIZE=(\d+)", argument)
        if verb == "MAIL" and size and int(size[1]) > 5_000:
            return "552 5.3.4 too big for today"
        return None

    messages = [letter(1), letter(2, b"x" * 78 + b"\r\n" + b"more\r\n" * 2_000), letter(3)]
    with Sink(fault) as sink:
        results = told(sink, messages)
    assert [type(each) for each in results] == [Accepted, Rejected, Accepted]
