"""Schedules: when the deliveries of a mailing are due, and what its author wants of it since.

A delivery that is pending and not due before its time is all that a schedule is; waves and a spread are many times. The
author's wish stands in the mailing's row: whoever sends it, on whatever machine, reads it there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from newsletter.delivery import State
from newsletter.errors import LedgerError, Problem
from newsletter.mailing import MailingState, Wish
from newsletter.store.claims import CANCELLED
from newsletter.store.leases import count_states, forget_heard, lock, present

if TYPE_CHECKING:
    from newsletter.report import Tally
    from newsletter.store.database import Connection, Database
    from newsletter.timing import Timing

_MINUTE = 60

# A little each minute, so that who looks whether somebody is due need not do so every second. 3 s for a million.
_SPREAD = f"""
    UPDATE deliveries SET next_at = t.moment
    FROM (SELECT subscriber_id,
                 next_at + ((row_number() OVER (PARTITION BY next_at ORDER BY subscriber_id) - 1) * ?
                            / count(*) OVER (PARTITION BY next_at)) / {_MINUTE} * {_MINUTE} AS moment
          FROM deliveries WHERE mailing_id = ? AND state = 0) AS t
    WHERE deliveries.mailing_id = ? AND deliveries.subscriber_id = t.subscriber_id
"""  # noqa: S608  (our own words)


class Wave(NamedTuple):
    """So many deliveries are due at one moment."""

    at: datetime
    recipients: int


def set_times(connection: Connection, mailing: int, timing: Timing, zone: str, now: int) -> int:
    """Write when each delivery of a mailing that has not begun is due; when the first one is.

    `zone` is the newsletter's, for those who named none. Inside a transaction. Raises LedgerError when it has none.
    """
    moment = datetime.fromtimestamp(now, UTC)
    common = int(timing.moment_for("", zone, moment).timestamp())
    zones: list[Any] = []
    if timing.local is not None:
        found = connection.execute(
            "SELECT DISTINCT s.time_zone FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id "
            "WHERE d.mailing_id = ? AND s.time_zone <> ''",
            (mailing,),
        ).fetchall()
        for (name,) in found:
            zones += [name, int(timing.moment_for(name, zone, moment).timestamp())]
    if zones:
        whens = " WHEN ? THEN ?" * (len(zones) // 2)
        connection.execute(
            f"UPDATE deliveries SET next_at = coalesce((SELECT CASE s.time_zone{whens} END FROM subscribers s "  # noqa: S608  (marks only)
            "WHERE s.id = deliveries.subscriber_id), ?) WHERE mailing_id = ? AND state = 0",
            (*zones, common, mailing),
        )
    else:
        connection.execute(
            "UPDATE deliveries SET next_at = ? WHERE mailing_id = ? AND state = 0 AND next_at <> ?",
            (common, mailing, common),
        )
    if timing.spread:
        connection.execute(_SPREAD, (timing.spread, mailing, mailing))
    (first,) = connection.execute("SELECT min(next_at) FROM deliveries WHERE mailing_id = ?", (mailing,)).fetchone()
    if first is None:
        why = "nobody is left who would get this issue: they have left, or were suppressed, a moment ago"
        raise LedgerError(Problem(why, fix="see newsletter subscribers list"))
    connection.execute(
        "UPDATE mailings SET starts_at = ?, local = ?, spread = ? WHERE id = ?",
        (first, str(timing.local or ""), timing.spread, mailing),
    )
    return int(first)


def move(database: Database, mailing: int, timing: Timing, zone: str, now: int) -> datetime:
    """Give a mailing that has not begun another time; when it begins. Raises LedgerError when it has begun."""
    with database.transaction(durable=True) as connection:
        _not_begun(connection, mailing)
        first = set_times(connection, mailing, timing, zone, now)
    return datetime.fromtimestamp(first, UTC)


def confirm(database: Database, mailing: int, now: int) -> None:
    """Let a mailing that missed its time begin now. Who is due later still is. Raises LedgerError when it has begun."""
    with database.transaction(durable=True) as connection:
        _not_begun(connection, mailing)
        connection.execute("UPDATE mailings SET starts_at = ? WHERE id = ?", (now, mailing))


def _not_begun(connection: Connection, mailing: int) -> None:
    state, issue = connection.execute(
        f"SELECT state, issue FROM mailings WHERE id = ?{connection.dialect.locked}",  # noqa: S608  (our own words)
        (mailing,),
    ).fetchone()
    if state != MailingState.PLANNED.value:
        raise LedgerError(Problem("this mailing has begun", fix=f"pause it, or cancel it: newsletter pause {issue}"))


def waves(database: Database, mailing: int) -> list[Wave]:
    """How many of those who wait are due when, the first ones first."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT next_at, count(*) FROM deliveries WHERE mailing_id = ? AND state = 0 GROUP BY next_at "
            "ORDER BY next_at",
            (mailing,),
        ).fetchall()
    return [Wave(datetime.fromtimestamp(at, UTC), number) for at, number in rows]


# ── What the author wants ────────────────────────────────────────────────────────────────────────────────────────────


def wish_of(database: Database, mailing: int) -> Wish:
    """What the author wants of a mailing now. One row by its key: 15 µs."""
    with database.reading() as connection:
        return Wish(connection.execute("SELECT wish FROM mailings WHERE id = ?", (mailing,)).fetchone()[0])


def wish(database: Database, mailing: int, wanted: Wish, now: int) -> None:
    """Write down what the author wants. With CANCEL, whoever waits is skipped at once.

    Raises LedgerError when the mailing is at its end, or was cancelled.
    """
    with database.transaction(durable=True) as connection:
        state, before, issue = connection.execute(
            f"SELECT state, wish, issue FROM mailings WHERE id = ?{connection.dialect.locked}",  # noqa: S608  (our own words)
            (mailing,),
        ).fetchone()
        if state in (MailingState.FINISHED.value, MailingState.CANCELLED.value) or (
            before == Wish.CANCEL.value and wanted is not Wish.CANCEL
        ):
            over = state if state != MailingState.SENDING.value else MailingState.CANCELLED.value
            raise LedgerError(Problem(f"this mailing is {over}", fix=f"see how it went: newsletter status {issue}"))
        connection.execute("UPDATE mailings SET wish = ? WHERE id = ?", (wanted.value, mailing))
        if wanted is Wish.NONE:
            forget_heard(connection, mailing)
        if wanted is Wish.CANCEL:
            skip_waiting(connection, mailing, now)


def skip_waiting(connection: Connection, mailing: int, now: int) -> None:
    """Skip whoever was not offered the mailing yet, inside a transaction."""
    connection.execute(
        "UPDATE deliveries SET state = ?, reply = ?, next_at = 0, updated_at = ? "
        "WHERE mailing_id = ? AND state IN (0, 4)",
        (State.SKIPPED.value, CANCELLED, now, mailing),
    )


def close_cancelled(database: Database, mailing: int, now: int) -> Tally | None:
    """Bring a mailing that was cancelled to its end, unless somebody is still sending it: then None."""
    from newsletter.store.batches import give_up

    with database.transaction(durable=True) as connection:
        state = lock(connection, mailing)
        if present(connection, mailing):
            return None
        skip_waiting(connection, mailing, now)
        give_up(connection, mailing, now)
        if state is not MailingState.CANCELLED:
            connection.execute(
                "UPDATE mailings SET state = ?, finished_at = ? WHERE id = ?",
                (MailingState.CANCELLED.value, now, mailing),
            )
        return count_states(connection, mailing)
