"""Export: the whole list as CSV (RFC 4180), safe to open in a spreadsheet, and read back by an import unchanged."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from newsletter.sources.list_columns import header_of
from newsletter.sources.list_entries import guarded
from newsletter.sources.list_words import word_for_status
from newsletter.store.imports import suppressed
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from newsletter.store.database import Database
    from newsletter.store.subscribers import Subscribers

_COLUMNS = ("email", "first_name", "last_name", "name", "language", "status", "tags", "joined", "time_zone")


def export_subscribers(subscribers: Subscribers, file: TextIO) -> int:
    """Write everybody on the list, also who has left or is suppressed; how many there are.

    An address that is suppressed without ever having been on the list is not in it, but in `export_suppressed`.
    """
    fields = sorted(subscribers.field_names())
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*_COLUMNS, *map(header_of, fields)))
    number = 0
    for person, reason in subscribers.iterate():
        number += 1
        cells = (
            person.email,
            person.first_name,
            person.last_name,
            person.name,
            person.language,
            word_for_status(person.status, reason),
            ";".join(person.tags),
            written(person.joined),
            person.time_zone,
            *(person.fields.get(name, "") for name in fields),
        )
        writer.writerow([guarded(cell) for cell in cells])
    return number


def export_suppressed(database: Database, file: TextIO) -> int:
    """Write every address that must not be written to, also those that never were on the list; how many there are.

    An import elsewhere keeps them from being written to there.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("email", "status"))
    number = 0
    for address, reason in suppressed(database):
        number += 1
        writer.writerow((guarded(address), word_for_status(Status.ACTIVE, reason)))
    return number


def written(moment: datetime | None) -> str:
    """A moment in ISO 8601; a day when it is the first moment of one, "" when it is not known."""
    if moment is None:
        return ""
    moment = moment.astimezone(UTC)
    is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_day else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
