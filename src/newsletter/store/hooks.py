"""Hooks: the calls of providers' webhooks, word for word, before anything follows from them.

    keep      a call, once; the same call again is the same row
    settle    what became of it
    kept      those that are so far, for whoever looks at them or deals with them again
    tidy      the text goes after a while: it names people

Nothing is kept of a call that is not proved to be the provider's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.store.database import Connection, Database

KEPT_DAYS = 7  # what was dealt with: long enough to look into what seems wrong
KEPT_FAILED_DAYS = 30  # what was not
_DAY = 86_400


class State(Enum):
    """How far a call is."""

    WAITING = 0  # kept, and no more
    DONE = 1
    FAILED = 2  # our own fault: `trouble` says which


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it is kept."""

    id: int
    transport: str
    received_at: int  # UTC seconds
    state: State
    events: int  # that were found in it
    trouble: str
    body: bytes


def keep(connection: Connection, transport: str, body: bytes, now: int) -> tuple[int, State]:
    """Put a call on record, inside a transaction: its number, and how far it was when it came before."""
    digest = sha256(transport.encode() + b"\0" + body).hexdigest()
    connection.execute(
        "INSERT INTO hooks (digest, transport, received_at, body) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        (digest, transport, now, body),
    )
    number, state = connection.execute("SELECT id, state FROM hooks WHERE digest = ?", (digest,)).fetchone()
    return number, State(state)


def settle(connection: Connection, number: int, state: State, events: int, trouble: str = "") -> None:
    """Put on record what became of a call, inside a transaction."""
    connection.execute(
        "UPDATE hooks SET state = ?, events = ?, trouble = ? WHERE id = ?", (state.value, events, trouble[:500], number)
    )


def tidy(connection: Connection, now: int) -> None:
    """Let go of what was kept long enough, inside a transaction."""
    connection.execute(
        "DELETE FROM hooks WHERE received_at < ? AND (state = ? OR received_at < ?)",
        (now - KEPT_DAYS * _DAY, State.DONE.value, now - KEPT_FAILED_DAYS * _DAY),
    )


def one(database: Database, number: int) -> Call | None:
    """A call by its number; None when it is kept no more."""
    with database.reading() as connection:
        row = connection.execute(f"{_CALL} WHERE id = ?", (number,)).fetchone()
    return _call(row) if row else None


def kept(database: Database, state: State, after: int = 0, limit: int = 100) -> list[Call]:
    """The calls that are so far, the oldest first; `after` is the number of the last one that is known already."""
    with database.reading() as connection:
        rows = connection.execute(
            f"{_CALL} WHERE state = ? AND id > ? ORDER BY id LIMIT ?", (state.value, after, limit)
        ).fetchall()
    return [_call(row) for row in rows]


_CALL = "SELECT id, transport, received_at, state, events, trouble, body FROM hooks"


def _call(row: Sequence[Any]) -> Call:
    number, transport, at, progress, events, trouble, body = row
    return Call(number, transport, at, State(progress), events, trouble, bytes(body))
