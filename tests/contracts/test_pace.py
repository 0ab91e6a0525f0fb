"""Sending under limits: how fast, to whom first, who waits, and what is said when it is enough for today."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions import pace
from newsletter.actions.send import send
from newsletter.delivery import State
from newsletter.errors import Paused
from newsletter.limits import ALL, Limit, Limits, Rate
from newsletter.mailing import MailingState
from newsletter.outcome import Accepted, Deferred, Outcome, Reply
from newsletter.store.changes import confirm
from newsletter.store.leases import LEASE_SECONDS, Worker, holder, join
from newsletter.store.mailings import mailings_of, tally_of, undelivered
from newsletter.store.tokens import HOLD_SECONDS, Grant, hold, spend, used_today
from newsletter.transports.memory import MemoryTransport
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_dialogue import PATIENCE, Step
from newsletter.transports.smtp_session import Server
from tests.support.clocks import Clock, most_in_any
from tests.support.pacing import Round, people, put
from tests.support.sending import NOW, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from newsletter.store.database import Database


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


# ── rates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rate", [Rate(50, 1), Rate(7, 1), Rate(600, 60), Rate(400, 1)], ids=str)
def test_a_rate_is_kept_in_every_second_and_used_to_the_full(database: Database, rate: Rate) -> None:
    number = 4 * rate.messages // rate.seconds
    put(database, *people(number))
    post = Round(database)
    assert post.send(plan(database), Limits(rates={ALL: rate})).accepted == number
    moments = post.moments()
    a_second = rate.messages / rate.seconds
    assert most_in_any(1.0, moments) <= a_second + 2 * rate.burst
    assert 4.0 - 3 * rate.burst / a_second <= moments[-1] - moments[0] <= 4.4


def test_of_a_quick_rate_the_database_is_asked_about_twenty_times_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Grant] = []

    def counted(*words: Any) -> Grant:
        asked.append(spend(*words))
        return asked[-1]

    monkeypatch.setattr(pace, "spend", counted)
    put(database, *people(2000))
    post = Round(database)
    assert post.send(plan(database), Limits(rates={ALL: Rate(500, 1)})).accepted == 2000
    assert len(asked) <= 30 * 4
    assert sum(grant.number for grant in asked) == 2000


def test_who_cannot_send_all_that_it_was_let_takes_no_more_than_it_can_and_leaves_the_rest_to_others(
    database: Database,
) -> None:
    rates = {ALL: Rate(1000, 1)}
    put(database, *people(300))
    mailing, clock, others = plan(database), Clock(), 0
    lease = join(database, mailing.id, Worker("here", "", 1), int(NOW.timestamp()), lambda _: True)
    slow = pace.Pacer(database, lease, Limits(rates=rates), clock)
    mine = slow.recipients(lambda: False)
    began, sent = clock.seconds, 0
    while clock.seconds < began + 4:
        for _ in range(4):
            sent += next(mine) is not None
            clock.wait(0.02)
        others += spend(database, 1000, rates, {}, 1, int(clock.seconds * 1000)).number
    slow.close()
    assert sent >= 150
    assert 0.97 * 4000 <= sent + others <= 4000 + 101


def test_a_slow_rate_over_hours_does_not_lose_a_minute(database: Database) -> None:
    put(database, *people(30))
    post = Round(database)
    post.clock = Clock(step=0.5)
    post.send(plan(database), Limits(rates={ALL: Rate(10, 3600)}))
    moments = post.moments()
    assert moments[-1] - moments[0] == pytest.approx(29 * 360, abs=15)


def test_a_group_that_may_take_no_more_waits_while_the_others_go_on(database: Database) -> None:
    everybody = [*people(20, "orange.fr"), *people(400), *people(20, "gmail.com"), *people(5, "wanadoo.fr")]
    put(database, *everybody)
    limits = Limits(groups={"orange": Limit(rate=Rate(2, 1)), "google": Limit(rate=Rate(5, 1))})
    post = Round(database)
    assert post.send(plan(database), limits).accepted == len(everybody)
    assert Counter(post.sent) == Counter(everybody)
    start = post.let_go[0][0]
    assert post.moments("@example.org")[-1] - start < 2.0
    assert 19 / 5 - 0.5 <= post.moments("@gmail.com")[-1] - start <= 4.5
    orange = sorted([*post.moments("@orange.fr"), *post.moments("@wanadoo.fr")])
    assert most_in_any(1.0, orange) <= 3
    assert 24 / 2 - 1.0 <= orange[-1] - start <= 13.0


def test_rates_of_all_of_a_transport_and_of_a_group_hold_together(database: Database) -> None:
    put(database, *people(100), *people(10, "orange.fr"))
    limits = Limits(
        rates={ALL: Rate(50, 1), "transport relay": Rate(1200, 60)}, groups={"orange": Limit(rate=Rate(1, 1))}
    )
    post = Round(database)
    post.send(plan(database), limits)
    assert most_in_any(1.0, post.moments()) <= 20 + 2 * 3
    assert most_in_any(1.0, post.moments("@orange.fr")) <= 2
    assert 110 / 20 - 1 <= post.let_go[-1][0] - post.let_go[0][0] <= 10


def test_a_long_list_with_one_slow_group_at_its_head_is_not_read_from_the_start_each_time(database: Database) -> None:
    put(database, *people(3000, "orange.fr"), *people(3000))
    post = Round(database)
    stop_after = 3100
    limits = Limits(groups={"orange": Limit(rate=Rate(1, 1))})
    post.send(plan(database), limits, stop=lambda: len(post.sent) > stop_after or len(post.moments("@orange.fr")) > 60)
    assert len(post.moments("@example.org")) == 3000


def breaking(times: int) -> Sink:
    """A server that breaks the connection so often over each recipient, before it hears anything of the message."""
    heard = Counter[str]()

    def fault(verb: str, argument: str) -> str | None:
        heard[argument] += 1
        return "DROP" if verb == "RCPT" and heard[argument] <= times else None

    return Sink(fault, keep_commands=True)


def begun(sink: Sink) -> int:
    return sum(command.startswith("MAIL") for command in sink.commands)


def test_who_is_written_to_again_because_a_connection_broke_takes_a_token_again(database: Database) -> None:
    put(database, *people(3))
    mailing, rates, clock = plan(database), {ALL: Rate(100, 1)}, Clock(step=0)  # a burst of 11
    with breaking(1) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 1, (0.0,) * 9, pause=0.0)
        counts = send(database, mailing, post_for(database, mailing), transport, clock, limits=Limits(rates=rates))
    assert (counts.accepted, begun(sink)) == (3, 6)
    assert spend(database, 100, rates, {}, 1, int(clock.seconds * 1000)) == Grant(11 - 6)


@pytest.mark.parametrize("groups", [{}, {"orange": Limit(rate=Rate(2, 1))}], ids=["everybody", "a group"])
def test_a_rate_is_kept_also_while_connections_break(database: Database, groups: dict[str, Limit]) -> None:
    put(database, *people(12, "orange.fr"))
    mailing, clock = plan(database), Clock()
    limits = Limits(rates={} if groups else {ALL: Rate(2, 1)}, groups=groups)
    with breaking(2) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 4, (0.0,) * 9, pause=0.0)
        counts = send(database, mailing, post_for(database, mailing), transport, clock, limits=limits)
    assert (counts.accepted, sink.duplicates) == (12, [])
    assert clock.seconds - NOW.timestamp() >= (begun(sink) - 1) / 2 - 0.1
    assert begun(sink) >= 36


def test_a_stop_does_not_wait_for_the_turn_of_those_whose_connections_broke(database: Database) -> None:
    put(database, *people(9))
    mailing, clock = plan(database), Clock(step=0)
    rates = {ALL: Rate(1, 3600)}
    with breaking(1) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 1, (0.0,) * 9, pause=0.0)
        counts = send(
            database, mailing, post_for(database, mailing), transport, clock, limits=Limits(rates=rates),
            stop=lambda: begun(sink) > 0,
        )  # fmt: skip
    assert (counts.accepted, counts.pending) == (1, 8)
    grant = spend(database, 1, rates, {}, 1, int(clock.seconds * 1000))
    assert (grant.ready_at or 0) > (clock.seconds + 2 * 3600 - 1) * 1000, "both tries are paid for"


# ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("places", [None, 1, 2])
def test_no_more_messages_are_under_way_to_a_group_than_there_are_places(
    database: Database, places: int | None
) -> None:
    put(database, *people(60, "orange.fr"), *people(60))
    lock, under_way, most = threading.Lock(), set[str](), 0

    def watch(verb: str, argument: str) -> None:
        nonlocal most
        with lock:
            who = argument.partition("<")[2].partition(">")[0] or argument
            if verb == "RCPT" and "@orange.fr" in who:
                under_way.add(who)
                most = max(most, len(under_way))
            elif verb == ".":
                under_way.discard(who)

    limits = Limits(groups={"orange": Limit(in_flight=places)})
    with Sink(watch) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), connections=8, pause=0.0)
        mailing = plan(database)
        counts = send(database, mailing, post_for(database, mailing), transport, Clock(), limits=limits)
    assert counts.accepted == 120
    assert sink.duplicates == []
    assert most <= places if places else most > 2


def test_a_message_that_cannot_be_composed_gives_its_place_back(database: Database) -> None:
    put(database, "a\r\nb@orange.fr", *people(5, "orange.fr"))
    counts = Round(database).send(plan(database), Limits(groups={"orange": Limit(in_flight=1)}))
    assert (counts.accepted, counts.rejected) == (5, 1)


@pytest.mark.parametrize("limits", [None, Limits(daily=100)])
def test_a_message_that_cannot_be_composed_counts_in_the_progress(database: Database, limits: Limits | None) -> None:
    put(database, "a\r\nb@orange.fr", *people(5))
    mailing, told = plan(database), list[Outcome]()
    transport = MemoryTransport(keep=0)
    send(database, mailing, post_for(database, mailing), transport, Clock(), progress=told.extend, limits=limits)
    assert Counter(type(each).__name__ for each in told) == {"Accepted": 5, "Rejected": 1}


def test_places_of_a_sender_who_died_are_free_for_the_one_who_goes_on(database: Database) -> None:
    put(database, *people(5, "orange.fr"))
    mailing = plan(database)
    post = Round(database)
    now = int(NOW.timestamp())
    gone = join(database, mailing.id, Worker("elsewhere", "boot", 1), now - LEASE_SECONDS, lambda _: True)
    hold(database, "orange", holder(gone), 2, 0, 2, now)
    post.send(mailing, Limits(groups={"orange": Limit(in_flight=2)}))
    assert post.clock.moment - NOW < timedelta(seconds=5)


def test_places_of_another_mailing_are_waited_for(database: Database) -> None:
    put(database, *people(5, "orange.fr"), *people(5))
    post = Round(database)
    post.clock = Clock(step=0.2)
    hold(database, "orange", "77/1", 2, 0, 2, int(NOW.timestamp()))
    post.send(plan(database), Limits(groups={"orange": Limit(in_flight=2)}))
    assert post.sent[:5] == people(5)
    assert post.moments("@orange.fr")[0] - NOW.timestamp() == pytest.approx(HOLD_SECONDS, abs=3)


def test_at_the_end_all_places_are_free(database: Database) -> None:
    put(database, *people(5, "orange.fr"))
    Round(database).send(plan(database), Limits(groups={"orange": Limit(in_flight=2)}))
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM places").fetchone() == (0,)


def test_a_place_is_kept_as_long_as_its_message_is_under_way_also_when_nobody_else_waits_for_one(
    database: Database,
) -> None:
    put(database, *people(1, "orange.fr"), *people(3, "gmail.com"))
    limits = Limits(groups={"orange": Limit(in_flight=1), "google": Limit(rate=Rate(1, 3600))})
    clock = Clock(step=0)
    lease = join(database, plan(database).id, Worker("here", "", 1), int(NOW.timestamp()), lambda _: True)
    pacer = pace.Pacer(database, lease, limits, clock)
    recipients = pacer.recipients(lambda: False)
    (key,) = [each.id for each in (next(recipients), next(recipients)) if each and each.email.endswith("@orange.fr")]
    while clock.seconds < NOW.timestamp() + 2 * HOLD_SECONDS:
        clock.wait(60)
        next(recipients)
    assert hold(database, "orange", "77/1", 1, 0, 1, int(clock.seconds)) == 0
    pacer.answered([key])
    clock.wait(HOLD_SECONDS)
    next(recipients)
    assert hold(database, "orange", "77/1", 1, 0, 1, int(clock.seconds)) == 1


@pytest.mark.parametrize("waits", [PATIENCE.values(), 4 * [PATIENCE[Step.DOT]]], ids=["DATA", "CHUNKING"])
def test_a_place_is_held_for_longer_than_a_server_may_take_for_one_message(waits: Iterable[int]) -> None:
    assert sum(waits) < HOLD_SECONDS


# ── days ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_daily_limit_pauses_the_mailing_says_until_when_and_goes_on_the_next_day(database: Database) -> None:
    put(database, *people(25))
    mailing = plan(database)
    post = Round(database)
    limits = Limits(daily=10)
    for day, accepted in enumerate((10, 20)):
        with pytest.raises(Paused, match="the limit of 10 messages a day is reached") as pause:
            post.send(mailing, limits)
        counts = tally_of(database, mailing.id)
        assert (counts.accepted, counts.pending, counts.deferred) == (accepted, 25 - accepted, 0)
        assert mailings_of(database)[-1].state is MailingState.SENDING
        tomorrow = (NOW.astimezone() + timedelta(days=day + 1)).date()
        assert pause.value.until == datetime(tomorrow.year, tomorrow.month, tomorrow.day).astimezone()
        assert f"from {tomorrow} 00:00: newsletter resume 2026-11-hello" in (pause.value.problems[0].fix or "")
        with pytest.raises(Paused):
            post.send(mailing, limits)
        assert len(post.sent) == accepted
        post.clock.moment = pause.value.until
    assert post.send(mailing, limits).accepted == 25
    assert Counter(post.sent) == Counter(people(25))
    assert mailings_of(database)[-1].state is MailingState.FINISHED


def a_moment_before_midnight() -> Clock:
    midnight = datetime.combine(NOW.astimezone().date() + timedelta(days=1), time()).astimezone()
    return Clock(midnight - timedelta(milliseconds=200), step=0)


def pacer_for(database: Database, number: int, limits: Limits, clock: Clock) -> pace.Pacer:
    """What a worker of a mailing to so many people is paced by."""
    put(database, *people(number))
    lease = join(database, plan(database).id, Worker("here", "", 1), int(NOW.timestamp()), lambda _: True)
    return pace.Pacer(database, lease, limits, clock)


def past_midnight(database: Database) -> tuple[pace.Pacer, Iterator[Any], Clock, int]:
    """Of a worker that may send 12 a day, and sent one before midnight: itself, who is next, the time, and that day."""
    clock = a_moment_before_midnight()
    pacer = pacer_for(database, 20, Limits(daily=12), clock)
    recipients = pacer.recipients(lambda: False)
    first_day = clock().date().toordinal()
    assert next(recipients)
    clock.wait(0.25)
    return pacer, recipients, clock, first_day


def test_who_may_go_before_midnight_and_does_not_is_paid_for_by_the_next_day(database: Database) -> None:
    pacer, recipients, _, first_day = past_midnight(database)
    assert next(recipients)
    pacer.close()
    assert used_today(database, ALL, first_day + 1) == 1


def test_what_one_worker_has_left_of_a_day_is_not_taken_off_what_others_sent_on_the_next(database: Database) -> None:
    pacer, recipients, clock, first_day = past_midnight(database)
    assert spend(database, 12, {}, {ALL: 12}, first_day + 1, int(clock.seconds * 1000)) == Grant(12), "another worker"
    clock.wait(1)
    assert next(recipients, None) is None
    pacer.close()
    assert used_today(database, ALL, first_day + 1) == 12


def test_a_list_that_fits_into_the_day_exactly_is_finished_without_a_pause(database: Database) -> None:
    put(database, *people(10))
    assert Round(database).send(plan(database), Limits(daily=10)).is_settled


def test_a_daily_limit_counts_all_mailings_together(database: Database) -> None:
    put(database, *people(6))
    post = Round(database)
    post.send(plan(database), Limits(daily=10))
    with pytest.raises(Paused):
        post.send(plan(database, issue="2026-11-again"), Limits(daily=10))
    assert len(post.sent) == 10


def test_what_was_cleared_and_did_not_go_is_not_counted(database: Database) -> None:
    put(database, *people(50))
    post = Round(database)
    post.send(plan(database), Limits(daily=1000, rates={ALL: Rate(40, 1)}), stop=lambda: len(post.sent) >= 3)
    today = post.clock.moment.astimezone().date().toordinal()
    assert used_today(database, ALL, today) == len(post.sent) < 50


def test_a_group_may_have_a_daily_limit_of_its_own_and_the_others_get_theirs(database: Database) -> None:
    put(database, *people(8, "laposte.net"), *people(30))
    mailing = plan(database)
    post = Round(database)
    with pytest.raises(Paused, match="5 messages a day to laposte"):
        post.send(mailing, Limits(groups={"laposte": Limit(daily=5)}))
    assert Counter(who.partition("@")[2] for who in post.sent) == {"laposte.net": 5, "example.org": 30}


def test_a_warm_up_grows_from_day_to_day_and_begins_with_those_who_joined_last(database: Database) -> None:
    put(database, *people(100), joined=1_700_000_000)
    mailing = plan(database)
    post = Round(database)
    limits = Limits(warmup=(5, 20, 40), warmup_from=NOW.astimezone().date())
    days = []
    for day in (1, 2, 3):
        before = len(post.sent)
        with pytest.raises(Paused, match=rf"day {day} of the warm-up"):
            post.send(mailing, limits)
        days.append(len(post.sent) - before)
        post.clock.wait(86_400)
    assert days == [5, 20, 40]
    assert post.sent == [f"reader{number}@example.org" for number in range(99, 34, -1)]
    assert post.send(mailing, limits).accepted == 100


def test_who_confirmed_lately_comes_before_who_joined_lately_and_was_not_heard_of_since(database: Database) -> None:
    put(database, *people(6), joined=1_700_000_000)
    with database.transaction() as connection:
        (someone,) = connection.execute("SELECT id FROM subscribers WHERE email = 'reader2@example.org'").fetchone()
        assert confirm(connection, someone, now=1_750_000_000, source="form")
        connection.execute("UPDATE subscribers SET joined = 0 WHERE email = 'reader5@example.org'")
    mailing = plan(database)
    post = Round(database)
    assert post.send(mailing, Limits(warmup=(50,), warmup_from=NOW.astimezone().date())).accepted == 6
    assert post.sent == [f"reader{number}@example.org" for number in (2, 4, 3, 1, 0, 5)]


# ── who leaves, who comes back, who stops ──────────────────────────────────────────────────────────────────────────


def test_who_leaves_while_waiting_gets_nothing_more(database: Database) -> None:
    put(database, *people(12, "orange.fr"))
    post = Round(database)

    def leaves(who: str) -> Outcome:
        if who == "reader0@orange.fr":
            with database.transaction() as connection:
                connection.execute("UPDATE subscribers SET status = 'unsubscribed' WHERE email = 'reader9@orange.fr'")
                connection.execute("INSERT INTO suppressions (address, reason) VALUES ('reader11@orange.fr', 'manual')")
        return Accepted()

    post = Round(database, leaves)
    mailing = plan(database)
    counts = post.send(mailing, Limits(groups={"orange": Limit(rate=Rate(1, 1))}))
    assert (counts.accepted, counts.skipped) == (10, 2)
    assert {"reader9@orange.fr", "reader11@orange.fr"}.isdisjoint(post.sent)
    assert {who.reply for who in undelivered(database, mailing.id)} == {"unsubscribed", "manual"}


def leaving_sink(database: Database, when: str, who: str, seconds: float) -> Sink:
    """A server that takes so long for each message; while it takes one person's, another one unsubscribes."""
    pause = threading.Event()

    def fault(verb: str, argument: str) -> str | None:
        if verb == "." and argument == when:
            with database.transaction() as connection:
                connection.execute("UPDATE subscribers SET status = 'unsubscribed' WHERE email = ?", (who,))
        if verb == ".":
            pause.wait(seconds)
        return None

    return Sink(fault)


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [(None, 0.08), (Limits(rates={ALL: Rate(15, 1)}), 0.0), (Limits(groups={"club": Limit(in_flight=1)}), 0.08)],
    ids=["a slow server", "a low rate", "another group's limit"],
)
def test_who_leaves_while_a_slow_claim_is_being_sent_gets_nothing_more(
    database: Database, limits: Limits | None, seconds: float
) -> None:
    put(database, *people(20))
    mailing = plan(database)
    with leaving_sink(database, "reader2@example.org", "reader18@example.org", seconds) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), connections=1)
        post = post_for(database, mailing)
        counts = send(database, mailing, post, transport, lambda: datetime.now(UTC), limits=limits)
    assert (counts.accepted, counts.skipped) == (19, 1)
    assert "reader18@example.org" not in sink.accepted
    assert [(who.email, who.reply) for who in undelivered(database, mailing.id)] == [
        ("reader18@example.org", "unsubscribed")
    ]


def test_who_was_deferred_and_is_due_while_others_wait_is_tried_again_in_the_same_send(database: Database) -> None:
    put(database, *people(500, "orange.fr"), *people(5))
    first = Counter[str]()

    def later(who: str) -> Outcome:
        first[who] += 1
        return (
            Deferred(Reply(451, "4.3.0", "later")) if who == "reader1@example.org" and first[who] == 1 else Accepted()
        )

    counts = Round(database, later).send(plan(database), Limits(groups={"orange": Limit(rate=Rate(1, 1))}))
    assert counts.accepted == 505
    assert first["reader1@example.org"] == 2


def test_a_stop_while_waiting_ends_at_once_and_leaves_the_others_pending(database: Database) -> None:
    put(database, *people(10, "orange.fr"))
    mailing = plan(database)
    post = Round(database)
    counts = post.send(mailing, Limits(rates={ALL: Rate(1, 3600)}), stop=lambda: len(post.sent) >= 1)
    assert (counts.accepted, counts.pending) == (1, 9)
    assert {who.state for who in undelivered(database, mailing.id)} == {State.PENDING}
    assert post.send(mailing, None).accepted == 10
