"""What people do with their entry: change it, pause, leave, come back. By name, never by value, and in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.store.seals import known_seal
from newsletter.store.subscribers import COLUMNS, fields_text, read_row, remember_fields, tags_text
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from newsletter.store.database import Connection, Database
    from newsletter.subscriber import Subscriber

_CHANGE = """
    UPDATE subscribers SET first_name = ?, last_name = ?, name = ?, language = ?, time_zone = ?, tags = ?, fields = ?,
                           paused_until = ?, last_active_at = ?, updated_at = CASE WHEN ? THEN ? ELSE updated_at END
    WHERE id = ?
"""
_PLAIN = ("first_name", "last_name", "name", "language", "time_zone", "tags", "paused_until")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a person did, or that was done for them."""

    what: str  # "left", "came back", "language, fields.city"
    at: datetime  # UTC
    source: str  # "one-click", "preferences", "command line"


def of(database: Database, subscriber: int) -> list[Change]:
    """What the person with this number did, in order."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT what, at, source FROM changes WHERE subscriber_id = ? ORDER BY id", (subscriber,)
        ).fetchall()
    return [Change(what, datetime.fromtimestamp(at, UTC), source) for what, at, source in rows]


def record(connection: Connection, subscriber: int, what: str, *, now: int, source: str) -> None:
    """Put on record that a person did something, inside a transaction; it is a sign of life."""
    connection.execute(
        "INSERT INTO changes (subscriber_id, at, what, source) VALUES (?, ?, ?, ?)", (subscriber, now, what, source)
    )
    connection.execute("UPDATE subscribers SET last_active_at = ? WHERE id = ?", (now, subscriber))


def change_entry(connection: Connection, person: Subscriber, *, now: int, source: str) -> tuple[str, ...]:
    """Store what a person says of themselves: names, language, time zone, tags, fields, the end of a pause.

    The person is found by number; address and status stay. Returns the names of what is different now, as they are on
    record; to say the same again is a sign of life, too. Raises KeyError when there is no such person.
    """
    row = connection.execute(f"SELECT {COLUMNS} FROM subscribers WHERE id = ?", (person.id,)).fetchone()  # noqa: S608  (constant columns)
    if row is None:
        raise KeyError(person.id)
    old = read_row(row)
    changed = [name for name in _PLAIN if getattr(old, name) != getattr(person, name)]
    names = sorted({*old.fields, *person.fields})
    changed += [f"fields.{name}" for name in names if old.fields.get(name, "") != person.fields.get(name, "")]
    connection.execute(
        _CHANGE,
        (
            person.first_name,
            person.last_name,
            person.name,
            person.language,
            person.time_zone,
            tags_text(person.tags),
            fields_text(person.fields),
            person.paused_until,
            now,
            bool(changed),
            now,
            person.id,
        ),
    )
    remember_fields(connection, person.fields)
    if changed:
        record(connection, person.id, ", ".join(changed), now=now, source=source)
    return tuple(changed)


def confirm(connection: Connection, subscriber: int, *, now: int, source: str) -> bool:
    """Let a person get issues because they say so from their mailbox: who waits, and who had left or was forgotten.

    What suppressed the address is lifted in both its forms; only a block by the author's hand stays, and then this
    answers False and changes nothing. Whoever calls this records the consent, in the same transaction.
    """
    row = connection.execute("SELECT canonical, status FROM subscribers WHERE id = ?", (subscriber,)).fetchone()
    if row is None:
        return False
    address, status = row
    forms = [form for form in (address, known_seal(connection, address)) if form]
    marks = ", ".join("?" * len(forms))
    reasons = connection.execute(f"SELECT reason FROM suppressions WHERE address IN ({marks})", forms).fetchall()  # noqa: S608  (marks only)
    if (Reason.MANUAL.value,) in reasons:
        return False
    connection.execute(f"DELETE FROM suppressions WHERE address IN ({marks})", forms)  # noqa: S608  (marks only)
    connection.execute(
        "UPDATE subscribers SET status = 'active', last_active_at = ?, updated_at = ? WHERE id = ?",
        (now, now, subscriber),
    )
    if reasons or status == "unsubscribed":
        record(connection, subscriber, "came back", now=now, source=source)
    return True
