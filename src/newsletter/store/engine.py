"""A SQLAlchemy engine over the connections of a Database, with its rules for transactions and errors."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.store.database import Database, translated

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import ExceptionContext


def make_engine(database: Database) -> Engine:
    """An engine whose `begin()` takes the write lock at once, as `Database.transaction` does."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    # No pool: a connection to a file costs less than finding out whether an old one is still good.
    engine = create_engine("sqlite://", creator=database.connect, poolclass=NullPool)

    # The driver's own idea of when a transaction begins is switched off (isolation_level=None), so it is said here.
    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def _(context: ExceptionContext) -> None:
        # What this raises takes the place of SQLAlchemy's own exception.
        with suppress(sqlite3.Error), translated(database.path):
            if isinstance(context.original_exception, sqlite3.Error):
                raise context.original_exception

    return engine
