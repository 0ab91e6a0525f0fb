"""Leases: who sends a mailing.

Any number of workers send one mailing, each a process with a row in `workers`. The row's number is never given again;
it stands in `deliveries.claim` beside all that the worker has claimed, and as long as the row is there, what it holds
is the worker's. Its lease is prolonged with every record and every heartbeat. When it has run out, or the process is
seen to be gone, any other worker takes over: the row goes, and what it held is settled.

    renew     the row is there, and stays until this transaction ends: the fence before every claim and every record
    join      a row of one's own; who is gone is taken over first
    leave     what is left in one's hands is settled; the last one who leaves closes the mailing

A worker that slept through its lease finds no row, and can neither claim, record nor offer. One message a connection
may have been on its way when it fell asleep: it was put on record as offered before, so whoever took over has called it
uncertain and sends it to nobody; when the sleeper wakes up and its bytes still go out, they are the only copy.

Rows are always locked in this order: mailing, worker, deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from newsletter.delivery import State
from newsletter.errors import LedgerError, Problem, TakenOver
from newsletter.mailing import MailingState, Wish
from newsletter.report import Tally, tally
from newsletter.store import life
from newsletter.store.database import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.database import Connection, Database

LEASE_SECONDS = 20  # three heartbeats may be lost, and who is gone is noticed within half a minute


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that sends. `boot` tells a restart of the machine from a restart of the program.

    The `pid` counts in a `space`, as containers have them; "" where nobody knows. Two of them on one machine may have
    the same host name: no process of the other one can be seen.
    """

    host: str
    boot: str
    pid: int
    space: str = ""

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to take part in a mailing, as long as its row is there."""

    mailing: int
    worker: int


class Presence(NamedTuple):
    """A worker that takes part in a mailing, as others see it."""

    number: int
    worker: Worker
    since: int
    lease_until: int


class Heard(NamedTuple):
    """What was heard of messages, in numbers."""

    answered: int = 0
    hard: int = 0  # addresses that do not exist
    blocked: int = 0  # refusals that are about us, in a row, the last ones
    is_broken: bool = False  # somebody was not refused before them


# ── To begin ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def join(
    database: Database,
    mailing: int,
    worker: Worker,
    now: int,
    is_alive: Callable[[Worker], bool],
    *,
    alone: bool = False,
) -> Lease:
    """Take part in a mailing, and settle what those who are gone have left behind.

    Raises LedgerError when it was cancelled, or with `alone` when another process is at work.
    """
    with database.transaction(durable=True, lock=Lock.ROWS) as connection:
        if lock(connection, mailing) is MailingState.CANCELLED:
            raise LedgerError(Problem("this mailing was cancelled", fix="publish the issue again"))
        others = _take_over(connection, mailing, worker, now, is_alive, forgetful=not database.dialect.on_a_server)
        if alone and others:
            other, left = others[0].worker, others[0].lease_until - now
            raise LedgerError(
                Problem(
                    f"another process is sending this mailing (process {other.pid} on {other.host})",
                    fix=f"wait for it, or stop it; it counts as gone after {left} s of silence",
                )
            )
        (number,) = connection.execute(
            "INSERT INTO workers (mailing_id, host, boot, pid, since, lease_until) VALUES (?, ?, ?, ?, ?, ?) "
            "RETURNING id",
            (mailing, worker.host, f"{worker.boot} {worker.space}".rstrip(), worker.pid, now, now + LEASE_SECONDS),
        ).fetchone()
        connection.execute(
            "UPDATE mailings SET fence = fence + 1, state = ? WHERE id = ?", (MailingState.SENDING.value, mailing)
        )
        if not others:
            forget_heard(connection, mailing)
        step = life.count(connection)
    life.remember(database, step)
    return Lease(mailing, number)


def lock(connection: Connection, mailing: int) -> MailingState:
    """Let nobody else join or leave a mailing, or take over in it, until the transaction ends; its state."""
    query = f"SELECT state FROM mailings WHERE id = ?{connection.dialect.locked}"  # noqa: S608  (our own words)
    row = connection.execute(query, (mailing,)).fetchone()
    return MailingState(row[0])


def forget_heard(connection: Connection, mailing: int) -> None:
    """Count anew what is heard of a mailing, inside a transaction: it begins, or goes on."""
    connection.execute("UPDATE mailings SET answered = 0, hard = 0, blocked = 0 WHERE id = ?", (mailing,))


def present(connection: Connection, mailing: int) -> list[Presence]:
    """Who takes part in a mailing, as far as is on record, inside a transaction that is under way."""
    rows = connection.execute(
        "SELECT id, host, boot, pid, since, lease_until FROM workers WHERE mailing_id = ? ORDER BY id", (mailing,)
    ).fetchall()
    found = []
    for number, host, where, pid, since, until in rows:
        boot, _, space = where.partition(" ")
        found.append(Presence(number, Worker(host, boot, pid, space), since, until))
    return found


def workers_of(database: Database, mailing: int) -> list[Presence]:
    """Who takes part in a mailing, as far as is on record; some of them may be gone."""
    with database.reading() as connection:
        return present(connection, mailing)


def holder(lease: Lease) -> str:
    """The name under which a worker holds places (newsletter.store.tokens)."""
    return f"{lease.mailing}/{lease.worker}"


# ── While it goes ────────────────────────────────────────────────────────────────────────────────────────────────────


def renew(connection: Connection, lease: Lease, now: int) -> None:
    """Prolong the lease inside a transaction, at whose end it is as good as now.

    A database that lets several write at once keeps whoever would take over waiting until then, and the other way
    round. Raises TakenOver when another worker has.
    """
    changed = connection.execute(
        "UPDATE workers SET lease_until = ? WHERE id = ?", (now + LEASE_SECONDS, lease.worker)
    ).rowcount
    if not changed:
        raise taken_over()


def taken_over() -> TakenOver:
    """What is told to a worker whose lease is another one's."""
    return TakenOver(
        Problem("another process has taken over this mailing; this one stops", fix="see `newsletter status`")
    )


def beat(database: Database, lease: Lease, now: int) -> None:
    """Prolong the lease while messages are under way. Raises TakenOver when another worker has."""
    with database.transaction(durable=True, lock=Lock.ROWS) as connection:
        step = life.count(connection)
        renew(connection, lease, now)
    life.remember(database, step)


def hear_together(database: Database, lease: Lease, heard: Heard, now: int) -> Heard:
    """Add what one worker has heard to what all of them have, and say what that is.

    Raises TakenOver when another worker has.
    """
    with database.transaction(fleeting=True, lock=Lock.ROWS) as connection:
        row = connection.execute(
            """
            UPDATE mailings SET answered = answered + ?, hard = hard + ?,
                                blocked = CASE WHEN ? = 1 THEN ? ELSE blocked + ? END
            WHERE id = ? RETURNING answered, hard, blocked
            """,
            (heard.answered, heard.hard, int(heard.is_broken), heard.blocked, heard.blocked, lease.mailing),
        ).fetchone()
        renew(connection, lease, now)
    return Heard(*row)


# ── When somebody is gone ────────────────────────────────────────────────────────────────────────────────────────────


def take_over(database: Database, mailing: int, me: Worker, now: int, is_alive: Callable[[Worker], bool]) -> int:
    """Settle what workers of a mailing who are gone have left behind; how many of them there were."""
    if not any(is_gone(each, me, now, is_alive) for each in workers_of(database, mailing)):
        return 0  # as nearly always, and then nobody has to wait
    with database.transaction(durable=True, lock=Lock.ROWS) as connection:
        lock(connection, mailing)
        before = len(present(connection, mailing))
        return before - len(
            _take_over(connection, mailing, me, now, is_alive, forgetful=not database.dialect.on_a_server)
        )


def is_free(database: Database, mailing: int, now: int) -> bool:
    """Whether nobody takes part in a mailing whose lease has not run out."""
    return all(each.lease_until <= now for each in workers_of(database, mailing))


def is_gone(other: Presence, me: Worker, now: int, is_alive: Callable[[Worker], bool]) -> bool:
    """Whether a worker is there no longer, as `me` can tell: by its lease, or because this machine knows better."""
    theirs = other.worker
    return other.lease_until <= now or (
        theirs.host == me.host and (theirs.boot != me.boot or (theirs.space == me.space and not is_alive(theirs)))
    )


def _take_over(
    connection: Connection,
    mailing: int,
    me: Worker,
    now: int,
    is_alive: Callable[[Worker], bool],
    *,
    forgetful: bool,
) -> list[Presence]:
    """Take over from whoever is gone; who is not."""
    living = []
    for other in present(connection, mailing):
        gone = is_gone(other, me, now, is_alive)
        # Who has been heard of since, while this waited for their transaction to end, is there after all.
        if (
            gone
            and connection.execute(
                "DELETE FROM workers WHERE id = ? AND lease_until = ?", (other.number, other.lease_until)
            ).rowcount
        ):
            # A machine that was started anew, or one that cannot say, may have lost what was recorded after the claims.
            lost_power = forgetful and (other.worker.boot != me.boot or not other.worker.boot)
            _settle(connection, Lease(mailing, other.number), now, lost_power=lost_power)
        else:
            living.append(other)
    return living


def _settle(connection: Connection, lease: Lease, now: int, *, lost_power: bool = False) -> None:
    """Give back what one worker held: claimed and not offered is pending, offered and without an answer is uncertain.

    If the machine has been restarted since, the last records may have been lost with the power, and everything that
    the worker had claimed is uncertain.
    """
    from newsletter.store.batches import orphan

    # What may be offered again to a provider that knows repeats stays as it is: newsletter.store.batches.
    orphan(connection, lease, now)
    held = connection.execute(
        "SELECT subscriber_id, state FROM deliveries WHERE mailing_id = ? AND state IN (?, ?) AND claim = ?",
        (lease.mailing, State.CLAIMED.value, State.OFFERED.value, lease.worker),
    ).fetchall()
    becomes = {
        State.CLAIMED.value: (State.PENDING, ""),
        State.OFFERED.value: (State.UNCERTAIN, "the sender stopped before an answer was on record"),
    }
    if lost_power:
        becomes[State.CLAIMED.value] = (State.UNCERTAIN, "the machine went down while this was being sent")
    connection.executemany(
        "UPDATE deliveries SET state = ?, reply = ?, next_at = 0, updated_at = ? "
        "WHERE mailing_id = ? AND subscriber_id = ?",
        [(becomes[state][0].value, becomes[state][1], now, lease.mailing, key) for key, state in held],
    )
    connection.execute("DELETE FROM places WHERE holder = ?", (holder(lease),))


# ── To end ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def leave(database: Database, lease: Lease, now: int) -> Tally | None:
    """Take part no longer. What was claimed and not offered is pending again; what has no answer is uncertain.

    Whoever is the last one closes the mailing, and gets its counts: it is finished if nothing is left to do, for only
    then does every delivery have its last state. Raises TakenOver when another worker has.
    """
    counts = None
    with database.transaction(durable=True, lock=Lock.ROWS) as connection:
        lock(connection, lease.mailing)
        renew(connection, lease, now)
        _settle(connection, lease, now)
        connection.execute("DELETE FROM workers WHERE id = ?", (lease.worker,))
        if not present(connection, lease.mailing):
            counts = _close(connection, lease.mailing, now)
        step = life.count(connection)
    life.remember(database, step)
    return counts


def _close(connection: Connection, mailing: int, now: int) -> Tally:
    (wish,) = connection.execute("SELECT wish FROM mailings WHERE id = ?", (mailing,)).fetchone()
    if wish == Wish.CANCEL.value:
        from newsletter.store.batches import give_up
        from newsletter.store.schedules import skip_waiting

        skip_waiting(connection, mailing, now)
        give_up(connection, mailing, now)
    counts = count_states(connection, mailing)
    end = MailingState.CANCELLED if wish == Wish.CANCEL.value else MailingState.FINISHED
    state, finished = (end, now) if counts.is_settled else (MailingState.SENDING, None)
    connection.execute("UPDATE mailings SET state = ?, finished_at = ? WHERE id = ?", (state.value, finished, mailing))
    return counts


def count_states(connection: Connection, mailing: int) -> Tally:
    """How many deliveries stand where, inside a transaction that is under way."""
    rows = connection.execute("SELECT state, count(*) FROM deliveries WHERE mailing_id = ? GROUP BY state", (mailing,))
    return tally({State(state): number for state, number in rows})
