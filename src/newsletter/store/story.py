"""What the database keeps about one person besides the entry: what was sent and what came back, read for a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.delivery import State

if TYPE_CHECKING:
    from newsletter.store.database import Database


@dataclass(frozen=True, slots=True)
class Sent:
    """One issue that was meant for a person."""

    issue: str
    title: str
    planned_at: datetime  # UTC
    state: State
    at: datetime  # of the state
    code: int
    reply: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a message afterwards."""

    kind: str  # newsletter.event.EventKind
    bounce: str  # newsletter.bounce.BounceClass; "": not a bounce
    issue: str  # "": not known
    at: datetime  # UTC
    code: int
    enhanced: str
    reply: str
    source: str


def sent_to(database: Database, subscriber: int) -> list[Sent]:
    """The issues that were meant for a person, the first one first."""
    with database.reading() as connection:
        rows = connection.execute(
            """
            SELECT m.issue, m.title, m.planned_at, d.state, coalesce(nullif(d.updated_at, 0), m.planned_at), d.code,
                   d.reply, d.attempts
            FROM mailings m JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = ?
            ORDER BY m.id
            """,
            (subscriber,),
        ).fetchall()
    return [
        Sent(issue, title, _moment(planned), State(state), _moment(at), *rest)
        for issue, title, planned, state, at, *rest in rows
    ]


def heard_of(database: Database, subscriber: int) -> list[Heard]:
    """What came back from a person's address, in order."""
    with database.reading() as connection:
        rows = connection.execute(
            """
            SELECT e.kind, e.bounce, coalesce(m.issue, ''), e.at, e.code, e.enhanced, e.reply, e.source
            FROM events e LEFT JOIN mailings m ON m.id = e.mailing_id
            WHERE e.subscriber_id = ? ORDER BY e.at, e.received_at
            """,
            (subscriber,),
        ).fetchall()
    return [Heard(kind, bounce, issue, _moment(at), *rest) for kind, bounce, issue, at, *rest in rows]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
