"""Batches: who was offered to a provider in one request, for providers that know the same request when it comes again.

A batch is on record before its request is made, and until its answer is. After a crash it belongs to nobody, and
whoever finds it may make the same request again for a while: the provider delivers it once. It must be the same to the
octet, so all of it goes again or nothing; when somebody in it has left since, or it is too late, they are uncertain.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from newsletter.delivery import State
from newsletter.store.database import Lock
from newsletter.store.leases import Lease, lock, renew
from newsletter.store.seals import sealed_among
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.store.database import Connection, Database


class Repeats(NamedTuple):
    """Who knows repeats, and for how many seconds a batch may be offered again."""

    provider: str
    seconds: int


_NOBODY = 0  # the number of no worker
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


def orphan(connection: Connection, lease: Lease, now: int) -> None:
    """Let the batches of a worker who is gone belong to nobody, if they may be offered again: whole, and in time."""
    for _, until, members in _batches(connection, lease.mailing):
        if until > now and len(_offered(connection, lease, members)) == len(members):
            _hand_over(connection, lease, members, _NOBODY)


def _batches(connection: Connection, mailing: int) -> list[tuple[str, int, list[int]]]:
    """The provider, the end of its time, and the members of each batch of a mailing."""
    rows = connection.execute(
        "SELECT provider, until, members FROM batches WHERE mailing_id = ? ORDER BY first_id", (mailing,)
    ).fetchall()
    return [(provider, until, [int(each) for each in json.loads(members)]) for provider, until, members in rows]


def _offered(connection: Connection, lease: Lease, members: Sequence[int]) -> list[int]:
    """Those of a batch who stand as offered by this worker."""
    marks = ", ".join("?" * len(members))
    rows = connection.execute(
        "SELECT subscriber_id FROM deliveries WHERE mailing_id = ? AND state = ? AND claim = ? "  # noqa: S608  (marks)
        f"AND subscriber_id IN ({marks})",
        (lease.mailing, State.OFFERED.value, lease.worker, *members),
    ).fetchall()
    return [key for (key,) in rows]


def _hand_over(connection: Connection, lease: Lease, members: Sequence[int], to: int) -> None:
    connection.executemany(
        "UPDATE deliveries SET claim = ? WHERE mailing_id = ? AND subscriber_id = ?",
        [(to, lease.mailing, each) for each in members],
    )


_PEOPLE = """
    SELECT s.id, s.canonical, s.email, s.first_name, s.last_name, s.name, s.language, s.tags, s.fields
    FROM subscribers s LEFT JOIN suppressions x ON x.address = s.canonical
    WHERE s.status = 'active' AND x.address IS NULL AND s.paused_until <= ? AND s.id IN ({marks})
"""


def take_again(database: Database, lease: Lease, provider: str, now: int) -> list[list[Subscriber]]:
    """The batches of nobody that go to this provider again, each in its order; they belong to this worker now.

    Who is in another batch of nobody is uncertain. Raises TakenOver when another worker has.
    """
    again: list[list[Subscriber]] = []
    with database.transaction(lock=Lock.ROWS) as connection:
        found = _batches(connection, lease.mailing)
        if not found:
            return []
        lock(connection, lease.mailing)  # who begins at the same moment waits, and finds what is left
        renew(connection, lease, now)
        for theirs, until, members in found:
            orphans = _offered(connection, Lease(lease.mailing, _NOBODY), members)
            if not orphans:
                continue  # somebody is at it
            is_whole = len(orphans) == len(members) and until > now and theirs == provider
            people = _people(connection, members, now) if is_whole else {}
            if len(people) == len(members):
                _hand_over(connection, lease, members, lease.worker)
                again.append([people[each] for each in members])
                continue
            connection.executemany(
                "UPDATE deliveries SET state = ?, reply = ?, updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
                [(State.UNCERTAIN.value, _WHY, now, lease.mailing, each) for each in orphans],
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
