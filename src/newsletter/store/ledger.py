"""The ledger: one row a recipient, written before the first byte leaves (plans.py). It is the queue, too.

claim    the next recipients, under the lease; who has left since is skipped here
record   what became of deliveries, and which ones are about to be committed, in one transaction

These are the hot paths: SQL written as SQL, in batches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from newsletter.delivery import Schedule, State
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply, Uncertain
from newsletter.store import batches
from newsletter.store.claims import Choice, why_not
from newsletter.store.database import Lock
from newsletter.store.leases import renew
from newsletter.store.rounds import Recording, begin_round
from newsletter.store.seals import sealed_among
from newsletter.subscriber import Status, Subscriber, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.store.batches import Repeats
    from newsletter.store.database import Connection, Database
    from newsletter.store.leases import Lease

EVERYBODY = Choice()
SCHEDULE = Schedule()
_ACTIVE = Status.ACTIVE.value
_CLAIMED = f"state = {State.CLAIMED.value}, claim = ?, reply = '', updated_at = ?"


# The list is read again here, so that who left after the plan gets nothing more. The states stand there as numbers,
# or the index of those that wait would not be used.
_PERSON = "s.email, s.first_name, s.last_name, s.name, s.language, s.tags, s.fields, s.status, x.reason, s.paused_until"
_WAITING = """
    SELECT d.subscriber_id, {person}
    FROM deliveries d{by_waiting}
    LEFT JOIN subscribers s ON s.id = d.subscriber_id
    LEFT JOIN suppressions x ON x.address = s.canonical
    WHERE d.mailing_id = ? AND d.state IN (0, 4) AND d.state = ? AND d.next_at <= ?{where}
    ORDER BY {order} LIMIT ?
"""
# On a server, they are claimed by where they lie as they are found, and who is about to be claimed by another worker is
# passed by: 6 µs each, where to find them and then to change them by their number took 24. It believes that all who
# have their message wait still, and would read them all by way of the primary key, each time: only the index of those
# that wait has them in this order.
_CLAIM = """
    WITH d AS (
        UPDATE deliveries SET {claimed} WHERE ctid = ANY (ARRAY(
            SELECT d.ctid FROM deliveries d{joined}
            WHERE d.mailing_id = ? AND d.state IN (0, 4) AND d.state BETWEEN ? AND ? AND d.next_at <= ?{where}
            ORDER BY d.state, {order} LIMIT ? FOR UPDATE OF d SKIP LOCKED
        )) RETURNING subscriber_id
    )
    SELECT d.subscriber_id, {person} FROM d
    LEFT JOIN subscribers s ON s.id = d.subscriber_id
    LEFT JOIN suppressions x ON x.address = s.canonical
    ORDER BY {order}
"""


def claim(database: Database, lease: Lease, limit: int, now: int, choice: Choice = EVERYBODY) -> list[Subscriber]:
    """The next recipients, at most `limit`, marked as claimed by this worker; empty when nobody of the choice is due.

    Those who have never been tried come first. The claim itself is made to survive a power cut: whatever was
    recorded after it and lost would otherwise be sent twice.
    """
    on_a_server = database.dialect.on_a_server

    def waiting(state: State) -> list[tuple[Any, ...]]:
        where, order, parameters = choice.sql(state)
        words = {"person": _PERSON, "claimed": _CLAIMED, "where": where, "order": order}
        if on_a_server:
            joined = " LEFT JOIN subscribers s ON s.id = d.subscriber_id" if choice.has_gaps else ""
            these = (lease.worker, now, lease.mailing, state.value, state.value, now, *parameters, limit)
            return connection.execute(_CLAIM.format(**words, joined=joined), these).fetchall()
        query = _WAITING.format(**words, by_waiting=database.dialect.by_waiting)
        return connection.execute(query, (lease.mailing, state.value, now, *parameters, limit)).fetchall()

    recipients: list[Subscriber] = []
    while not recipients:
        with database.transaction(durable=True, lock=Lock.ROWS) as connection:
            renew(connection, lease, now)
            state = State.PENDING
            if not (rows := waiting(state)):
                state = State.DEFERRED
                if not (rows := waiting(state)):
                    return []
            skipped = []
            # Nobody comes onto the list past a seal, but by a program that knows of none.
            sealed = sealed_among(connection, lambda: [canonical(row[1] or "") for row in rows])
            for number, email, first, last, name, language, tags, fields, status, suppressed, paused in rows:
                if sealed and suppressed is None:
                    suppressed = sealed.get(canonical(email or ""))
                fine = suppressed is None and status == _ACTIVE and not paused  # as nearly everybody is
                if not fine and (why := why_not(status, suppressed, paused, now)):
                    skipped.append((State.SKIPPED.value, lease.worker, why, now, lease.mailing, number))
                    continue
                recipients.append(
                    Subscriber(
                        email,
                        first,
                        last,
                        name,
                        language,
                        tags=tuple(json.loads(tags)) if tags != "[]" else (),
                        fields=json.loads(fields) if fields != "{}" else {},
                        id=number,
                    )
                )
            if skipped:
                connection.executemany(
                    "UPDATE deliveries SET state = ?, claim = ?, reply = ?, updated_at = ? "
                    "WHERE mailing_id = ? AND subscriber_id = ?",
                    skipped,
                )
            if on_a_server:
                continue
            if choice.has_gaps:
                connection.executemany(
                    f"UPDATE deliveries SET {_CLAIMED} WHERE mailing_id = ? AND subscriber_id = ?",  # noqa: S608
                    [(lease.worker, now, lease.mailing, each.id) for each in recipients],
                )
                continue
            # All that wait between the first and the last, but for those just skipped: 0.5 µs each, one by one 1.5.
            changed = connection.execute(
                f"UPDATE deliveries SET {_CLAIMED} WHERE mailing_id = ? AND state IN (0, 4) AND state = ? "  # noqa: S608
                "AND next_at <= ? AND subscriber_id BETWEEN ? AND ?",
                (lease.worker, now, lease.mailing, state.value, now, rows[0][0], rows[-1][0]),
            ).rowcount
            assert changed == len(recipients)  # or nothing is claimed
    return recipients


_OFFER = f"UPDATE deliveries SET state = {State.OFFERED.value} WHERE mailing_id = ? AND subscriber_id = ?"  # noqa: S608


def begin_record(
    database: Database,
    lease: Lease,
    outcomes: Sequence[tuple[int, Outcome | None]],
    offered: Iterable[int],
    now: int,
    schedule: Schedule = SCHEDULE,
    repeats: Repeats | None = None,
) -> Recording:
    """Begin to put on record what became of deliveries, then which ones are about to be committed. One transaction.

    It is there once `finish` of what is returned has returned; a server takes a moment in which something else can be
    done. The sender calls this once a round, at times for a single message: it costs what the statements cost. An
    outcome of None means that the content was certainly not taken after all: the delivery is pending again. With
    `repeats`, those who are offered are one batch, and stay on record as one until they have an answer.
    """
    together = list(offered)

    def in_a_transaction() -> None:
        with database.transaction(lock=Lock.ROWS) as connection:
            renew(connection, lease, now)
            if outcomes:
                _record_outcomes(connection, lease, outcomes, now, schedule)
            connection.executemany(_OFFER, [(lease.mailing, key) for key in together])
            if repeats:
                batches.forget(connection, lease.mailing, [key for key, _ in outcomes])
                if together:
                    batches.remember(connection, lease.mailing, together, repeats, now)

    if not repeats and (round_ := begin_round(database, lease, outcomes, together, now, in_a_transaction)):
        return round_
    in_a_transaction()
    return Recording()


def _record_outcomes(
    connection: Connection,
    lease: Lease,
    outcomes: Sequence[tuple[int, Outcome | None]],
    now: int,
    schedule: Schedule,
) -> None:
    accepted: list[tuple[int | str, ...]] = []
    others: list[tuple[int | str, ...]] = []
    deferred: list[tuple[int, Reply]] = []
    again: list[tuple[int, ...]] = []
    for key, outcome in outcomes:
        if isinstance(outcome, Accepted):  # nearly all are, and theirs is the shortest statement
            accepted.append((outcome.reply.code, outcome.reply.text, now, lease.mailing, key))
            continue
        match outcome:
            case Deferred(reply):
                deferred.append((key, reply))
            case Rejected(reply):
                others.append(_row(State.REJECTED, reply, now, lease, key))
            case Uncertain(reply):
                others.append(_row(State.UNCERTAIN, reply, now, lease, key))
            case None:
                again.append((State.PENDING.value, now, lease.mailing, key))
    for key, reply in deferred:
        attempts, since = connection.execute(
            "SELECT attempts + 1, coalesce(nullif(deferred_at, 0), ?) FROM deliveries "
            "WHERE mailing_id = ? AND subscriber_id = ?",
            (now, lease.mailing, key),
        ).fetchone()
        due = schedule.next_try(reply, attempts, since, now, f"{lease.mailing}/{key}")
        others.append(_row(State.REJECTED if due is None else State.DEFERRED, reply, now, lease, key))
        connection.execute(
            "UPDATE deliveries SET next_at = ?, deferred_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
            (due or 0, since, lease.mailing, key),
        )
    if accepted:
        connection.executemany(
            f"UPDATE deliveries SET state = {State.ACCEPTED.value}, attempts = attempts + 1, code = ?, reply = ?, "  # noqa: S608
            "updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
            accepted,
        )
    if others:
        connection.executemany(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, code = ?, enhanced = ?, reply = ?, "
            "updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
            others,
        )
    if again:
        connection.executemany(
            "UPDATE deliveries SET state = ?, next_at = 0, updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
            again,
        )


def _row(state: State, reply: Reply, now: int, lease: Lease, key: int) -> tuple[int | str, ...]:
    return (state.value, reply.code, reply.enhanced, reply.text, now, lease.mailing, key)


def make_due(database: Database, mailing: int, now: int) -> int:
    """Let every deferred delivery be tried again now; how many there are."""
    with database.transaction() as connection:
        return connection.execute(
            "UPDATE deliveries SET next_at = ? WHERE mailing_id = ? AND state = ? AND next_at > ?",
            (now, mailing, State.DEFERRED.value, now),
        ).rowcount
