"""From the database that is there to the one that this program speaks: none → newest, older → newest, newer → refused.

The step is decided without importing Alembic (a second) or SQLAlchemy (half a second): a database that is up to date
costs one query.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

from newsletter import __version__
from newsletter.errors import Problem, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from newsletter.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def known_versions(migrations: Path = MIGRATIONS) -> list[str]:
    """The schema versions that this program knows, oldest first: "0001", "0002", …."""
    return sorted(file.name[:4] for file in (migrations / "versions").glob("[0-9]*.py"))


def bring_up_to_date(database: Database, migrations: Path = MIGRATIONS) -> None:
    """Make, upgrade or accept the database, whoever else opens it at this moment.

    Raises StoreError when it is not one of ours, or when a newer program wrote it.
    """
    head = known_versions(migrations)[-1]
    with closing(database.connect()) as raw:
        if _version(raw, database.path, head) == head:
            return
        raw.execute("PRAGMA journal_mode = WAL")
    # Begins with BEGIN IMMEDIATE, so only one process is ever in here.
    with database.engine.begin() as connection:
        raw = cast("sqlite3.Connection", connection.connection.driver_connection)
        version = _version(raw, database.path, head)
        if version == head:  # another process did the work while this one waited
            return
        if version:
            _copy(database, f"before-{head}")
        if not version and migrations == MIGRATIONS:
            _create(connection)
        else:
            _upgrade(connection, migrations)
        raw.execute("REPLACE INTO meta (name, value) VALUES ('program', ?)", (__version__,))


def _version(connection: sqlite3.Connection, path: Path, head: str) -> str:
    """The stored version, "" for an empty database."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names:
        return ""
    if "alembic_version" not in names or "subscribers" not in names:
        raise StoreError(
            Problem("this database belongs to another program", path=str(path),
                    fix="name another file under [store] in newsletter.toml; nothing was changed")
        )  # fmt: skip
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if version > head:
        (program,) = connection.execute("SELECT value FROM meta WHERE name = 'program'").fetchone()
        raise StoreError(
            Problem(f"this database was written by newsletter {program} (schema {version}); "
                    f"this is newsletter {__version__}, which knows schema {head}",
                    path=str(path), fix="upgrade this program: pip install --upgrade newsletter")
        )  # fmt: skip
    return str(version)


def _copy(database: Database, suffix: str) -> None:
    """A copy beside the file, whole or not at all. It is read through a second connection: this one holds the lock."""
    copy = database.path.with_name(f"{database.path.name}.{suffix}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=database.path.stat().st_mode & 0o777)
    with closing(database.connect()) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.replace(copy)


def _create(connection: Connection) -> None:
    """What all the steps together would make, without importing Alembic. A test holds the two against each other."""
    from newsletter.store.schema import metadata

    metadata.create_all(connection, checkfirst=False)
    # Alembic's own definition of its table.
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t"
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
    )
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (known_versions()[-1],))


def _upgrade(connection: Connection, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
