"""Whether a database is an old copy of itself: put back from a backup, it does not know what happened after that.

A file: each send counts in it, and whoever leaves, by whichever door; and witnesses outside of it remember how far it
was (newsletter.store.witness). Their number is higher than the database's then. They are told after the database, which
is written through to the disk, so that a power cut raises no false alarm; where there is none, nothing is known, and
nothing said. A database that is made anew is no copy, and begins with the number of the witness beside it: one that is
put in its place later may be.

A database on a server: each send puts on record which one it is, by the server's own number, the database's, and that
of the table of the record. One that was loaded from a dump has another number, in the same database too if the tables
were made anew, and brings the record of the old one along. Rows that were put back into the tables that are there, and
a server that was set back as a whole, to an earlier moment or to a follower that had not heard everything, cannot be
told from what they were: docs/how-to/keep-the-list-in-postgresql.md says what to do then.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from newsletter.store import witness

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.store.database import Connection, Database

_COUNT = """
    INSERT INTO meta (name, value) VALUES ('sent', '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value
"""
# To write a table anew where it is, as VACUUM FULL does, leaves it its number.
_HERE = """
    SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid || '/' || 'meta'::regclass::oid
    FROM pg_database WHERE datname = current_database()
"""
# A record from before the table was named in it is made whole. One that is right is not touched, nor its row locked.
_AT_HOME = f"""
    INSERT INTO meta (name, value) SELECT 'home', here.value FROM ({_HERE}) AS here (value)
    WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'home' AND value = here.value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE starts_with(excluded.value, meta.value || '/')
"""  # noqa: S608  (our own SQL)
_PUT = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def begin(database: Database, connection: Connection) -> None:
    """Let a database that is being made know what lies beside it, inside the transaction that makes its tables."""
    if not database.dialect.on_a_server:
        connection.execute(_PUT, ("identity", secrets.token_hex(16)))
        if number := witness.known(_path(database), ""):
            connection.execute(_PUT, ("sent", str(number)))


def count(connection: Connection) -> int:
    """Count one step, inside a transaction that is written through; hand the number to `remember`."""
    if connection.dialect.on_a_server:
        connection.execute(_AT_HOME)
        return 0
    return int(connection.execute(_COUNT).fetchone()[0])


def count_leaving(connection: Connection) -> None:
    """Count that somebody left, inside the transaction. A server tells a copy by other signs."""
    if not connection.dialect.on_a_server:
        count(connection)


def settle(database: Database) -> None:
    """Have what was counted written through, and remembered, once the transaction is over: before anybody is told."""
    if database.dialect.on_a_server:
        return  # as it was at the commit
    with database.reading() as connection:
        identity, number = _standing(connection)
    database.write_through()
    witness.remember(_path(database), identity, number)


def remember(database: Database, number: int) -> None:
    """Let the witnesses know the number too, once the transaction is over."""
    if not database.dialect.on_a_server:
        with database.reading() as connection:
            identity, _ = _standing(connection)
        witness.remember(_path(database), identity, number)


def is_old_copy(database: Database) -> bool:
    """Whether more happened in this place than the database knows, or may have."""
    with database.reading() as connection:
        if database.dialect.on_a_server:
            home, here = _value(connection, "home"), connection.execute(_HERE).fetchone()[0]
            return bool(home) and not f"{here}/".startswith(f"{home}/")
        identity, number = _standing(connection)
    return witness.known(_path(database), identity) > number


def accept_copy(database: Database) -> None:
    """Go on with an old copy, at the author's word."""
    with database.transaction(durable=True) as connection:
        if database.dialect.on_a_server:
            connection.execute(_PUT, ("home", connection.execute(_HERE).fetchone()[0]))
            return
        identity, number = _standing(connection)
        if (higher := witness.known(_path(database), identity)) > number:
            connection.execute(_PUT, ("sent", str(higher)))


def _standing(connection: Connection) -> tuple[str, int]:
    """Which database this is, and how far it has come."""
    return _value(connection, "identity"), int(_value(connection, "sent") or 0)


def _value(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def _path(database: Database) -> Path:
    from newsletter.store.sqlite import SqliteDatabase

    assert isinstance(database, SqliteDatabase)
    return database.path
