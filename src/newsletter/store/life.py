"""Whether a database is an old copy of itself. Each send counts in it; a file beside it remembers how far it was.

A database restored from a copy does not know what was sent after the copy was made. The file, `newsletter.db-sent`,
does: its number is higher than the database's then. It is written after the database, which is written through to the
disk, so that a power cut raises no false alarm; where it is missing, nothing is known, and nothing said. A database
that is made anew is no copy: the file goes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from sqlite3 import Connection

    from newsletter.store.database import Database

_NONSENSE = 2**62
_COUNT = """
    INSERT INTO meta (name, value) VALUES ('sent', '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT) RETURNING value
"""


def count(connection: Connection) -> int:
    """Count one step of sending, inside a transaction that is written through; hand the number to `remember`."""
    return int(connection.execute(_COUNT).fetchone()[0])


def remember(database: Database, number: int) -> None:
    """Let the file know the number too, once the transaction is over. A folder that cannot be written is no matter."""
    file = _file(database)
    with suppress(OSError):
        if number > _read(file):
            part = file.with_name(f"{file.name}.part")
            part.write_text(f"{number}\n", encoding="ascii")
            part.replace(file)


def is_old_copy(database: Database) -> bool:
    """Whether more was sent from this place than the database knows."""
    with database.reading() as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'sent'").fetchone()
    return _read(_file(database)) > (int(row[0]) if row else 0)


def accept_copy(database: Database) -> None:
    """Go on with an old copy, at the author's word."""
    known = _read(_file(database))
    with database.transaction(durable=True) as connection:
        connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('sent', '0')")
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'sent' AND CAST(value AS INTEGER) < ?", (str(known), known)
        )


def _file(database: Database) -> Path:
    return database.path.with_name(f"{database.path.name}-sent")


def _read(file: Path) -> int:
    try:
        number = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return number if number < _NONSENSE else 0
