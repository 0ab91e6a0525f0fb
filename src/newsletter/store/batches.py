"""Batches: who was offered to a provider in one request, for providers that know the same request when it comes again.

A batch is on record before its request is made, and until its answer is. Whoever finds it there after a crash may make
the same request again for a while: the provider delivers it once. It must be the same to the octet, so all of it goes
again or nothing; when somebody in it has left since, or it is too late, all of it is uncertain.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from newsletter.delivery import State
from newsletter.store.database import Lock
from newsletter.store.leases import check
from newsletter.store.seals import sealed_among
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from newsletter.store.database import Connection, Database
    from newsletter.store.leases import Lease


class Repeats(NamedTuple):
    """Who knows repeats, and for how many seconds a batch may be offered again."""

    provider: str
    seconds: int


_WHY = "the sender stopped before an answer was on record"
# The time counts from the first request: a repeat does not prolong it.
_REMEMBER = """
    INSERT INTO batches (mailing_id, first_id, provider, until, members) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (mailing_id, first_id) DO UPDATE SET
        until = CASE WHEN batches.members = excluded.members AND batches.provider = excluded.provider
                     THEN batches.until ELSE excluded.until END,
        provider = excluded.provider, members = excluded.members
"""


def remember(connection: Connection, mailing: int, members: Sequence[int], repeats: Repeats, now: int) -> None:
    """Put a batch on record that is about to be offered. It takes the place of a larger one that it is the front of."""
    row = (mailing, members[0], repeats.provider, now + repeats.seconds, json.dumps(list(members)))
    connection.execute(_REMEMBER, row)


def forget(connection: Connection, mailing: int, answered: Iterable[int]) -> None:
    """Drop the batches of those who have an answer: a batch is answered as one."""
    connection.executemany(
        "DELETE FROM batches WHERE mailing_id = ? AND first_id = ?", [(mailing, key) for key in answered]
    )


def give_up(connection: Connection, mailing: int, now: int) -> None:
    """Nothing of this mailing goes again: what was offered and has no answer is uncertain."""
    connection.execute("DELETE FROM batches WHERE mailing_id = ?", (mailing,))
    connection.execute(
        "UPDATE deliveries SET state = ?, reply = ?, updated_at = ? WHERE mailing_id = ? AND state = ?",
        (State.UNCERTAIN.value, _WHY, now, mailing, State.OFFERED.value),
    )


def open_members(connection: Connection, mailing: int, now: int) -> list[int]:
    """All whose batch may be offered again, as far as is known here."""
    return [member for _, members in _open(connection, mailing, now) for member in members]


def _open(connection: Connection, mailing: int, now: int) -> Iterator[tuple[str, list[int]]]:
    """Batches within their time, all of whose members still stand as offered."""
    rows = connection.execute(
        "SELECT provider, members FROM batches WHERE mailing_id = ? AND until > ? ORDER BY first_id", (mailing, now)
    ).fetchall()
    for provider, text in rows:
        members = [int(each) for each in json.loads(text)]
        marks = ", ".join("?" * len(members))
        (offered,) = connection.execute(
            f"SELECT count(*) FROM deliveries WHERE mailing_id = ? AND state = ? AND subscriber_id IN ({marks})",  # noqa: S608
            (mailing, State.OFFERED.value, *members),
        ).fetchone()
        if offered == len(members):
            yield provider, members


_PEOPLE = """
    SELECT s.id, s.canonical, s.email, s.first_name, s.last_name, s.name, s.language, s.tags, s.fields
    FROM subscribers s LEFT JOIN suppressions x ON x.address = s.canonical
    WHERE s.status = 'active' AND x.address IS NULL AND s.paused_until <= ? AND s.id IN ({marks})
"""


def take_again(database: Database, lease: Lease, provider: str, now: int) -> list[list[Subscriber]]:
    """The batches that go to this provider again, each in its order. Everybody else who was offered is uncertain.

    Raises LedgerError when another sender has taken over.
    """
    again: list[list[Subscriber]] = []
    with database.transaction(lock=Lock.ROWS) as connection:
        check(connection, lease)
        found = list(_open(connection, lease.mailing, now))
        if not found:
            return []
        for theirs, members in found:
            people = _people(connection, members, now) if theirs == provider else {}
            if len(people) == len(members):
                again.append([people[each] for each in members])
                continue
            connection.executemany(
                "UPDATE deliveries SET state = ?, reply = ?, updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
                [(State.UNCERTAIN.value, _WHY, now, lease.mailing, each) for each in members],
            )
            forget(connection, lease.mailing, members[:1])
    return again


def _people(connection: Connection, members: Sequence[int], now: int) -> dict[int, Subscriber]:
    query = _PEOPLE.format(marks=", ".join("?" * len(members)))
    rows = connection.execute(query, (now, *members)).fetchall()
    sealed = sealed_among(connection, lambda: [canonical for _, canonical, *_ in rows])
    return {
        number: Subscriber(
            email, first, last, name, language, tags=tuple(json.loads(tags)), fields=json.loads(fields), id=number
        )
        for number, canonical, email, first, last, name, language, tags, fields in rows
        if canonical not in sealed
    }
