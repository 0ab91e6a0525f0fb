"""From the database that is there to the one that this program speaks: none → newest, older → newest, newer → refused.

Unless the newer one has only been added to: then programs of both versions work side by side, as while machines are
upgraded one by one. A step that does nothing else says so by the line `only_adds = True`: an older program need not
know what it adds, neither to write a row nor to forget a person. The database remembers how old a program may be, for
those who are older than a step cannot read what it says.

The step is decided without importing Alembic (a second) or SQLAlchemy (half a second): a database that is up to date
costs one query.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

from newsletter import __version__
from newsletter.errors import Problem, StoreError
from newsletter.store import life
from newsletter.store.database import Locked

if TYPE_CHECKING:
    from sqlalchemy import Connection as EngineConnection
    from sqlalchemy.engine.mock import MockConnection
    from sqlalchemy.schema import ExecutableDDLElement

    from newsletter.store.database import Connection, Database

MIGRATIONS = Path(__file__).parent / "migrations"
_TABLES = {
    False: "SELECT name FROM sqlite_master WHERE type = 'table'",
    True: "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}
# A database on a server may hold other things beside a list, but not under our names.
_OURS = {"alembic_version", "subscribers", "mailings", "deliveries", "meta"}
_REMEMBER = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_ONLY_ADDS = "\nonly_adds = True\n"
_PATIENCE = 60.0  # seconds
_ASK_FOR = 0.4  # seconds; after one of waiting, PostgreSQL looks whether two wait for each other (deadlock_timeout)
_BESIDE = "beside"  # in `meta`: the schema that is there, and the oldest that a program has to know: "0015 0013"


def known_versions(migrations: Path = MIGRATIONS) -> list[str]:
    """The schema versions that this program knows, oldest first: "0001", "0002", …."""
    return sorted(file.name[:4] for file in (migrations / "versions").glob("[0-9]*.py"))


@cache
def _newest() -> str:
    """The newest of them, read once: an upgrade may change the files under a program at work."""
    return known_versions()[-1]


def oldest_beside(migrations: Path = MIGRATIONS) -> str:
    """The oldest schema whose programs may work beside this one: that of the newest step which does not only add."""
    steps = {file.name[:4]: file for file in (migrations / "versions").glob("[0-9]*.py")}
    return max((name for name, file in steps.items() if _ONLY_ADDS not in file.read_text("utf-8")), default="")


def bring_up_to_date(database: Database, migrations: Path = MIGRATIONS, *, create: bool = True) -> None:
    """Make, upgrade or accept the database, whoever else opens it at this moment.

    Raises StoreError when it is not one of ours, when a newer program did more than add to it, or when there is none
    and `create` is False.
    """
    head = known_versions(migrations)[-1]
    with database.own() as connection:
        version = _version(connection, database, head)
        if version >= head:
            return
        if not version and not create:
            raise StoreError(
                Problem("there is no list in this database yet", path=database.name,
                        fix="`newsletter subscribers import FILE` makes one")
            )  # fmt: skip
        database.prepare(connection)
    # Begins with a lock, so only one process is ever in here.
    with database.engine.begin() as engine_connection:
        connection = _plain(engine_connection)
        version = _version(connection, database, head)
        if version >= head:  # another process did the work while this one waited
            return
        if version:
            _copy(database, f"before-{head}")
            if database.dialect.on_a_server:
                _keep_others_out(connection, database.name)
        if not version and migrations == MIGRATIONS:
            _create(connection)
        else:
            _upgrade(engine_connection, migrations)
        if not version:
            life.begin(database, connection)
        beside = f"{head} {oldest_beside(migrations)}"
        for row in (("program", __version__), (_BESIDE, beside)):
            connection.execute(_REMEMBER, row)


def _keep_others_out(connection: Connection, name: str) -> None:
    """Wait until nobody is in any of our tables, and let nobody in until the end of the transaction.

    Taken one after another, as the steps need them, one would be ours and the next a worker's, who waits for ours: the
    server would end one of the two. So all are asked for at once, for so short a time that it does not look, again and
    again. Raises Locked when somebody stays in one.
    """
    from psycopg.errors import QueryCanceled

    from newsletter.store.schema import metadata

    there = {table for (table,) in connection.execute(_TABLES[True])}
    names = ", ".join(sorted(there & metadata.tables.keys()))
    until = monotonic() + _PATIENCE
    connection.execute("SAVEPOINT nothing_is_ours")
    while True:
        connection.execute(f"SET LOCAL statement_timeout = {int(1000 * _ASK_FOR)}")
        try:
            connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        except QueryCanceled:
            connection.execute("ROLLBACK TO SAVEPOINT nothing_is_ours")
            if monotonic() > until:
                raise Locked(
                    Problem("the tables are to be changed for this version, and somebody is reading them all the time",
                            path=name, fix="wait for the end of what reads them, such as pg_dump, then run this again")
                ) from None  # fmt: skip
            sleep(_ASK_FOR)
        else:
            connection.execute("SET LOCAL statement_timeout = 0")
            return


class Outdated(StoreError):
    """A newer program wrote the database: this one does not know all that is in it, and leaves it alone."""


def check_version(database: Database, *, wholly: bool = False) -> None:
    """See that this program may go on with the database; `wholly`: that it knows all that is in it. Raises Outdated."""
    with database.reading() as connection:
        _version(connection, database, _newest(), wholly=wholly)


def is_made(database: Database) -> bool:
    """Whether there is a list in the database, of whatever version. Raises StoreError when it is another program's."""
    with database.own() as connection:
        return bool(_version(connection, database, "9999"))


def _plain(connection: EngineConnection) -> Connection:
    raw: Any = connection.connection.driver_connection  # of which SQLAlchemy says no type
    if connection.dialect.name == "sqlite":
        return cast("Connection", raw)
    from newsletter.store.postgresql import PostgresConnection

    return PostgresConnection(raw)


def _version(connection: Connection, database: Database, head: str, *, wholly: bool = False) -> str:
    """The stored version, "" where there is no list."""
    names = {name for (name,) in connection.execute(_TABLES[database.dialect.on_a_server])}
    if not names or (database.dialect.on_a_server and names.isdisjoint(_OURS)):
        return ""
    if "alembic_version" not in names or "subscribers" not in names:
        raise StoreError(
            Problem("this database belongs to another program", path=database.name,
                    fix="name another one under [store] in newsletter.toml; nothing was changed")
        )  # fmt: skip
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if version > head and (wholly or not _may_stay_beside(connection, version, head)):
        (program,) = connection.execute("SELECT value FROM meta WHERE name = 'program'").fetchone()
        raise Outdated(
            Problem(f"this database was written by newsletter {program} (schema {version}); "
                    f"this is newsletter {__version__}, which knows schema {head}",
                    path=database.name, fix="upgrade this program: pip install --upgrade newsletter")
        )  # fmt: skip
    return str(version)


def _may_stay_beside(connection: Connection, version: str, head: str) -> bool:
    """Whether a program that knows no more than `head` may work with the newer version that is there."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_BESIDE,)).fetchone()
    told, _, oldest = row[0].partition(" ") if row else ("", "", "")
    return bool(oldest) and told == version and head >= oldest


def _copy(database: Database, suffix: str) -> None:
    """A copy beside the file, whole or not at all. It is read through a second connection: this one holds the lock.

    On a server, an upgrade is one transaction, and copies are the business of whoever keeps it: pg_dump.
    """
    from newsletter.store.sqlite import SqliteDatabase, unusable

    if not isinstance(database, SqliteDatabase):
        return
    copy = database.path.with_name(f"{database.path.name}.{suffix}")
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=database.path.stat().st_mode & 0o777)
        with closing(database.connect()) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.replace(copy)
    except OSError as error:
        raise unusable(database.path, error) from error


def _create(connection: Connection) -> None:
    """What all the steps together would make, without importing Alembic. A test holds the two against each other."""
    for statement in _definitions("postgresql+psycopg://" if connection.dialect.on_a_server else "sqlite://"):
        connection.execute(statement)
    # Alembic's own definition of its table.
    connection.execute(
        "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t"
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
    )
    connection.execute("INSERT INTO alembic_version VALUES (?)", (_newest(),))


@cache
def _definitions(kind: str) -> tuple[str, ...]:
    """The tables, indexes and triggers, in the words of a kind of database: and to find these takes long."""
    from sqlalchemy import create_mock_engine

    from newsletter.store.schema import metadata

    found: list[str] = []

    def keep(definition: ExecutableDDLElement, *_: Any, **__: Any) -> None:
        found.append(str(definition.compile(dialect=engine.dialect)))

    engine: MockConnection = create_mock_engine(kind, keep)
    metadata.create_all(engine, checkfirst=False)
    return tuple(found)


def _upgrade(connection: EngineConnection, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
