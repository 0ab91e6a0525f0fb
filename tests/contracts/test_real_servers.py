"""The SMTP and LMTP client against servers that others wrote: what each recipient ends in, and what arrives."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import TransportError
from newsletter.message import Compiled, Mailbox, Message
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Uncertain
from newsletter.sources.mail_records import ids_in_log
from newsletter.transports.smtp import SmtpTransport
from tests.support.letters import letter, letters, no_offer, recipient
from tests.support.sending import EDITION, FRAME, NOW
from tests.support.servers import LOGIN, Mailserver, dovecot, exim, opensmtpd, postfix, smtp_sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import EmailMessage

    from newsletter.transports.smtp_session import Server

SOON = (0.0, 0.01, 0.01)  # how long to wait before coming back: not at all
READERS = 12


def fate(outcome: Outcome | None) -> str:
    """An outcome as a word, with the reply's codes where there was one."""
    match outcome:
        case None:
            return "pending"
        case Accepted():
            return "accepted"
        case Uncertain():
            return "uncertain"
        case Deferred(reply) | Rejected(reply):
            return f"{type(outcome).__name__.lower()} {reply.code} {reply.enhanced}".strip()


def fates(
    server: Server, messages: Sequence[Message], connections: int = 3, *, window: int = 1
) -> tuple[dict[str, str], str]:
    """What became of each recipient, and the error that ended it, if any."""
    told = {each.envelope.recipient: "pending" for each in messages}
    ended = ""
    try:
        for results in SmtpTransport(server, connections, SOON, window=window).deliver(iter(messages), no_offer):
            told |= {each.envelope.recipient: fate(outcome) for each, outcome in results}
    except TransportError as error:
        ended = str(error)
    return told, ended


# ── smtp-sink, which misbehaves as asked ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "accepted"),
        ("-p", "accepted"),  # no PIPELINING
        ("-e", "accepted"),  # no EHLO
        ("-P", "accepted"),  # a firewall that garbles the greeting
        ("-8", "accepted"),
        ("-N", "accepted"),
        ("-L", "accepted"),
        ("-L -p", "accepted"),
        ("-f EHLO", "accepted"),
        ("-f QUIT", "accepted"),
        ("-q QUIT", "accepted"),
        ("-r RCPT", "deferred 450 4.3.0"),
        ("-r DATA", "deferred 450 4.3.0"),
        ("-r .", "deferred 450 4.3.0"),
        ("-r MAIL", "deferred 450 4.3.0"),
        ("-f RCPT", "rejected 500 5.3.0"),
        ("-f DATA", "rejected 500 5.3.0"),
        ("-f .", "rejected 500 5.3.0"),
        ("-L -r .", "deferred 450 4.3.0"),
        ("-L -f RCPT", "rejected 500 5.3.0"),
        ("-Q .", "deferred 421 4.0.0"),
        ("-A 0", "rejected 550"),  # it refuses in the middle of the content and reads no further
    ],
)
def test_every_reader_ends_in_the_state_that_the_servers_answer_means(options: str, expected: str) -> None:
    with smtp_sink(*options.split()) as (server, written):
        told, ended = fates(server, letters(READERS))
        assert ended == ""
        assert Counter(told.values()) == {expected: READERS}
        if expected == "accepted":
            assert len(written()) == READERS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-f CONNECT", "the server does not take connections now"),
        ("-r CONNECT", "the server does not take connections now"),
        ("-q CONNECT", "the server closed the connection"),
        ("-q EHLO", "the server closed the connection"),
        ("-Q EHLO", "the server refuses our greeting"),
        ("-f EHLO,HELO", "the server refuses our greeting"),
        ("-L -f LHLO", "the server refuses our greeting"),
        ("-f MAIL", "refuses the sender: 500 5.3.0 Error: command failed"),
        ("-q MAIL", "breaks off, the last one with"),
        ("-Q MAIL", "breaks off, the last one with"),
    ],
)
def test_a_server_that_takes_nothing_ends_it_and_everybody_stays_pending(options: str, said: str) -> None:
    with smtp_sink(*options.split()) as (server, written):
        told, ended = fates(server, letters(READERS))
        assert said in ended
        assert set(told.values()) == {"pending"}
        assert written() == []


@pytest.mark.parametrize("options", ["-q RCPT", "-q DATA", "-Q RCPT", "-Q DATA", "-p -q DATA"])
def test_a_server_that_always_breaks_off_before_the_content_leaves_nobody_uncertain(options: str) -> None:
    with smtp_sink(*options.split()) as (server, written):
        told, ended = fates(server, letters(READERS))
        assert "breaks off, the last one with" in ended
        assert {each.split()[0] for each in told.values()} <= {"pending", "deferred"}
        assert written() == []


@pytest.mark.parametrize("options", ["-q .", "-p -q .", "-L -q ."])
def test_a_server_that_keeps_the_content_and_breaks_off_leaves_few_uncertain_and_sends_none_again(options: str) -> None:
    with smtp_sink(*options.split()) as (server, written):
        told, ended = fates(server, letters(READERS), connections=2)
        kept = [line for each in written() for line in each.decode().splitlines() if line.startswith("To: ")]
    assert "breaks off, the last one with" in ended
    uncertain = {f"To: {who}" for who, state in told.items() if state == "uncertain"}
    assert set(told.values()) == {"uncertain", "pending"}
    assert len(uncertain) <= 2 + len(SOON)
    assert sorted(kept) == sorted(uncertain)


@pytest.mark.parametrize("options", ["-W .:1", "-p -W MAIL:1", "-w 1", "-H 1", "-T 1024"])
def test_a_slow_server_gets_every_message_once(options: str) -> None:
    body = b"a line of some length, many times over\r\n" * 3_000
    with smtp_sink(*options.split()) as (server, written):
        told, ended = fates(server, [letter(number, body) for number in range(3)])
        assert (set(told.values()), ended) == ({"accepted"}, "")
        assert len(written()) == 3


# ── Real ones ────────────────────────────────────────────────────────────────────────────────────────────────────────

REAL = {each.__name__: each for each in (postfix, exim, opensmtpd, dovecot)}


@pytest.fixture(scope="module", params=REAL)
def running(request: pytest.FixtureRequest) -> Iterator[Mailserver]:
    with REAL[request.param]() as server:
        yield server


@pytest.fixture
def mailserver(running: Mailserver) -> Mailserver:
    running.empty()
    return running


def parsed(data: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(data)


def to_of(data: bytes) -> str:
    return str(parsed(data)["To"])


@pytest.mark.parametrize("window", [1, 8])  # the latter where the server has CHUNKING: Postfix and Exim
def test_each_message_arrives_exactly_once(mailserver: Mailserver, window: int) -> None:
    told, ended = fates(mailserver.server, letters(60), connections=4, window=window)
    assert (set(told.values()), ended) == ({"accepted"}, "")
    assert Counter(map(to_of, mailserver.mail(60))) == Counter(map(recipient, range(60)))


@pytest.mark.parametrize("window", [1, 8])
def test_refusals_are_outcomes_and_the_others_get_theirs(mailserver: Mailserver, window: int) -> None:
    others = [letter(100, to="gone@example.org"), letter(101, to="x@elsewhere.example")]
    if mailserver.defers:
        others.append(letter(102, to="later@example.org"))
    told, ended = fates(mailserver.server, [*letters(5), *others, *map(letter, range(5, 10))], window=window)
    assert ended == ""
    assert told.pop("gone@example.org").startswith("rejected 550")
    assert told.pop("x@elsewhere.example").startswith("rejected 55")
    if mailserver.defers:
        assert told.pop("later@example.org").startswith("deferred 45")
    assert Counter(told.values()) == {"accepted": 10}
    assert len(mailserver.mail(10)) == 10


def test_what_arrives_is_what_was_composed(mailserver: Mailserver) -> None:
    edition = replace(
        EDITION,
        subject=("Élodie a lu «\u202fLa lettre\u202f» 👋 ", *EDITION.subject),
        text=("From me\n.\n..\n.hidden\n", *EDITION.text),
    )
    sent = Compiled(edition, FRAME).compose(
        7,
        Mailbox(recipient(7), "Élodie Durand, (Éditions)"),
        ["Élodie", "https://letter.example.org/unsubscribe/" + "x" * 60],
        message_id="<7.x@example.org>",
        date=NOW,
        unsubscribe_url="https://letter.example.org/unsubscribe/" + "x" * 60,
    )
    told, ended = fates(mailserver.server, [sent])
    assert (list(told.values()), ended) == (["accepted"], "")
    (data,) = mailserver.mail(1)
    there, here = parsed(data), parsed(sent.data)
    assert [there[name] for name in here] == [here[name] for name in here]
    assert f"List-Unsubscribe: <https://letter.example.org/unsubscribe/{'x' * 60}>,".encode() in data.splitlines()
    for kind in ("plain", "html"):
        theirs, ours = there.get_body((kind,)), here.get_body((kind,))
        assert theirs is not None
        assert ours is not None
        assert theirs.get_content().splitlines() == ours.get_content().splitlines()
    # Not a byte of the content has changed but the line ends, which are the file's.
    assert data.replace(b"\r\n", b"\n").partition(b"\n\n")[2].rstrip(b"\n") == (
        sent.data.replace(b"\r\n", b"\n").partition(b"\n\n")[2].rstrip(b"\n")
    )


def test_a_message_that_is_too_large_is_refused_and_the_next_one_arrives(mailserver: Mailserver) -> None:
    large = letter(1, b"a line of some length, many times over\r\n" * 30_000)
    told, ended = fates(mailserver.server, [large, letter(2)], connections=1)
    assert ended == ""
    limited = mailserver.has_limit
    assert told == {recipient(1): "rejected 552 5.3.4" if limited else "accepted", recipient(2): "accepted"}
    assert len(mailserver.mail(2 - limited)) == 2 - limited


def test_lines_that_begin_with_dots_arrive_as_they_are_composed(mailserver: Mailserver) -> None:
    body = b"=2E\r\n=2E.\r\n a . b\r\n"
    told, _ = fates(mailserver.server, [letter(3, body)])
    assert told == {recipient(3): "accepted"}
    (data,) = mailserver.mail(1)
    assert data.replace(b"\r\n", b"\n").endswith(b"\n\n" + body.replace(b"\r\n", b"\n"))


# ── Each one's own limits ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_postfix_that_lets_in_three_connections_gets_all_over_those() -> None:
    with postfix() as server:
        told, ended = fates(server.others["crowded"], letters(80), connections=12)
        assert (set(told.values()), ended) == ({"accepted"}, "")
        assert Counter(map(to_of, server.mail(80))) == Counter(map(recipient, range(80)))


def test_a_postfix_that_closes_after_so_many_errors_costs_nobody_their_message() -> None:
    with postfix("smtpd_hard_error_limit = 3\nrecipient_delimiter = +\n") as server:
        gone = [letter(number, to=f"gone+{number}@example.org") for number in range(100, 120)]
        messages = [each for pair in zip(letters(20), gone, strict=True) for each in pair]
        told, ended = fates(server.server, messages, connections=2)
        assert ended == ""
        assert {told[recipient(number)] for number in range(20)} == {"accepted"}
        assert {told[each.envelope.recipient] for each in gone} == {"rejected 550 5.1.1"}
        assert Counter(map(to_of, server.mail(20))) == Counter(map(recipient, range(20)))


def test_the_log_of_postfix_tells_what_it_took_and_not_what_broke_off() -> None:
    with postfix() as mailserver:
        whole, cut_off = letters(2)
        with (
            socket.create_connection(("127.0.0.1", mailserver.server.port)) as connection,
            connection.makefile("rb") as reader,
        ):
            for command in ("HELO localhost", "MAIL FROM:<a@example.org>", f"RCPT TO:<{recipient(1)}>", "DATA"):
                reader.readline()
                connection.sendall(f"{command}\r\n".encode())
            while not reader.readline().startswith(b"354"):
                pass
            connection.sendall(cut_off.data + b"Good day.\r\n" * 3000)  # more than Postfix keeps back
            while (
                not (found := list(mailserver.folder.glob("mail.log"))) or b"message-id=" not in found[0].read_bytes()
            ):
                pass  # until it has read the header
        told, _ = fates(mailserver.server, [whole], connections=1)
        assert list(told.values()) == ["accepted"]
        mailserver.mail(1)
        log = mailserver.folder / "mail.log"
        assert cut_off.message_id in log.read_text()
        assert list(ids_in_log(log)) == [whole.message_id]


def test_postfix_takes_addresses_outside_ascii_and_8_bit_content() -> None:
    with postfix() as server:
        told, _ = fates(server.server, [letter(1, "élan\r\n".encode(), to="zoé@example.org")])
        assert told == {"zoé@example.org": "accepted"}
        (data,) = server.mail(1)
    assert "To: zoé@example.org".encode() in data
    assert data.endswith("élan\n".encode())


@pytest.mark.parametrize("limit", [1, 7])
def test_an_exim_that_takes_few_messages_a_connection_gets_all_over_more_of_them(limit: int) -> None:
    with exim(f"smtp_accept_max_per_connection = {limit}") as server:
        told, ended = fates(server.server, letters(30), connections=2)
        assert (set(told.values()), ended) == ({"accepted"}, "")
        assert Counter(map(to_of, server.mail(30))) == Counter(map(recipient, range(30)))


def test_an_opensmtpd_that_takes_a_hundred_messages_a_connection_gets_all_over_more_of_them() -> None:
    with opensmtpd() as server:
        told, ended = fates(server.server, letters(250), connections=1)
        assert (Counter(told.values()), ended) == ({"accepted": 250}, "")
        assert Counter(map(to_of, server.mail(250))) == Counter(map(recipient, range(250)))


def test_dovecot_takes_lmtp_over_a_unix_socket() -> None:
    with dovecot() as server:
        told, ended = fates(server.others["unix"], [*letters(20), letter(20, to="gone@example.org")])
        assert ended == ""
        assert told.pop("gone@example.org") == "rejected 550 5.1.1"
        assert set(told.values()) == {"accepted"}
        assert len(server.mail(20)) == 20


# ── Logins ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def with_logins() -> Iterator[Mailserver]:
    """Postfix that asks Dovecot who may send."""
    with ExitStack() as stack:
        checker = stack.enter_context(dovecot())
        yield stack.enter_context(postfix(dovecot_login=checker.folder / "login"))


@pytest.mark.parametrize("auth", ["", "plain", "login", "cram-md5"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_postfix_lets_in_who_logs_in_under_tls(with_logins: Mailserver, security: str, auth: str) -> None:
    with_logins.empty()
    told, ended = fates(replace(with_logins.others[security], auth=auth), letters(3), connections=1)
    assert (set(told.values()), ended) == ({"accepted"}, "")
    assert len(with_logins.mail(3)) == 3


@pytest.mark.parametrize("auth", ["plain", "login", "cram-md5"])
def test_postfix_refuses_a_wrong_password_and_the_error_names_the_user_and_the_next_step(
    with_logins: Mailserver, auth: str
) -> None:
    server = replace(with_logins.others["starttls"], password="guess-work", auth=auth)
    told, ended = fates(server, letters(2))
    assert set(told.values()) == {"pending"}
    assert f"the login as {LOGIN[0]} was refused" in ended
    assert "535 5.7.8" in ended
    assert "check username and password" in ended
    assert "guess-work" not in ended


def test_a_postfix_that_wants_a_login_refuses_each_recipient_without_one(with_logins: Mailserver) -> None:
    told, ended = fates(replace(with_logins.others["starttls"], username="", password=""), letters(4))
    assert (Counter(told.values()), ended) == ({"rejected 554 5.7.1": 4}, "")
