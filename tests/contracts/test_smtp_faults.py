"""What each recipient's delivery comes to when a mail server misbehaves, one fault at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.send import send
from newsletter.errors import Problem, StoreError, TransportError
from newsletter.outcome import Accepted
from newsletter.store.mailings import undelivered
from newsletter.transports import Paced
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.letters import letter, letters, no_offer, outcomes, recipient
from tests.support.sending import clock, fill_list, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.report import Tally
    from newsletter.transports import Results

READERS = 30
WINDOW = 4
# How a server may take messages: one command after the other, in groups, or a window of them at once.
WAYS: dict[str, dict[str, Any]] = {
    "lockstep": {"pipelining": False},
    "pipelining": {},
    "chunking": {"extensions": ("SIZE 50000000", "8BITMIME", "CHUNKING")},
}


def reply_to(verb: str, reply: str, *, times: int = 10**9, only: str = "") -> Callable[[str, str], str | None]:
    """A fault: answer a verb with a reply, so many times, if its argument contains `only`."""
    left = times

    def fault(said: str, argument: str) -> str | None:
        nonlocal left
        if said != verb or only not in argument or left <= 0:
            return None
        left -= 1
        return reply

    return fault


def mail(sink: Sink, connections: int = 4, readers: int = READERS) -> tuple[Tally, dict[str, str]]:
    """Send to so many readers; the tally, and for each who has not got it the state's name with the reply."""
    with new_store() as database:
        fill_list(database, readers)
        mailing = plan(database)
        server = Server("127.0.0.1", sink.port)
        transport = SmtpTransport(server, connections, reconnect_after=(0.0, 0.01, 0.01), window=WINDOW)
        counts = send(database, mailing, post_for(database, mailing), transport, clock)
        rest = {
            who.email: f"{who.state.name.lower()} {who.code} {who.enhanced}".strip()
            for who in undelivered(database, mailing.id)
        }
    return counts, rest


ONE = "reader7@example.org"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (reply_to("RCPT", "550 5.1.1 no such user", only=ONE), "rejected 550 5.1.1"),
        (reply_to("RCPT", "450 4.2.0 greylisted", only=ONE), "deferred 450 4.2.0"),
        (reply_to(".", "554 5.7.1 spam", only=ONE), "rejected 554 5.7.1"),
        (reply_to(".", "452 4.3.1 full", only=ONE), "deferred 452 4.3.1"),
        (reply_to(".", "421 4.3.2 going down", only=ONE), "deferred 421 4.3.2"),
    ],
)
def test_a_refusal_of_one_recipient_is_theirs_alone(
    fault: Callable[[str, str], str | None], expected: str, way: str
) -> None:
    with Sink(fault, **WAYS[way]) as sink:
        counts, rest = mail(sink)
    assert rest == {ONE: expected}
    assert counts.accepted == READERS - 1
    assert len(sink.accepted) == READERS - 1
    assert sink.duplicates == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["421 4.7.0 too many", "DROP"])
def test_a_connection_that_closes_before_the_content_is_replaced_and_nobody_is_lost(
    verb: str, reply: str, way: str
) -> None:
    with Sink(reply_to(verb, reply, times=2), **WAYS[way]) as sink:
        counts, rest = mail(sink, connections=2)
    if way == "chunking" and reply == "DROP":
        # A window of contents was on its way: what the server did with it before it went, nobody knows.
        assert set(rest.values()) <= {"uncertain 0 4.4.2"}
        assert len(rest) <= 2 * WINDOW
        assert sink.duplicates == []
        assert counts.accepted + counts.uncertain == READERS
        return
    assert rest == {}
    assert counts.accepted == READERS
    assert Counter(sink.accepted) == Counter(f"reader{n}@example.org" for n in range(READERS))


@pytest.mark.parametrize("taken", [True, False])
def test_a_connection_that_closes_after_the_content_leaves_one_uncertain_and_never_sends_it_again(taken: bool) -> None:
    fault = reply_to(".", "KEEP AND DROP" if taken else "DROP", only=ONE)
    with Sink(fault) as sink:
        counts, rest = mail(sink)
    assert rest == {ONE: "uncertain 0 4.4.2"}
    assert (counts.accepted, counts.uncertain, counts.pending) == (READERS - 1, 1, 0)
    assert sink.accepted.count(ONE) == taken


def test_a_recipient_on_whom_every_connection_breaks_is_put_off_and_the_others_get_theirs() -> None:
    with Sink(reply_to("RCPT", "DROP", only=ONE)) as sink:
        counts, rest = mail(sink)
    assert rest == {ONE: "deferred 0 4.4.2"}
    assert counts.accepted == READERS - 1
    assert sink.duplicates == []


def test_temporary_refusals_of_the_sender_defer() -> None:
    with Sink(reply_to("MAIL", "451 4.3.0 later", times=5)) as sink:
        counts, _ = mail(sink)
    assert (counts.accepted, counts.deferred) == (READERS - 5, 5)


def test_a_server_that_knows_no_ehlo_gets_the_mail_all_the_same() -> None:
    with Sink(ehlo=False, pipelining=False) as sink:
        counts, _ = mail(sink)
    assert counts.accepted == READERS


def test_a_server_that_takes_one_connection_only_gets_all_over_that_one() -> None:
    def fault(verb: str, argument: str) -> str | None:
        return "421 4.7.0 one at a time" if verb == "CONNECT" and argument != "1" else None

    with Sink(fault) as sink:
        counts, _ = mail(sink, connections=10)
    assert counts.accepted == READERS


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_sender_stops_the_mailing_and_marks_nobody(way: str) -> None:
    with (
        Sink(reply_to("MAIL", "550 5.1.8 who are you?"), **WAYS[way]) as sink,
        new_store() as database,
    ):
        fill_list(database, READERS)
        mailing = plan(database)
        transport = SmtpTransport(Server("127.0.0.1", sink.port), window=WINDOW)
        with pytest.raises(TransportError, match=r"refuses the sender: 550 5\.1\.8 who are you\?"):
            send(database, mailing, post_for(database, mailing), transport, clock)
        states = Counter(who.state.name for who in undelivered(database, mailing.id))
    assert states == {"PENDING": READERS}
    assert sink.accepted == []


def test_a_server_that_wants_a_login_first_is_told_by_what_to_set() -> None:
    with (
        Sink(reply_to("MAIL", "530 5.7.0 Authentication required")) as sink,
        new_store() as database,
    ):
        fill_list(database, READERS)
        mailing = plan(database)
        transport = SmtpTransport(Server("127.0.0.1", sink.port))
        with pytest.raises(TransportError, match=r"set username and password_env of this transport(?s:.*)resume"):
            send(database, mailing, post_for(database, mailing), transport, clock)


def test_a_server_that_refuses_the_sender_and_closes_leaves_nobody_uncertain_and_is_named_for_the_refusal() -> None:
    begun = 0

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal begun
        begun += verb == "MAIL"
        if begun <= 3:
            return None
        return {"MAIL": "550 5.7.1 not you", "BDAT": "DROP"}.get(verb)

    with Sink(fault, **WAYS["chunking"]) as sink, new_store() as database:
        fill_list(database, READERS)
        mailing = plan(database)
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 1, window=20)
        with pytest.raises(TransportError, match=r"refuses the sender: 550 5\.7\.1 not you"):
            send(database, mailing, post_for(database, mailing), transport, clock)
        states = Counter(who.state.name for who in undelivered(database, mailing.id))
    assert len(sink.accepted) == 3
    assert states == {"PENDING": READERS - 3}
    assert sink.connections == 1


def test_a_server_that_goes_away_for_good_leaves_the_rest_pending_and_resume_sends_exactly_these() -> None:
    def dying(verb: str, _argument: str) -> str | None:
        return "DROP" if verb in ("CONNECT", "MAIL") and len(sink.accepted) >= 10 else None

    with new_store() as database:
        fill_list(database, READERS)
        mailing = plan(database)
        with Sink(dying) as sink:
            transport = SmtpTransport(Server("127.0.0.1", sink.port), 3, reconnect_after=(0.0, 0.01))
            with pytest.raises(TransportError):
                send(database, mailing, post_for(database, mailing), transport, clock)
            first = list(sink.accepted)
        states = Counter(who.state.name for who in undelivered(database, mailing.id))
        assert set(states) <= {"PENDING"}
        with Sink() as sink:
            counts = send(
                database, mailing, post_for(database, mailing), SmtpTransport(Server("127.0.0.1", sink.port)), clock
            )
    assert counts.accepted == READERS
    assert Counter(first + sink.accepted) == Counter(f"reader{n}@example.org" for n in range(READERS))


def test_a_server_that_does_not_speak_smtp_is_named_as_such() -> None:
    with (
        Sink(reply_to("CONNECT", "HTTP/1.1 400 Bad Request")) as sink,
        pytest.raises(TransportError, match="does not speak SMTP"),
    ):
        mail(sink)


def test_a_recipient_outside_ascii_is_rejected_with_a_clear_word_if_the_server_lacks_smtputf8() -> None:
    with Sink() as sink, new_store() as database:
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO subscribers (email, canonical) VALUES ('zoé@example.org', 'zoé@example.org')"
            )
        mailing = plan(database)
        counts = send(
            database, mailing, post_for(database, mailing), SmtpTransport(Server("127.0.0.1", sink.port)), clock
        )
        (who,) = undelivered(database, mailing.id)
    assert counts.rejected == 1
    assert (who.enhanced, who.reply) == ("5.6.7", "the next hop does not take addresses outside ASCII (no SMTPUTF8)")
    assert sink.accepted == []


def test_a_recipient_outside_ascii_gets_the_mail_if_the_server_has_smtputf8() -> None:
    with Sink(extensions=("SMTPUTF8", "8BITMIME")) as sink, new_store() as database:
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO subscribers (email, canonical) VALUES ('zoé@example.org', 'zoé@example.org')"
            )
        mailing = plan(database)
        send(database, mailing, post_for(database, mailing), SmtpTransport(Server("127.0.0.1", sink.port)), clock)
    assert sink.accepted == ["zoé@example.org"]


def test_a_sender_outside_ascii_ends_it_and_leaves_everybody_pending_if_the_server_lacks_smtputf8() -> None:
    with Sink() as sink:
        told: list[tuple[Message, Outcome | None]] = []
        foreign = (letter(number, sender="rené@example.com") for number in range(READERS))
        rounds = SmtpTransport(Server("127.0.0.1", sink.port)).deliver(foreign, no_offer)
        with pytest.raises(TransportError, match="does not take a sender outside ASCII, such as rené@example"):
            told.extend(each for results in rounds for each in results)
    assert {outcome for _, outcome in told} <= {None}
    assert not sink.accepted


def test_what_the_server_cannot_take_is_told_bit_by_bit_so_that_it_may_be_stopped() -> None:
    with Sink(extensions=("SIZE 100",)) as sink:
        rounds = SmtpTransport(Server("127.0.0.1", sink.port)).deliver(iter(letters(250)), no_offer)
        numbers = [len(results) for results in rounds]
    assert sum(numbers) == 250
    assert max(numbers) <= 100


def test_a_message_over_the_servers_limit_is_rejected_without_being_sent() -> None:
    with Sink(extensions=("SIZE 1000",)) as sink:
        counts, rest = mail(sink, readers=5)  # of 20 in a row, the mailing would be stopped
    assert counts.rejected == 5
    assert set(rest.values()) == {"rejected 552 5.3.4"}
    assert sink.accepted == []


def test_who_waits_for_their_turn_after_a_broken_connection_is_not_held_in_doubt_when_the_list_is_lost() -> None:
    asked = 0

    def pays_again(_: str) -> bool:
        nonlocal asked
        asked += 1
        return False

    def messages() -> Iterator[Message | None]:
        yield letter(0)
        while asked < 3:
            yield None
        raise StoreError(Problem("the list is gone"))

    told: Results = []
    with Sink(reply_to("RCPT", "DROP")) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 1, (0.0,), pause=0.0)
        with pytest.raises(StoreError, match="the list is gone"):
            list(map(told.extend, transport.deliver(Paced(messages(), pays_again), no_offer)))
    assert told == [(letter(0), None)]


def test_while_one_waits_for_their_turn_after_a_broken_connection_the_others_go_on() -> None:
    with Sink(reply_to("RCPT", "DROP", times=1, only=recipient(0))) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 1, (0.0,), pause=0.0)
        source = Paced(iter(letters(5)), lambda address: address != recipient(0) or len(sink.accepted) == 4)
        became = outcomes(transport.deliver(source, no_offer))
    assert sink.accepted == [recipient(number) for number in (1, 2, 3, 4, 0)]
    assert {type(outcome) for outcome in became.values()} == {Accepted}
