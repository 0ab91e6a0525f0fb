"""Preferences: what people see and change of their own entry, with the link that every message carries.

change   the language, the fields that the form asks for, topics; nothing else is theirs to set
pause    no issue for a month, or again from now on
tell     all that is kept about the person, as plain data (GDPR, articles 15 and 20)
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.store import changes, consents
from newsletter.store.changes import change_entry
from newsletter.store.subscribers import Subscribers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from sqlite3 import Connection

    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber

PAUSE_SECONDS = 30 * 86_400
_NAMES = ("first_name", "last_name", "name")
SOURCE = "preferences"


def change(
    connection: Connection,
    person: Subscriber,
    *,
    language: str,
    fields: Mapping[str, str],
    topics: Sequence[str],
    chosen: Collection[str],
    now: int,
) -> tuple[str, ...]:
    """Store what a person says, inside a transaction; the names of what is different now.

    `fields` are those that were on the page; an empty one is taken away. Of the tags, only `topics` are the person's to
    choose: the others stay as they are. Raises KeyError when the person is gone.
    """
    names = {name: fields[name] for name in _NAMES if name in fields}
    others = {name: text for name, text in fields.items() if name not in _NAMES}
    kept = [tag for tag in person.tags if tag not in topics or tag in chosen]
    new = [tag for tag in topics if tag in chosen and tag not in kept]
    entry = replace(
        person,
        language=language,
        first_name=names.get("first_name", person.first_name),
        last_name=names.get("last_name", person.last_name),
        name=names.get("name", person.name),
        tags=(*kept, *new),
        fields={name: text for name, text in {**person.fields, **others}.items() if text or name not in others},
    )
    return change_entry(connection, entry, now=now, source=SOURCE)


def pause(connection: Connection, person: Subscriber, *, until: int, now: int) -> None:
    """Let no issue go to a person before `until` (UTC seconds; 0: from now on they do), inside a transaction."""
    change_entry(connection, replace(person, paused_until=until), now=now, source=SOURCE)


def tell(database: Database, person: Subscriber) -> dict[str, Any]:
    """All that is kept about a person, as data that any program can read."""
    people = Subscribers(database)
    suppression = people.suppression(person.email)
    return {
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": person.name,
        "language": person.language,
        "time_zone": person.time_zone,
        "status": person.status.value,
        "joined": person.joined and person.joined.isoformat(),
        "source": person.source,
        "paused_until": _moment(person.paused_until),
        "last_active": _moment(person.last_active),
        "tags": list(person.tags),
        "fields": dict(person.fields),
        "suppressed": suppression and {"reason": suppression.reason.value, "since": suppression.since.isoformat()},
        "consents": [
            {name: _plain(value) for name, value in asdict(each).items() if name not in ("id", "subscriber")}
            for each in consents.of(database, person.id)
        ],
        "changes": [
            {"at": each.at.isoformat(), "what": each.what, "source": each.source}
            for each in changes.of(database, person.id)
        ],
        "issues": [
            {"issue": each.issue, "title": each.title, "state": each.state.name.lower(), "at": each.at.isoformat()}
            for each in people.history(person)
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return getattr(value, "value", value)


def _moment(seconds: int) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
