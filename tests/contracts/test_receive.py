"""What follows from what is heard: who is suppressed, who never is, and which doubts are settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.receive import DAY, Consequence, Effect, receive, receive_refusals
from newsletter.actions.send import send
from newsletter.bounce import BounceClass, classify
from newsletter.delivery import State
from newsletter.event import Event, EventKind
from newsletter.links import Signer
from newsletter.outcome import Reply
from newsletter.reports import events_in
from newsletter.store.events import came_back
from newsletter.store.mailings import undelivered
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status
from newsletter.suppression import Reason
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.sending import NOW, clock, fill_list, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database

START = int(NOW.timestamp())
READER = "reader0@example.org"

GONE = Reply(550, "5.1.1", "no such user")
FULL = Reply(552, "5.2.2", "over quota")
DISABLED = Reply(550, "5.2.1", "disabled")
BLOCKED = Reply(550, "5.7.26", "unauthenticated")
TOO_LARGE = Reply(552, "5.3.4", "too large")
BAD_SENDER = Reply(553, "5.1.8", "who?")


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        fill_list(database, 3)
        yield database


def mail(database: Database, issue: int = 1, *, state: State = State.ACCEPTED) -> int:
    """Send issue number so-and-so, a day after the one before; all of it ends in the state."""
    mailing = plan(database, issue=f"issue-{issue}")
    with database.transaction() as connection:
        at = START + (issue - 1) * DAY
        connection.execute("UPDATE mailings SET planned_at = ? WHERE id = ?", (at, mailing.id))
        connection.execute(
            "UPDATE deliveries SET state = ?, updated_at = ? WHERE mailing_id = ?", (state.value, at, mailing.id)
        )
    return mailing.id


def subscriber(database: Database, email: str = READER) -> int:
    known = Subscribers(database).get(email)
    assert known is not None
    return known.id


def heard(database: Database, mailing: int, reply: Reply, *, day: int = 0, email: str = READER) -> Event:
    """A bounce of a mailing, heard so many days after the first one."""
    return Event(
        kind=EventKind.BOUNCED,
        id=f"dsn:{mailing} {email} {day}",
        source="dsn",
        bounce=classify(reply),
        mailing=mailing,
        subscriber=subscriber(database, email),
        address=email,
        at=datetime.fromtimestamp(START + day * DAY, UTC),
        reply=reply,
    )


def take(database: Database, *events: Event, day: int = 0) -> list[Consequence]:
    return receive(database, events, START + day * DAY)


def effects(consequences: list[Consequence]) -> list[str]:
    return [each.effect.value for each in consequences]


def suppressed(database: Database, email: str = READER) -> str | None:
    found = Subscribers(database).suppression(email)
    return found.reason.value if found else None


def states(database: Database, mailing: int) -> dict[str, str]:
    return {who.email: f"{who.state.name} {who.code}" for who in undelivered(database, mailing)}


# ── hostile ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "utf-7", "utf-8"])
@pytest.mark.parametrize("strange", [b"\\ud800", b"+2AA-", b"\0", b"\\0"])
def test_whatever_a_mail_names_the_list_can_be_asked_for_it(database: Database, charset: str, strange: bytes) -> None:
    head = f"From: MAILER-DAEMON\nSubject: failure notice\nContent-Type: text/plain; charset={charset}\n\n".encode()
    mail(database)
    for tail in (b"", b" \xff"):
        body = strange + b"bob@example.org: 550 5.1.1 no such user " + strange + tail
        in_a_field = b"X-Failed-Recipients: " + strange + b"bob@example.org\n"
        for raw in (head + body, in_a_field + head + body):
            events = events_in(raw, Signer({1: b"key" * 11}))
            assert effects(take(database, *events)) == ["nobody"]


# ── hard ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_that_does_not_exist_is_suppressed_at_once(database: Database) -> None:
    (told,) = take(database, heard(database, mail(database), GONE))
    assert (told.effect, told.email, told.why) == (Effect.SUPPRESSED, READER, "550 5.1.1 no such user")
    found = Subscribers(database).suppression(READER)
    assert found is not None
    assert (found.reason, found.source) == (Reason.BOUNCED, "dsn: 550 5.1.1 no such user")
    person = Subscribers(database).get(READER)
    assert person is not None
    assert person.status is Status.ACTIVE, "a bounce may be mended; the person has not left"


def test_a_report_that_is_heard_again_changes_nothing(database: Database) -> None:
    event = heard(database, mail(database), GONE)
    assert effects(take(database, event, event)) == ["suppressed", "repeated"]
    assert effects(take(database, event)) == ["repeated"]
    assert came_back(database, event.mailing) == {BounceClass.HARD: 1}


def test_where_a_message_was_forwarded_to_a_dead_address_the_one_that_forwards_is_not_dead(database: Database) -> None:
    event = replace(heard(database, mail(database), GONE), address="other@elsewhere.example.net")
    (told,) = take(database, event)
    assert (told.effect, told.bounce) == (Effect.COUNTED, BounceClass.SOFT)
    assert suppressed(database) is None


def test_a_server_that_writes_the_address_its_own_way_speaks_of_the_same_one(database: Database) -> None:
    event = replace(heard(database, mail(database), GONE), address="r.zero@EXAMPLE.org")
    assert effects(take(database, event)) == ["suppressed"]


def test_a_person_who_is_gone_is_nobody(database: Database) -> None:
    event = heard(database, mail(database), GONE)
    with database.transaction() as connection:
        connection.execute("DELETE FROM subscribers WHERE canonical = ?", (READER,))
    assert effects(take(database, event)) == ["nobody"]


# ── soft ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_five_issues_over_three_weeks_are_enough(database: Database) -> None:
    told = [
        effects(take(database, heard(database, mail(database, day + 1), FULL, day=day), day=day))[0]
        for day in (0, 5, 10, 15, 21)
    ]
    assert told == ["counted"] * 4 + ["suppressed"]
    assert suppressed(database) == "bounced"
    assert suppressed(database, "reader1@example.org") is None


@pytest.mark.parametrize("days", [(0, 5, 10, 15, 20), (0, 7, 14, 21), (0, 0, 0, 0, 0, 0, 0)])
def test_fewer_issues_or_fewer_days_are_not(database: Database, days: tuple[int, ...]) -> None:
    for number, day in enumerate(days):
        take(database, heard(database, mail(database, number + 1), FULL, day=day), day=day)
    assert suppressed(database) is None


def test_five_reports_of_one_issue_are_one(database: Database) -> None:
    mailing = mail(database)
    for day in (0, 6, 12, 18, 24):
        take(database, heard(database, mailing, FULL, day=day), day=day)
    assert suppressed(database) is None


def test_an_issue_that_arrived_in_between_begins_the_count_anew(database: Database) -> None:
    for number, day in enumerate((0, 6, 12, 18, 24, 30)):
        mailing = mail(database, number + 1)
        if day != 18:
            take(database, heard(database, mailing, FULL, day=day), day=day)
    assert suppressed(database) is None


def test_an_issue_that_a_provider_saw_delivered_after_all_begins_the_count_anew(database: Database) -> None:
    for number, day in enumerate((0, 6, 12, 18, 24)):
        event = heard(database, mail(database, number + 1), FULL, day=day)
        take(database, event, day=day)
        if day == 12:
            take(database, replace(event, kind=EventKind.DELIVERED, bounce=None, id="later"), day=day)
    assert suppressed(database) is None


@pytest.mark.parametrize("state", [State.SKIPPED, State.UNCERTAIN, State.DEFERRED, State.PENDING])
def test_an_issue_of_which_nothing_is_known_neither_counts_nor_begins_anew(database: Database, state: State) -> None:
    for number, day in enumerate((0, 6, 12, 18, 24, 30)):
        is_silent = day == 18
        mailing = mail(database, number + 1, state=state if is_silent else State.ACCEPTED)
        if not is_silent:
            take(database, heard(database, mailing, FULL, day=day), day=day)
    assert suppressed(database) == "bounced"


def test_a_block_in_between_neither_counts_nor_begins_anew(database: Database) -> None:
    for number, day in enumerate((0, 6, 12, 18, 24, 30)):
        reply = BLOCKED if day in (12, 18) else FULL
        take(database, heard(database, mail(database, number + 1), reply, day=day), day=day)
    assert suppressed(database) is None
    take(database, heard(database, mail(database, 7), FULL, day=36), day=36)
    assert suppressed(database) == "bounced"


def test_a_late_report_counts_for_its_issue_although_newer_ones_are_out(database: Database) -> None:
    mailings = [mail(database, number + 1) for number in range(8)]
    for number, day in enumerate((5, 10, 15, 20, 26)):
        take(database, heard(database, mailings[number], FULL, day=day), day=day)
    assert suppressed(database) == "bounced"


def test_a_disabled_mailbox_is_believed_the_second_time_a_week_later(database: Database) -> None:
    take(database, heard(database, mail(database, 1), DISABLED))
    take(database, heard(database, mail(database, 2), DISABLED, day=6), day=6)
    assert suppressed(database) is None
    take(database, heard(database, mail(database, 3), DISABLED, day=7), day=7)
    assert suppressed(database) == "bounced"


# ── our own fault ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reply", [BLOCKED, TOO_LARGE, BAD_SENDER])
def test_a_refusal_of_us_suppresses_nobody_however_often_it_comes(database: Database, reply: Reply) -> None:
    mailings = [mail(database, number + 1) for number in range(30)]
    for day, mailing in enumerate(mailings):
        assert effects(take(database, heard(database, mailing, reply, day=day), day=day)) == ["counted"]
    assert suppressed(database) is None
    assert came_back(database, mailings[0]) == {classify(reply): 1}


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_complaint_ends_the_subscription_for_ever(database: Database) -> None:
    bounce = heard(database, mail(database), GONE)
    take(database, bounce)
    complaint = replace(bounce, kind=EventKind.COMPLAINED, bounce=None, id="arf:1", reply=Reply(0))
    assert effects(take(database, complaint)) == ["unsubscribed"]
    person = Subscribers(database).get(READER)
    assert person is not None
    assert person.status is Status.UNSUBSCRIBED
    assert suppressed(database) == "complained", "a complaint weighs more than a bounce"
    assert effects(take(database, replace(bounce, id="another"))) == ["counted"]
    assert suppressed(database) == "complained"
    assert came_back(database, bounce.mailing) == {BounceClass.HARD: 1, BounceClass.COMPLAINT: 1}


def test_a_wish_to_leave_is_granted(database: Database) -> None:
    event = replace(heard(database, mail(database), GONE), kind=EventKind.UNSUBSCRIBED, bounce=None)
    assert effects(take(database, event)) == ["unsubscribed"]
    assert suppressed(database) == "unsubscribed"


def test_a_holiday_is_no_bounce(database: Database) -> None:
    event = replace(heard(database, mail(database), Reply(0)), bounce=BounceClass.AUTO)
    assert effects(take(database, event, event)) == ["ignored", "ignored"]
    assert came_back(database, event.mailing) == {}


# ── who is believed ──────────────────────────────────────────────────────────────────────────────────────────────────


def without_proof(event: Event) -> Event:
    return replace(event, mailing=0, subscriber=0)


def test_an_address_alone_is_believed_when_something_went_there_shortly_before(database: Database) -> None:
    mailing = mail(database)
    event = without_proof(heard(database, mailing, GONE))
    assert effects(take(database, event, day=9)) == ["suppressed"]
    assert came_back(database, mailing) == {BounceClass.HARD: 1}, "it counts for the last mailing"


def test_an_address_alone_is_not_believed_later(database: Database) -> None:
    event = without_proof(heard(database, mail(database), GONE))
    assert effects(take(database, event, day=11)) == ["nobody"]
    complaint = replace(event, kind=EventKind.COMPLAINED, bounce=None)
    assert effects(take(database, complaint, day=31)) == ["nobody"]
    assert effects(take(database, complaint, day=29)) == ["unsubscribed"]


@pytest.mark.parametrize("state", [State.PENDING, State.REJECTED, State.SKIPPED])
def test_an_address_to_which_nothing_went_is_not_believed(database: Database, state: State) -> None:
    event = without_proof(heard(database, mail(database, state=state), GONE))
    assert effects(take(database, event)) == ["nobody"]


def test_an_address_alone_is_never_believed_where_every_message_carries_its_return_path(database: Database) -> None:
    event = without_proof(heard(database, mail(database), GONE))
    assert effects(receive(database, [event], START, only_proved=True)) == ["nobody"]
    assert suppressed(database) is None


def test_a_stranger_is_nobody(database: Database) -> None:
    mail(database)
    event = Event(EventKind.BOUNCED, "1", "dsn", BounceClass.HARD, address="stranger@example.com")
    assert effects(take(database, event)) == ["nobody"]
    assert suppressed(database, "stranger@example.com") is None


def test_a_witness_with_a_wrong_clock_is_set_right(database: Database) -> None:
    mailing = mail(database)
    for number, year in enumerate((1970, 2999)):
        event = replace(heard(database, mailing, FULL), id=str(number), at=datetime(year, 1, 1, tzinfo=UTC))
        take(database, event, day=3)
    with database.reading() as connection:
        times = [at for (at,) in connection.execute("SELECT at FROM events ORDER BY id")]
    assert times == [START, START + 3 * DAY]


# ── doubts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bounce_says_of_an_uncertain_delivery_that_it_failed(database: Database) -> None:
    mailing = mail(database, state=State.UNCERTAIN)
    (told,) = take(database, heard(database, mailing, FULL))
    assert told.settled is State.REJECTED
    assert states(database, mailing)[READER] == "REJECTED 552"
    assert states(database, mailing)["reader1@example.org"] == "UNCERTAIN 0"


@pytest.mark.parametrize(
    ("kind", "bounce"),
    [
        (EventKind.DELIVERED, None),
        (EventKind.DEFERRED, None),
        (EventKind.COMPLAINED, None),
        (EventKind.UNSUBSCRIBED, None),
        (EventKind.BOUNCED, BounceClass.AUTO),
    ],
)
def test_anything_else_says_that_the_message_was_taken(
    database: Database, kind: EventKind, bounce: BounceClass | None
) -> None:
    mailing = mail(database, state=State.UNCERTAIN)
    (told,) = take(database, replace(heard(database, mailing, Reply(0)), kind=kind, bounce=bounce))
    assert told.settled is State.ACCEPTED
    assert READER not in states(database, mailing)


def test_a_delivery_that_was_accepted_stays_so_when_it_comes_back(database: Database) -> None:
    mailing = mail(database)
    (told,) = take(database, heard(database, mailing, GONE))
    assert told.settled is None
    assert states(database, mailing) == {}


def test_a_dry_run_tells_the_same_and_changes_nothing(database: Database) -> None:
    event = heard(database, mail(database, state=State.UNCERTAIN), GONE)
    dry = receive(database, [event, event], START, dry_run=True)
    assert suppressed(database) is None
    assert states(database, event.mailing)[READER] == "UNCERTAIN 0"
    assert receive(database, [event, event], START) == dry


# ── refusals while sending ───────────────────────────────────────────────────────────────────────────────────────────


def refusing(verb: str, argument: str) -> str | None:
    answers = {"reader1@": "550 5.1.1 no such user", "reader2@": "550 5.7.26 not you", "reader3@": "552 5.2.2 full"}
    return next((answers[who] for who in answers if verb == "RCPT" and who in argument), None)


def test_what_a_server_refuses_while_we_send_follows_the_same_rules() -> None:
    with new_store() as database, Sink(refusing) as sink:
        fill_list(database, 6)
        mailing = plan(database)
        counts = send(
            database, mailing, post_for(database, mailing), SmtpTransport(Server("127.0.0.1", sink.port)), clock
        )
        assert (counts.accepted, counts.rejected) == (3, 3)
        assert [suppressed(database, f"reader{n}@example.org") for n in range(6)] == [None, "bounced", *[None] * 4]
        assert came_back(database, mailing.id) == {BounceClass.HARD: 1, BounceClass.BLOCK: 1, BounceClass.SOFT: 1}
        assert receive_refusals(database, mailing.id, START + 1) == []
        assert came_back(database, mailing.id) == {BounceClass.HARD: 1, BounceClass.BLOCK: 1, BounceClass.SOFT: 1}


def test_a_mailbox_that_is_full_at_each_of_five_issues_is_suppressed_by_the_last_send() -> None:
    with new_store() as database, Sink(refusing) as sink:
        fill_list(database, 4)
        for number in range(5):
            mailing = plan(database, issue=f"issue-{number}")
            assert suppressed(database, "reader3@example.org") is None
            transport = SmtpTransport(Server("127.0.0.1", sink.port))
            then = partial(datetime.fromtimestamp, START + 6 * number * DAY, UTC)
            send(database, mailing, post_for(database, mailing), transport, then)
        assert suppressed(database, "reader3@example.org") == "bounced"
        assert suppressed(database, "reader2@example.org") is None


def test_more_refusals_than_fit_into_one_batch_are_all_taken_in(database: Database) -> None:
    fill = 2_300
    with database.transaction() as connection:
        connection.execute("DELETE FROM subscribers")
    fill_list(database, fill)
    mailing = mail(database, state=State.REJECTED)
    with database.transaction() as connection:
        connection.execute("UPDATE deliveries SET code = 550, enhanced = '5.1.1', reply = 'gone'")
    assert len(receive_refusals(database, mailing, START)) == fill
    assert receive_refusals(database, mailing, START) == []


def test_a_refusal_after_a_retry_is_another_one(database: Database) -> None:
    mailing = mail(database, state=State.REJECTED)
    for day in (0, 1):
        with database.transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET code = 550, enhanced = '5.7.1', updated_at = ?", (START + day * DAY,)
            )
        receive_refusals(database, mailing, START + day * DAY)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (6,)


def test_each_message_leaves_under_a_return_path_of_its_own() -> None:
    said: list[str] = []

    def listening(verb: str, argument: str) -> None:
        if verb == "MAIL":
            said.append(argument.partition("<")[2].partition(">")[0])

    with new_store() as database, Sink(listening) as sink:
        fill_list(database, 3)
        mailing = plan(database)
        post = replace(post_for(database, mailing), bounces="bounces@example.org")
        send(database, mailing, post, SmtpTransport(Server("127.0.0.1", sink.port)), clock)
        numbers = [subscriber(database, f"reader{n}@example.org") for n in range(3)]
        assert sorted(map(str, map(post.signer.read_return_path, said))) == [str((mailing.id, n)) for n in numbers]


@pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.CLICKED])
def test_who_opened_and_clicked_is_kept_only_where_readers_agreed_to_it(database: Database, kind: EventKind) -> None:
    mailing = mail(database)
    event = replace(heard(database, mailing, GONE), kind=kind, bounce=None, id=f"postmark:{kind.value}")
    (ignored,) = receive(database, [event], START)
    assert ignored.effect is Effect.IGNORED
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
    (kept,) = receive(database, [event], START, tracking=True)
    assert kept.effect is Effect.COUNTED


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"kind": EventKind.DELIVERED, "bounce": None, "reply": Reply(0)}, []),
        ({"kind": EventKind.DEFERRED, "bounce": None}, []),
        ({"reply": GONE}, ["REJECTED 550"]),
        ({"reply": GONE, "source": "smtp"}, ["UNCERTAIN 0"]),
    ],
    ids=["delivered", "deferred", "bounced", "refused at the door, by an earlier attempt"],
)
def test_what_was_heard_before_a_delivery_came_into_doubt_settles_it_as_well(
    database: Database, event: dict[str, Any], state: list[str]
) -> None:
    mailing = mail(database)
    take(database, replace(heard(database, mailing, FULL), **{"source": "postmark", **event}))
    with database.transaction() as connection:  # the sender was killed before the answer was on record
        connection.execute("UPDATE deliveries SET state = ?", (State.UNCERTAIN.value,))
    receive_refusals(database, mailing, START + 60)
    assert [told for email, told in states(database, mailing).items() if email == READER] == state
    assert len(states(database, mailing)) == 2 + len(state)
