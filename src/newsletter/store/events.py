"""Events in the store: heard once each, tied to a person and a delivery, and what they change there.

What changes something works inside one transaction, `receiving`, so that an event and what follows are one step.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.bounce import BounceClass, classify
from newsletter.delivery import State
from newsletter.event import Event, EventKind
from newsletter.outcome import Reply
from newsletter.subscriber import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an event is about."""

    id: int
    email: str
    address: str  # canonical
    mailing: int  # 0: no delivery to this person is known
    planned_at: int  # of that mailing, in UTC seconds


@dataclass(frozen=True, slots=True)
class Try:
    """One mailing to a person, and what was heard of it."""

    issue: str
    accepted: bool
    bounces: tuple[tuple[BounceClass, str, int], ...]  # class, enhanced code, when
    delivered_at: int  # 0: nobody said so


# A mailing that nobody here knows was sent before the database was restored from a copy. Its number is the second in
# which it was planned (newsletter.store.ledger); who joined later has got their own number a second time.
_DELIVERY = """
    SELECT s.id, s.email, s.canonical, coalesce(m.id, 0), coalesce(m.planned_at, 0)
    FROM subscribers s
    LEFT JOIN deliveries d ON d.subscriber_id = s.id AND d.mailing_id = ?
    LEFT JOIN mailings m ON m.id = d.mailing_id
    WHERE s.id = ? AND (m.id IS NOT NULL OR s.created_at <= ?)
"""
# The last mailing that was sent to an address, for a report that names nothing else.
_LAST_DELIVERY = """
    SELECT s.id, s.email, s.canonical, m.id, m.planned_at
    FROM subscribers s JOIN deliveries d ON d.subscriber_id = s.id JOIN mailings m ON m.id = d.mailing_id
    WHERE s.canonical = ? AND d.state IN (?, ?) AND d.updated_at >= ?
    ORDER BY m.id DESC LIMIT 1
"""


_KEEP = """
    INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id, at, received_at, code, enhanced, reply,
                                  source)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""


@contextmanager
def receiving(database: Database, *, dry_run: bool) -> Iterator[Connection]:
    """A transaction to take events in; with `dry_run`, nothing of it stays."""
    with database.transaction() as connection:
        connection.execute("SAVEPOINT events")
        yield connection
        if dry_run:
            connection.execute("ROLLBACK TO events")
        connection.execute("RELEASE events")


def proved(connection: Connection, event: Event) -> Person | None:
    """Whom the event's signed id names; None when the person is gone, or was never sent that mailing."""
    row = connection.execute(_DELIVERY, (event.mailing, event.subscriber, event.mailing)).fetchone()
    return row and Person(*row)


def named(connection: Connection, address: str, since: int) -> Person | None:
    """Who has the address, if something was sent to it since then and may have been delivered."""
    states = (State.ACCEPTED.value, State.UNCERTAIN.value)
    row = connection.execute(_LAST_DELIVERY, (canonical(address), *states, since)).fetchone()
    return row and Person(*row)


def keep(connection: Connection, event: Event, person: Person, bounce: BounceClass | None, at: int, now: int) -> bool:
    """Put an event on record; False when it was heard before."""
    reply = event.reply
    row = (
        event.id,
        event.kind.value,
        bounce.value if bounce else "",
        person.mailing,
        person.id,
        at,
        now,
        reply.code,
        reply.enhanced,
        reply.text,
        event.source,
    )
    return connection.execute(_KEEP, row).rowcount > 0


def tries(connection: Connection, subscriber: int, until: int) -> list[Try]:
    """The mailings to a person up to the one numbered `until`, the latest first; not more than a hundred.

    None for whom one soft bounce was heard at most: nearly all, and they cost one look.
    """
    (number,) = connection.execute(
        "SELECT count(*) FROM events WHERE subscriber_id = ? AND bounce = 'soft'", (subscriber,)
    ).fetchone()
    if number < 2:
        return []
    rows = connection.execute(
        """
        WITH latest AS (
            SELECT m.id, m.issue, d.state FROM mailings m
            JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = ?
            WHERE m.id <= ? ORDER BY m.id DESC LIMIT 100
        )
        SELECT l.id, l.issue, l.state, e.kind, e.bounce, e.enhanced, e.at
        FROM latest l LEFT JOIN events e ON e.mailing_id = l.id AND e.subscriber_id = ?
        ORDER BY l.id DESC
        """,
        (subscriber, until, subscriber),
    ).fetchall()
    found: dict[int, Try] = {}
    for number, issue, state, kind, bounce, enhanced, at in rows:
        known = found.get(number) or Try(issue, state == State.ACCEPTED.value, (), 0)
        if kind == EventKind.BOUNCED.value:
            known = replace(known, bounces=(*known.bounces, (BounceClass(bounce), enhanced, at)))
        elif kind == EventKind.DELIVERED.value:
            known = replace(known, delivered_at=max(known.delivered_at, at))
        found[number] = known
    return list(found.values())


def settle(connection: Connection, person: Person, event: Event, now: int) -> State | None:
    """Let an event end the doubt about an uncertain delivery; its new state, or None when there was no doubt.

    Whatever else it says, a server that speaks of the message has had it: only a bounce is a refusal.
    """
    refused = event.kind is EventKind.BOUNCED and event.bounce is not BounceClass.AUTO
    state = State.REJECTED if refused else State.ACCEPTED
    told = event.reply if refused else Reply(0, "", f"known by a later report ({event.source}: {event.kind.value})")
    changed = connection.execute(
        "UPDATE deliveries SET state = ?, code = ?, enhanced = ?, reply = ?, updated_at = ? "
        "WHERE mailing_id = ? AND subscriber_id = ? AND state = ?",
        (state.value, told.code, told.enhanced, told.text, now, person.mailing, person.id, State.UNCERTAIN.value),
    ).rowcount
    return state if changed else None


def settle_what_was_heard(database: Database, mailing: int, now: int) -> int:
    """End the doubt about deliveries of a mailing that were spoken of before they came into doubt; how many.

    A provider's webhook is quick: it may tell of a message whose sender was killed before the answer was on record.
    What a server refused at the door says nothing of a later attempt.
    """
    with database.reading() as connection:  # nearly always there are none, and nobody needs the write lock
        rows = connection.execute(
            """
            SELECT d.subscriber_id, e.kind, e.bounce, e.code, e.enhanced, e.reply, e.source
            FROM deliveries d JOIN events e ON e.mailing_id = d.mailing_id AND e.subscriber_id = d.subscriber_id
            WHERE d.mailing_id = ? AND d.state = ? AND e.source <> 'smtp' ORDER BY e.received_at
            """,
            (mailing, State.UNCERTAIN.value),
        ).fetchall()
    if not rows:
        return 0
    with database.transaction() as connection:
        settled = [
            settle(
                connection,
                Person(subscriber, "", "", mailing, 0),
                Event(EventKind(kind), "", source, BounceClass(bounce) if bounce else None, reply=Reply(*reply)),
                now,
            )
            for subscriber, kind, bounce, *reply, source in rows
        ]
    return sum(state is not None for state in settled)


def unheard_refusals(database: Database, mailing: int, after: int, limit: int) -> list[Event]:
    """Refusals seen while sending a mailing that are not among the events yet, of subscribers numbered above `after`.

    One pass over the mailing's deliveries, by their primary key: 0.1 s for a million of which none was refused.
    """
    with database.reading() as connection:
        rows = connection.execute(
            """
            SELECT d.subscriber_id, d.code, d.enhanced, d.reply, d.updated_at
            FROM deliveries d
            WHERE d.mailing_id = ? AND d.subscriber_id > ? AND d.state = ? AND NOT EXISTS (
                SELECT 1 FROM events e WHERE e.mailing_id = d.mailing_id AND e.subscriber_id = d.subscriber_id
                AND e.kind = 'bounced' AND e.received_at >= d.updated_at
            )
            ORDER BY d.subscriber_id LIMIT ?
            """,
            (mailing, after, State.REJECTED.value, limit),
        ).fetchall()
    return [_refusal(mailing, *row) for row in rows]


def _refusal(mailing: int, subscriber: int, code: int, enhanced: str, text: str, at: int) -> Event:
    reply = Reply(code, enhanced, text)
    return Event(
        kind=EventKind.BOUNCED,
        id=f"smtp:{mailing}.{subscriber}.{at}",
        source="smtp",
        bounce=classify(reply),
        mailing=mailing,
        subscriber=subscriber,
        at=datetime.fromtimestamp(at, UTC),
        reply=reply,
    )


def came_back(database: Database, mailing: int) -> Mapping[BounceClass, int]:
    """How many recipients of a mailing bounced or complained, by class, refusals at the door included."""
    with database.reading() as connection:
        rows = connection.execute(
            """
            SELECT CASE kind WHEN 'complained' THEN 'complaint' ELSE bounce END AS class, count(DISTINCT subscriber_id)
            FROM events WHERE mailing_id = ? AND kind IN ('bounced', 'complained') GROUP BY class
            """,
            (mailing,),
        ).fetchall()
    return {BounceClass(word): number for word, number in rows}
