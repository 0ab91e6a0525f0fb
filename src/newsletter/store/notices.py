"""Notices: what waits to be done for one person at a time. A small queue, which survives a crash.

    ask        a visitor's wish to join, as it came         deleted once it is dealt with
    put        a message to be sent to a subscriber         confirm, already, welcome, goodbye, data
    take       those that are due, for a while              who takes them and dies leaves them to the next one
    settle     what became of one

A notice is sent at least once: who asked for a confirmation twice loses nothing, who never gets one does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from newsletter.store.database import Connection, Database

_LEASE = 300  # seconds for which whoever takes a notice has it
_KEPT = 30 * 86_400  # seconds for which a notice that was dealt with is remembered


class Kind(Enum):
    """What a notice is."""

    ASKED = "asked"  # no message yet: a visitor wants to join
    CONFIRM = "confirm"  # please confirm that it was you
    ALREADY = "already"  # you are a subscriber already
    WELCOME = "welcome"  # the issue that begins it
    GOODBYE = "goodbye"  # you have left
    OWN_DATA = "data"  # the way to all that is kept about you


class Progress(Enum):
    """How far a notice is."""

    WAITING = 0
    SENT = 1
    FAILED = 2  # refused, or tried for too long


@dataclass(frozen=True, slots=True)
class Notice:
    """One row of the queue."""

    id: int
    kind: Kind
    subscriber: int  # 0: not on the list yet
    content: Mapping[str, Any]  # what the visitor asked; empty for messages
    created_at: int  # UTC seconds
    attempts: int


def put(
    connection: Connection, kind: Kind, subscriber: int, now: int, content: Mapping[str, Any] | None = None
) -> int:  # fmt: skip
    """Add a notice, inside a transaction; its number."""
    text = json.dumps(content, ensure_ascii=False) if content else ""
    (number,) = connection.execute(
        "INSERT INTO notices (kind, subscriber_id, content, created_at, next_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (kind.value, subscriber, text, now, now),
    ).fetchone()
    return int(number)


def take(database: Database, limit: int, now: int) -> list[Notice]:
    """The notices that are due, the oldest first, and ours until their lease is over."""
    due = "SELECT id FROM notices WHERE state = 0 AND next_at <= ? ORDER BY id LIMIT ?"
    with database.reading() as connection:  # most of the time there are none, and nobody needs the write lock
        if connection.execute(due, (now, 1)).fetchone() is None:
            return []
    with database.transaction() as connection:
        rows = connection.execute(
            f"SELECT id, kind, subscriber_id, content, created_at, attempts FROM notices WHERE id IN ({due}) ORDER BY id",  # noqa: S608, E501  (our own SQL)
            (now, limit),
        ).fetchall()
        connection.executemany(
            "UPDATE notices SET next_at = ?, attempts = attempts + 1 WHERE id = ?",
            [(now + _LEASE, row[0]) for row in rows],
        )
    return [
        Notice(number, Kind(kind), subscriber, json.loads(content) if content else {}, created_at, attempts + 1)
        for number, kind, subscriber, content, created_at, attempts in rows
    ]


def settle(
    connection: Connection, notice: int, progress: Progress, now: int, *, next_at: int = 0, reply: str = ""
) -> None:  # fmt: skip
    """Put on record what became of a notice, inside a transaction; one that waits is tried again at `next_at`."""
    connection.execute(
        "UPDATE notices SET state = ?, next_at = ?, reply = ?, updated_at = ? WHERE id = ?",
        (progress.value, next_at, reply[:500], now, notice),
    )


def remove(connection: Connection, notice: int) -> None:
    """Take a notice away, inside a transaction: nothing of it is to be remembered."""
    connection.execute("DELETE FROM notices WHERE id = ?", (notice,))


def written_since(connection: Connection, subscriber: int, since: int, kinds: Collection[Kind]) -> int:
    """How many notices of these kinds a person was written since then, whatever became of them."""
    marks = ", ".join("?" * len(kinds))
    (number,) = connection.execute(
        f"SELECT count(*) FROM notices WHERE subscriber_id = ? AND created_at > ? AND kind IN ({marks})",  # noqa: S608  (marks only)
        (subscriber, since, *(kind.value for kind in kinds)),
    ).fetchone()
    return int(number)


def tidy(connection: Connection, now: int) -> None:
    """Forget what is long done, and tokens that have expired anyway."""
    connection.execute("DELETE FROM notices WHERE state <> 0 AND updated_at < ?", (now - _KEPT,))
    connection.execute("DELETE FROM used_tokens WHERE until < ?", (now,))


def next_due(database: Database) -> int | None:
    """When the next notice is due, in UTC seconds; None when there is none."""
    with database.reading() as connection:
        (at,) = connection.execute("SELECT min(next_at) FROM notices WHERE state = 0").fetchone()
    return at if at is None else int(at)


def count_waiting(database: Database) -> int:
    """How many notices wait."""
    with database.reading() as connection:
        (number,) = connection.execute("SELECT count(*) FROM notices WHERE state = 0").fetchone()
    return int(number)
