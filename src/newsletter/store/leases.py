"""Leases: who sends a mailing.

Exactly one sender works on a mailing. It holds a lease, and a fence: a number that grows with every new holder, and
without which nothing can be recorded. A sender that slept through its lease finds the fence moved, and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from newsletter.delivery import State
from newsletter.errors import LedgerError, Problem
from newsletter.mailing import MailingState, Wish
from newsletter.report import Tally, tally
from newsletter.store import life
from newsletter.store.database import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.database import Connection, Database

LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that sends. `boot` tells a restart of the machine from a restart of the program."""

    host: str
    boot: str
    pid: int

    def __str__(self) -> str:
        return f"{self.host}|{self.boot}|{self.pid}"

    @classmethod
    def parse(cls, text: str) -> Worker | None:
        """The worker that `str` wrote; None for no worker."""
        host, _, rest = text.partition("|")
        boot, _, pid = rest.partition("|")
        return cls(host, boot, int(pid)) if pid.isdigit() else None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send a mailing, as long as the fence stands where it stood."""

    mailing: int
    fence: int


class Heard(NamedTuple):
    """What was heard of messages, in numbers."""

    answered: int = 0
    hard: int = 0  # addresses that do not exist
    blocked: int = 0  # refusals that are about us, in a row, the last ones
    is_broken: bool = False  # somebody was not refused before them


def acquire(database: Database, mailing: int, worker: Worker, now: int, is_alive: Callable[[Worker], bool]) -> Lease:
    """Take the lease of a mailing, and settle what its last holder left behind.

    What was claimed and not offered goes back to pending; what was offered and has no answer is uncertain. If the
    machine has been restarted since, the last records may have been lost with the power, and everything that the
    holder had claimed is uncertain. Raises LedgerError when another process is at work.
    """
    with database.transaction(durable=True) as connection:
        text, lease_until, fence, state = connection.execute(
            f"SELECT worker, lease_until, fence, state FROM mailings WHERE id = ?{connection.dialect.locked}",  # noqa: S608
            (mailing,),
        ).fetchone()
        if state == MailingState.CANCELLED.value:
            raise LedgerError(Problem("this mailing was cancelled", fix="publish the issue again"))
        holder = Worker.parse(text)
        if holder is not None and lease_until:
            same_machine = holder.host == worker.host
            dead = same_machine and (holder.boot != worker.boot or not is_alive(holder))
            if not dead and lease_until > now:
                raise LedgerError(
                    Problem(
                        f"another process is sending this mailing (process {holder.pid} on {holder.host})",
                        fix=f"wait for it, or stop it; it counts as gone after {lease_until - now} s of silence",
                    )
                )
            # A machine that was started anew, or one that cannot say, may have lost what was recorded after the claims;
            # a server elsewhere has it.
            lost_power = not database.dialect.on_a_server and (holder.boot != worker.boot or not holder.boot)
            _settle(connection, mailing, now, lost_power=lost_power)
        connection.execute(
            "UPDATE mailings SET worker = ?, lease_until = ?, fence = fence + 1, state = ?, answered = 0, hard = 0, "
            "blocked = 0 WHERE id = ?",
            (str(worker), now + LEASE_SECONDS, MailingState.SENDING.value, mailing),
        )
        step = life.count(connection)
    life.remember(database, step)
    return Lease(mailing, fence + 1)


def is_free(database: Database, mailing: int) -> bool:
    """Whether nobody holds the lease of a mailing."""
    with database.reading() as connection:
        (until,) = connection.execute("SELECT lease_until FROM mailings WHERE id = ?", (mailing,)).fetchone()
    return not until


def beat(database: Database, lease: Lease, now: int) -> None:
    """Prolong the lease while messages are under way. Raises LedgerError when another sender has taken over."""
    with database.transaction(durable=True, lock=Lock.ROWS) as connection:
        renew(connection, lease, now)
        step = life.count(connection)
    life.remember(database, step)


def hear_together(database: Database, lease: Lease, heard: Heard) -> Heard:
    """Add what one job has heard to what all of them have, and say what that is.

    Raises LedgerError when another sender has taken over.
    """
    with database.transaction(lock=Lock.ROWS) as connection:
        check(connection, lease)
        row = connection.execute(
            """
            UPDATE mailings SET answered = answered + ?, hard = hard + ?,
                                blocked = CASE WHEN ? THEN ? ELSE blocked + ? END
            WHERE id = ? RETURNING answered, hard, blocked
            """,
            (heard.answered, heard.hard, heard.is_broken, heard.blocked, heard.blocked, lease.mailing),
        ).fetchone()
    return Heard(*row)


def settle_job(database: Database, lease: Lease, job: int, now: int) -> None:
    """Settle what one of several jobs left behind when it died: its claims are free for the others at once."""
    with database.transaction(lock=Lock.ROWS) as connection:
        check(connection, lease)
        _settle(connection, lease.mailing, now, job=job)


def _settle(
    connection: Connection, mailing: int, now: int, *, lost_power: bool = False, job: int | None = None
) -> None:
    from newsletter.store.batches import open_members

    # What may be offered again to a provider that knows repeats stays as it is: newsletter.store.batches.
    again = open_members(connection, mailing, now)
    claimed_becomes = State.UNCERTAIN if lost_power else State.PENDING
    why = "the machine went down while this was being sent" if lost_power else ""
    for state, becomes, reply in (
        (State.CLAIMED, claimed_becomes, why),
        (State.OFFERED, State.UNCERTAIN, "the sender stopped before an answer was on record"),
    ):
        connection.execute(
            "UPDATE deliveries SET state = ?, reply = ?, next_at = 0, updated_at = ? "
            "WHERE mailing_id = ? AND state = ? AND (CAST(? AS BIGINT) IS NULL OR claim = ?)",
            (becomes.value, reply, now, mailing, state.value, job, job),
        )
    connection.executemany(
        "UPDATE deliveries SET state = ?, reply = '' WHERE mailing_id = ? AND subscriber_id = ?",
        [(State.OFFERED.value, mailing, each) for each in again],
    )


def check(connection: Connection, lease: Lease) -> None:
    """See inside a transaction that the fence stands. Raises LedgerError when another sender has taken over."""
    (fence,) = connection.execute(
        f"SELECT fence FROM mailings WHERE id = ?{connection.dialect.locked}",  # noqa: S608
        (lease.mailing,),
    ).fetchone()
    if fence != lease.fence:
        raise LedgerError(
            Problem("another process has taken over this mailing; this one stops", fix="see `newsletter status`")
        )


def renew(connection: Connection, lease: Lease, now: int) -> None:
    """Prolong the lease inside a transaction. Raises LedgerError when another sender has taken over."""
    check(connection, lease)
    connection.execute("UPDATE mailings SET lease_until = ? WHERE id = ?", (now + LEASE_SECONDS, lease.mailing))


def let_go(database: Database, lease: Lease, now: int) -> Tally:
    """Give the lease back. What was claimed and not offered is pending again; what has no answer is uncertain.

    The mailing is finished if nothing is left to do: only then does every delivery have its last state.
    """
    with database.transaction(durable=True) as connection:
        renew(connection, lease, now)
        _settle(connection, lease.mailing, now)
        (wish,) = connection.execute("SELECT wish FROM mailings WHERE id = ?", (lease.mailing,)).fetchone()
        if wish == Wish.CANCEL.value:
            from newsletter.store.batches import give_up
            from newsletter.store.schedules import skip_waiting

            skip_waiting(connection, lease.mailing, now)
            give_up(connection, lease.mailing, now)
        counts = count_states(connection, lease.mailing)
        end = MailingState.CANCELLED if wish == Wish.CANCEL.value else MailingState.FINISHED
        state, finished = (end, now) if counts.is_settled else (MailingState.SENDING, None)
        connection.execute(
            "UPDATE mailings SET lease_until = 0, state = ?, finished_at = ? WHERE id = ?",
            (state.value, finished, lease.mailing),
        )
        step = life.count(connection)
    life.remember(database, step)
    return counts


def count_states(connection: Connection, mailing: int) -> Tally:
    """How many deliveries stand where, inside a transaction that is under way."""
    rows = connection.execute("SELECT state, count(*) FROM deliveries WHERE mailing_id = ? GROUP BY state", (mailing,))
    return tally({State(state): number for state, number in rows})
