"""The circuit breaker: what stops a mailing, what does not, and that no reader pays for a refusal of us."""

from __future__ import annotations

from collections import Counter
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.breaker import Breaker
from newsletter.actions.halt import cancel
from newsletter.actions.send import send
from newsletter.errors import Paused, Problem, StoreError, TakenOver
from newsletter.outcome import Accepted, Deferred, Rejected, Reply
from newsletter.store.leases import Heard, Worker, hear_together, join
from newsletter.store.mailings import mailings_of, tally_of, undelivered
from newsletter.subscriber import Subscriber
from newsletter.transports.memory import MemoryTransport
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.clocks import Clock
from tests.support.sending import NOW, clock, fill_list, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.report import Tally
    from newsletter.store.database import Database

READERS = 80
CONNECTIONS = 4
BLOCKED = "554 5.7.1 Service unavailable; client host blocked using bl.example.org"


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


def mail(database: Database, answer: Callable[[int], Outcome], readers: int) -> Tally:
    """Send to so many readers; `answer` is what the n-th of them gets, from 1."""
    fill_list(database, readers)
    mailing = plan(database)

    def reply(message: Message) -> Outcome:
        return answer(message.key)

    return send(database, mailing, post_for(database, mailing), MemoryTransport(keep=0, answer=reply), clock)


def last(database: Database) -> int:
    return mailings_of(database)[-1].id


def states(database: Database) -> Counter[tuple[str, int]]:
    """How many stand where after how many attempts."""
    return Counter((who.state.name, who.attempts) for who in undelivered(database, last(database)))


@pytest.mark.parametrize("verb", ["RCPT", "."])
@pytest.mark.parametrize(
    "reply",
    [
        BLOCKED,
        "451 4.7.0 Too many messages from you, slow down",
        "553 5.7.1 <camille@example.org>: Sender address rejected: not owned by user camille",
        "450 4.1.8 <camille@example.org>: Sender address rejected: Domain not found",
        "552 5.3.4 Message size exceeds fixed limit",
        "554 5.6.0 Message contains invalid header",
    ],
)
def test_a_server_that_refuses_us_stops_the_mailing_and_nobody_pays_for_it(
    database: Database, verb: str, reply: str
) -> None:
    asked: list[str] = []

    def refuse(said: str, argument: str) -> str | None:
        if said == verb:
            asked.append(argument)
        return reply if said == verb else None

    fill_list(database, READERS)
    mailing = plan(database)
    with Sink(refuse) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS)
        with pytest.raises(Paused) as pause:
            send(database, mailing, post_for(database, mailing), transport, clock)
    assert reply.partition(" ")[2] in str(pause.value)
    assert "newsletter resume 2026-11-hello" in str(pause.value)
    assert pause.value.until is None
    assert 20 <= len(asked) <= 20 + 2 * CONNECTIONS
    assert states(database) == {("PENDING", 0): READERS}
    with Sink() as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS)
        assert send(database, mailing, post_for(database, mailing), transport, clock).accepted == READERS
    assert sink.duplicates == []


def test_a_server_that_does_not_take_our_mail_for_others_suppresses_nobody_whatever_code_it_gives(
    database: Database,
) -> None:
    denied = Rejected(Reply(550, "5.1.1", "<reader@example.org>... Relaying denied"))
    with pytest.raises(Paused, match="refuses us"):
        mail(database, lambda _: denied, 300)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM suppressions").fetchone() == (0,)
    counts = tally_of(database, last(database))
    assert counts.pending == counts.planned


def test_what_the_server_said_stays_on_record(database: Database) -> None:
    with pytest.raises(Paused):
        mail(database, lambda _: Rejected(Reply(554, "5.7.1", "blocked using a list")), 150)
    assert {who.reply for who in undelivered(database, last(database))} == {"blocked using a list", ""}


def test_refusals_between_which_somebody_is_accepted_stop_nothing(database: Database) -> None:
    blocked = Rejected(Reply(554, "5.7.1", "blocked using a list"))
    counts = mail(database, lambda n: Accepted() if n % 20 == 0 else blocked, 400)
    assert (counts.accepted, counts.rejected) == (20, 380)


def test_only_the_readers_of_the_streak_are_taken_back(database: Database) -> None:
    blocked = Rejected(Reply(554, "5.7.1", "blocked using a list"))
    with pytest.raises(Paused):
        mail(database, lambda n: Accepted() if n == 10 else blocked, 400)
    assert states(database) == {("REJECTED", 1): 9, ("PENDING", 0): 390}
    assert tally_of(database, last(database)).accepted == 1


def test_an_attempt_before_the_streak_still_counts(database: Database) -> None:
    fill_list(database, READERS)
    mailing = plan(database)
    now = Clock()
    first = MemoryTransport(keep=0, answer=lambda _: Deferred(Reply(452, "4.2.2", "mailbox full")))
    send(database, mailing, post_for(database, mailing), first, now)
    now.wait(3600)
    blocked = MemoryTransport(keep=0, answer=lambda _: Deferred(Reply(421, "4.7.0", "your IP address is blocked")))
    with pytest.raises(Paused):
        send(database, mailing, post_for(database, mailing), blocked, now)
    assert {attempts for _, attempts in states(database)} == {1}


# ── several jobs ───────────────────────────────────────────────────────────────────────────────────────────────────


class Jobs:
    """Breakers of several jobs that send one mailing; `hear` lets one of them hear so many equal answers."""

    def __init__(self, database: Database, number: int) -> None:
        fill_list(database, 1)
        self.mailing = plan(database)
        self.breakers = [Breaker(self._share(database, job)) for job in range(number)]
        self._message = post_for(database, self.mailing).message_for(Subscriber(email="a@example.org", id=1), NOW)

    def _share(self, database: Database, job: int) -> Callable[[Heard], Heard]:
        lease = join(database, self.mailing.id, Worker("host", "boot", job), int(NOW.timestamp()), lambda _: True)
        return lambda heard: hear_together(database, lease, heard, int(NOW.timestamp()))

    def hear(self, job: int, outcome: Outcome, times: int) -> None:
        self.breakers[job].hear([(self._message, outcome)] * times)

    def open(self) -> list[bool]:
        return [breaker.is_open for breaker in self.breakers]


REFUSED = Rejected(Reply(554, "5.7.1", "client host blocked"))
NOBODY = Rejected(Reply(550, "5.1.1", "no such user"))


def test_refusals_of_us_are_counted_over_all_jobs(database: Database) -> None:
    jobs = Jobs(database, 3)
    jobs.hear(0, REFUSED, 9)
    jobs.hear(1, REFUSED, 9)
    assert jobs.open() == [False, False, False]
    jobs.hear(2, REFUSED, 2)
    assert jobs.open() == [False, False, True], "the engine asks the others to stop"
    assert [len(breaker.streak) for breaker in jobs.breakers] == [9, 9, 2]


def test_a_message_that_was_accepted_from_another_job_ends_the_row(database: Database) -> None:
    jobs = Jobs(database, 2)
    jobs.hear(0, REFUSED, 15)
    jobs.hear(1, Accepted(), 1)
    jobs.hear(1, REFUSED, 15)
    jobs.hear(0, REFUSED, 4)
    assert jobs.open() == [False, False]
    jobs.hear(0, REFUSED, 1)
    assert jobs.open() == [True, False]


def test_addresses_that_do_not_exist_are_counted_over_all_jobs(database: Database) -> None:
    jobs = Jobs(database, 2)
    jobs.hear(0, Accepted(), 140)
    jobs.hear(0, NOBODY, 8)
    jobs.hear(1, Accepted(), 49)
    jobs.hear(1, NOBODY, 3)
    assert jobs.open() == [False, True]
    pause = jobs.breakers[1].pause("2026-11-hello")
    assert pause is not None
    assert "11 of 200 addresses do not exist" in str(pause)


def test_a_mailing_that_stops_for_addresses_says_so_also_where_we_are_being_refused(database: Database) -> None:
    jobs = Jobs(database, 1)
    jobs.hear(0, Accepted(), 180)
    jobs.hear(0, NOBODY, 11)
    jobs.hear(0, REFUSED, 9)
    pause = jobs.breakers[0].pause("2026-11-hello")
    assert pause is not None
    assert "11 of 200 addresses do not exist" in str(pause)
    assert "see who they are: newsletter status 2026-11-hello" in str(pause)


def test_who_goes_on_with_a_mailing_counts_anew(database: Database) -> None:
    jobs = Jobs(database, 1)
    jobs.hear(0, REFUSED, 19)
    lease = join(database, jobs.mailing.id, Worker("host", "boot", 1), int(NOW.timestamp()) + 99, lambda _: False)
    assert hear_together(database, lease, Heard(blocked=1), int(NOW.timestamp())).blocked == 1
    with pytest.raises(TakenOver, match="taken over"):
        jobs.hear(0, REFUSED, 1)


def test_a_text_that_nobody_is_to_get_can_be_mended_and_published(database: Database) -> None:
    with pytest.raises(Paused, match="refuses this message, 20 times in a row") as pause:
        mail(database, lambda _: Rejected(Reply(552, "5.3.4", "too large")), READERS)
    assert "newsletter cancel 2026-11-hello, and publish it" in str(pause.value)
    cancel(database, mailings_of(database)[-1], clock, lambda _: None)
    assert plan(database).id == last(database)
    assert tally_of(database, last(database)).pending == READERS


def test_a_ledger_that_cannot_be_told_what_was_heard_leaves_nobody_uncertain(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Event()

    def failing(*given: Any) -> Heard:
        if away.is_set():
            away.clear()
            raise StoreError(Problem("the database is away"))
        return hear_together(*given)

    def fault(verb: str, _: str) -> None:
        if verb == "." and len(sink.accepted) == 12:
            away.set()

    monkeypatch.setattr("newsletter.actions.send.hear_together", failing)
    monkeypatch.setattr("newsletter.actions.breaker._SHARE_EVERY", 0)
    fill_list(database, READERS)
    mailing = plan(database)
    with Sink(fault, extensions=("CHUNKING",)) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS, window=5)
        with pytest.raises(StoreError, match="is away"):
            send(database, mailing, post_for(database, mailing), transport, clock)
    counts = tally_of(database, mailing.id)
    assert (counts.uncertain, counts.accepted) == (0, len(sink.accepted))
    assert counts.pending > 0


# ── what is no refusal ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "reply",
    [
        Reply(450, "4.2.0", "Recipient address rejected: Greylisted"),
        Reply(451, "4.7.1", "greylisting in action, please come back later"),
        Reply(452, "4.2.2", "mailbox full"),
        Reply(451, "4.3.0", "temporary failure"),
        Reply(550, "4.6.7", "addresses outside ASCII are not taken"),
    ],
)
def test_greylisting_and_full_mailboxes_stop_nothing_however_many_there_are(database: Database, reply: Reply) -> None:
    counts = mail(database, lambda _: Deferred(reply), 300)
    assert counts.deferred == 300


def test_more_than_one_address_in_twenty_that_does_not_exist_stops_the_mailing_after_two_hundred(
    database: Database,
) -> None:
    nobody = Rejected(Reply(550, "5.1.1", "no such user"))
    with pytest.raises(Paused, match=r"addresses do not exist .* the last answer: 550 5\.1\.1 no such user") as pause:
        mail(database, lambda n: nobody if n % 15 == 0 else Accepted(), 1000)
    assert "newsletter status 2026-11-hello" in str(pause.value)
    counts = tally_of(database, last(database))
    assert 200 <= counts.accepted + counts.rejected <= 310
    assert counts.rejected == (counts.accepted + counts.rejected) // 15, "what does not exist stays rejected"


@pytest.mark.parametrize(("each", "readers"), [(20, 1000), (2, 199)])
def test_one_in_twenty_is_not_too_many_and_the_first_two_hundred_are_too_few_to_judge(
    database: Database, each: int, readers: int
) -> None:
    nobody = Rejected(Reply(550, "5.1.1", "no such user"))
    assert mail(database, lambda n: nobody if n % each == 0 else Accepted(), readers).is_settled


def test_resume_goes_on_after_a_pause_for_addresses_that_do_not_exist(database: Database) -> None:
    nobody = Rejected(Reply(550, "5.1.1", "no such user"))
    with pytest.raises(Paused):
        mail(database, lambda n: nobody if n <= 250 and n % 10 == 0 else Accepted(), 600)
    before = tally_of(database, last(database))
    assert before.pending > 0
    (mailing,) = mailings_of(database)
    after = send(database, mailing, post_for(database, mailing), MemoryTransport(keep=0), clock)
    assert (after.pending, after.rejected) == (0, before.rejected)
