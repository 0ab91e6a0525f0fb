"""Going on until nobody is left, over days that pass at once."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.keep_going import keep_going
from newsletter.actions.send import send
from newsletter.delivery import Schedule
from newsletter.errors import Paused, TransportError
from newsletter.limits import Limits
from newsletter.outcome import Accepted, Deferred, Rejected, Reply
from newsletter.report import Tally
from newsletter.store.mailings import next_retry, tally_of
from newsletter.transports.memory import MemoryTransport
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.clocks import Clock
from tests.support.sending import NOW, fill_list, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.store.database import Database
    from newsletter.transports import Transport

LATER = Deferred(Reply(451, "4.3.0", "later"))


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


class Run:
    """A mailing to so many readers that is kept going; what it waited for, and until when."""

    def __init__(self, database: Database, readers: int, *, schedule: Schedule | None = None) -> None:
        fill_list(database, readers)
        self.database = database
        self.mailing = plan(database)
        self.clock = Clock()
        self.schedule = schedule or Schedule()
        self.waits: list[tuple[str, datetime]] = []

    def go(
        self,
        transport: Transport,
        limits: Limits | None = None,
        *,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[], object] = lambda: None,
    ) -> Tally:
        def note(why: str, due: datetime) -> None:
            self.waits.append((why, due))
            tell()

        post = post_for(self.database, self.mailing)
        keep_going(
            lambda: send(
                self.database, self.mailing, post, transport, self.clock,
                stop=stop, limits=limits, schedule=self.schedule,
            ),
            lambda: next_retry(self.database, self.mailing.id),
            self.schedule, self.clock, self.clock.wait, stop, note,
        )  # fmt: skip
        return tally_of(self.database, self.mailing.id)


def test_who_was_deferred_is_tried_again_at_their_time_until_they_are_accepted(database: Database) -> None:
    run = Run(database, 3)
    tries: dict[int, list[float]] = {1: [], 2: [], 3: []}

    def answer(message: Message) -> Outcome:
        tries[message.key].append(run.clock.seconds)
        return LATER if len(tries[message.key]) < message.key else Accepted()

    assert run.go(MemoryTransport(keep=0, answer=answer)).accepted == 3
    assert [len(times) for times in tries.values()] == [1, 2, 3]
    first, second, third = tries[3]
    assert 4 * 60 <= second - first <= 6 * 60 + 1
    assert 12 * 60 <= third - second <= 18 * 60 + 1
    assert "deferred" in run.waits[0][0]


def test_while_who_is_due_by_our_clock_is_not_by_the_senders_it_tries_once_a_second() -> None:
    clock, sent = Clock(), 0

    def send() -> Tally:
        nonlocal sent
        sent += 1
        return Tally(accepted=1) if sent == 10 else Tally(deferred=1)

    began = clock.moment
    keep_going(send, lambda: began, Schedule(), clock, clock.wait, lambda: False, lambda *_: None)
    assert sent == 10
    assert clock.moment - began >= timedelta(seconds=9)


def test_after_a_day_later_has_become_never(database: Database) -> None:
    run = Run(database, 2)
    counts = run.go(MemoryTransport(keep=0, answer=lambda _: LATER))
    assert (counts.rejected, counts.deferred) == (2, 0)
    assert timedelta(hours=24) <= run.clock.moment - NOW <= timedelta(hours=24, minutes=1)


def test_a_daily_limit_is_waited_for_from_day_to_day(database: Database) -> None:
    run = Run(database, 25)
    transport = MemoryTransport(wait=run.clock.wait)
    assert run.go(transport, Limits(daily=10)).accepted == 25
    assert len(run.waits) == 2
    assert all((due.hour, due.minute) == (0, 0) for _, due in run.waits)
    assert max(Counter(message.key for message in transport.sent).values()) == 1


def test_a_stop_while_it_waits_is_heard_within_a_second(database: Database) -> None:
    run = Run(database, 2)
    counts = run.go(MemoryTransport(keep=0, answer=lambda _: LATER), stop=lambda: len(run.waits) > 0)
    assert counts.deferred == 2
    assert run.clock.moment - NOW < timedelta(seconds=2)


def test_what_only_the_author_can_mend_is_not_waited_for(database: Database) -> None:
    run = Run(database, 30)
    blocked = MemoryTransport(keep=0, answer=lambda _: Rejected(Reply(554, "5.7.1", "blocked using a list")))
    with pytest.raises(Paused, match="blocked using a list"):
        run.go(blocked)
    assert run.waits == []


# ── servers that go away ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_was_there_and_has_gone_away_is_waited_for(database: Database) -> None:
    run = Run(database, 5)
    once = Counter[str]()

    def later(verb: str, argument: str) -> str | None:
        once[verb] += 1
        return "451 4.3.0 later" if verb == "RCPT" and once[verb] <= 2 else None

    with ExitStack() as servers:
        sink = servers.enter_context(Sink(later))
        back = Sink(port=sink.port)

        def tell() -> None:
            if len(run.waits) == 1:
                servers.close()
            elif len(run.waits) == 3:
                servers.enter_context(back)

        transport = SmtpTransport(Server("127.0.0.1", sink.port), 2, reconnect_after=(0.0,))
        assert run.go(transport, tell=tell).accepted == 5
        assert len(sink.accepted) == 3
        assert len(back.accepted) == 2
    (_, after_a_try), (why, first), (_, second) = run.waits[:3]
    assert f"127.0.0.1:{sink.port}" in why
    assert timedelta(minutes=4) < first - after_a_try < timedelta(minutes=7)
    assert timedelta(minutes=14) < second - first < timedelta(minutes=16)


def test_a_server_that_is_not_there_from_the_first_is_told_at_once(database: Database) -> None:
    with Sink() as sink:
        port = sink.port
    run = Run(database, 5)
    with pytest.raises(TransportError):
        run.go(SmtpTransport(Server("127.0.0.1", port), 2, reconnect_after=(0.0,)))
    assert run.waits == []


def test_a_server_that_stays_away_is_given_up_when_the_schedule_says_so(database: Database) -> None:
    run = Run(database, 5, schedule=Schedule((30,), 3))
    with ExitStack() as servers:
        sink = servers.enter_context(Sink(lambda verb, _: "451 4.3.0 later" if verb == "RCPT" else None))
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 2, reconnect_after=(0.0,))
        with pytest.raises(TransportError):
            run.go(transport, tell=servers.close)
    assert timedelta(hours=3) < run.clock.moment - NOW < timedelta(hours=4.5)
    counts = tally_of(database, run.mailing.id)
    assert counts.deferred + counts.pending == 5
