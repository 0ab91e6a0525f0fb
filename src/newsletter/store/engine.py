"""A SQLAlchemy engine over the connections of a Database, with its rules for transactions and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import ExceptionContext

    from newsletter.store.database import Database
    from newsletter.store.postgresql import PostgresDatabase
    from newsletter.store.sqlite import SqliteDatabase

# Two processes that find an older database at once: one upgrades it, the other one waits.
_ONE_UPGRADES = "SELECT pg_advisory_xact_lock(hashtext('newsletter upgrade'))"


def sqlite_engine(database: SqliteDatabase) -> Engine:
    """An engine whose `begin()` takes the write lock at once, as `Database.transaction` does."""
    # The driver's own idea of when a transaction begins is switched off (isolation_level=None), so it is said here.
    return _engine("sqlite://", database, database.connect, "BEGIN IMMEDIATE")


def postgresql_engine(database: PostgresDatabase) -> Engine:
    """An engine whose `begin()` waits until nobody else is in one."""

    def connect() -> Any:
        raw = database.connect().raw
        raw.autocommit = False
        # Who makes or alters tables waits for those who use them, and those who wait for it have a limit of their own.
        raw.execute("SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        raw.commit()
        return raw

    return _engine("postgresql+psycopg://", database, connect, _ONE_UPGRADES)


def _engine(url: str, database: Database, connect: Callable[[], Any], begin: str) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    # No pool: a connection to a file costs less than finding out whether an old one is still good.
    engine = create_engine(url, creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine, "handle_error")
    def _(context: ExceptionContext) -> None:
        # What this raises takes the place of SQLAlchemy's own exception; what the driver's own error stays is not it.
        original = context.original_exception
        try:
            with database.translated():
                raise original
        except type(original):
            pass

    return engine
