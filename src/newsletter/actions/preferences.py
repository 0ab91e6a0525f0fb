"""Preferences: what people see and change of their own entry, with the link that every message carries.

change   the language, the fields that the form asks for, topics; nothing else is theirs to set
pause    no issue for a month, or again from now on
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.changes import change_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from newsletter.store.database import Connection
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
    entry = person._replace(
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
    change_entry(connection, person._replace(paused_until=until), now=now, source=SOURCE)
