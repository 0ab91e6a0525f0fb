"""One SQLite database: opening it, its transactions, and its failures told as a StoreError.

Readers take `reading()`, writers `transaction()`; both hand out a plain `sqlite3.Connection`, since the hot paths are
SQL written as SQL. Each gets a connection of its own, so a long read may stream while another connection commits.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from newsletter.errors import Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Engine

PREFIX = "sqlite://"
BUSY_SECONDS = 10.0  # how long a writer waits for another one


class Database:
    """An open database. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, path: Path, *, busy_seconds: float | None = None, synchronous: str = "NORMAL") -> None:
        self.path = path
        self._busy_seconds = BUSY_SECONDS if busy_seconds is None else busy_seconds
        # NORMAL survives a crash of the program; a power cut may lose the last transactions, never the file.
        self._synchronous = synchronous
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._closed = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def connect(self) -> sqlite3.Connection:
        """A new connection of the caller's own. It is in autocommit mode: BEGIN is said, never implied."""
        uri = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            # For comparisons without case outside ASCII, of which SQLite's lower() knows nothing.
            connection.create_function("fold", 1, str.casefold, deterministic=True)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreError(Problem("the database was closed", path=str(self.path)))
            if self._idle:
                return self._idle.pop()
        return self.connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection that holds the write lock: commits at the end, rolls back on any exception.

        With `durable`, what it commits, and all before it, survives a power cut as well.

        BEGIN IMMEDIATE, because a transaction that begins by reading and then writes cannot wait for another
        writer: SQLite fails it at once (https://www.sqlite.org/lang_transaction.html).

        Raises StoreError: locked for longer than the busy timeout, read-only, full, or not a database.
        """
        with self._connection() as connection:
            if durable and self._synchronous == "NORMAL":
                connection.execute("PRAGMA synchronous = FULL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                if durable and self._synchronous == "NORMAL":
                    if connection.in_transaction:
                        connection.rollback()
                    connection.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the database as it was at its first query, whatever others commit meanwhile."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @property
    def engine(self) -> Engine:
        """The same database for SQLAlchemy Core; importing it takes half a second, so only if it is asked for."""
        if self._engine is None:
            from newsletter.store.engine import make_engine

            self._engine = make_engine(self)
        return self._engine

    def close(self) -> None:
        """Give every connection back. What was not committed is lost; closing twice is fine."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._engine is not None:
            self._engine.dispose()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_database(
    url: str, *, create: bool = True, busy_seconds: float | None = None, synchronous: str = "NORMAL"
) -> Database:
    """The database at `sqlite:///relative/path`, `sqlite:////absolute/path` or, for tests, `sqlite://`.

    It is made when there is none (unless `create` is False) and brought up to date when it is older, after a copy was
    put beside it. `sqlite://` is a new one in a temporary folder, gone when it is closed: the same behaviour as a
    file, which SQLite's own :memory: has not (one connection, no WAL).

    Raises StoreError: no such database, not one of ours, written by a newer program, locked, read-only.
    """
    folder = None
    if url in (PREFIX, f"{PREFIX}/:memory:"):
        folder = tempfile.TemporaryDirectory(prefix="newsletter-", ignore_cleanup_errors=True)
        path, synchronous = Path(folder.name) / "newsletter.db", "OFF"
    else:
        path = path_of(url)
    database = Database(path, busy_seconds=busy_seconds, synchronous=synchronous)
    database._folder = folder
    try:
        from newsletter.store.upgrade import bring_up_to_date

        with translated(path):
            try:
                _make_file(path, create=create)
                bring_up_to_date(database)
            except OSError as error:
                told = f"cannot use this database: {error.strerror or error}"
                raise StoreError(Problem(told, path=str(path), fix=_may_write(path))) from error
    except BaseException:
        database.close()
        raise
    return database


def path_of(url: str) -> Path:
    """The file that a store URL names.

    Raises StoreError for any other kind of database.
    """
    if not url.startswith(f"{PREFIX}/") or url == f"{PREFIX}/":
        raise StoreError(
            Problem(f"this version keeps the list in SQLite, and cannot open {_without_password(url)!r}",
                    fix='write url = "sqlite:///newsletter.db" under [store] in newsletter.toml')
        )  # fmt: skip
    path = Path(url.removeprefix(f"{PREFIX}/"))
    if "?" in path.name:
        raise StoreError(Problem("a store's address takes no options", path=url, fix="take off the ? and all after it"))
    return path


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}…@{rest.rpartition('@')[2]}" if "@" in rest else url


def _make_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreError(Problem("this is a folder, not a database", path=str(path), fix="name a file in it"))
    if path.exists():
        return
    if not create:
        raise StoreError(
            Problem("there is no database here yet", path=str(path),
                    fix="`newsletter subscribers import FILE` makes one")
        )  # fmt: skip
    if not path.parent.is_dir():
        raise StoreError(
            Problem(f"the folder {path.parent} does not exist", path=str(path),
                    fix=f"make it with: mkdir -p {path.parent}")
        )  # fmt: skip
    # Addresses and signing keys are nobody else's business; SQLite gives its -wal and -shm files the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
    # Of another database, which somebody took away: this one is nobody's copy (newsletter.store.life).
    path.with_name(f"{path.name}-sent").unlink(missing_ok=True)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        _raise(path, error)


def _may_write(path: Path) -> str:
    return f"check that you may read and write the file and its folder {path.absolute().parent}"


def _raise(path: Path, error: sqlite3.Error) -> NoReturn:
    """Words of SQLite on the left of this table, ours on the right (https://www.sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    folder = path.absolute().parent
    told = {
        sqlite3.SQLITE_BUSY: (
            "the database is locked by another process",
            "wait until the other newsletter command has ended, then run this one again",
        ),
        sqlite3.SQLITE_READONLY: (
            "the database is read-only",
            _may_write(path),
        ),
        sqlite3.SQLITE_CANTOPEN: (
            "the database cannot be opened",
            _may_write(path),
        ),
        sqlite3.SQLITE_NOTADB: (
            "this file is not a database",
            "check url under [store] in newsletter.toml; the file was not touched",
        ),
        sqlite3.SQLITE_FULL: (
            "the disk is full; nothing of this step was stored",
            f"make room on the disk that holds {folder}, then run the command again",
        ),
        sqlite3.SQLITE_CORRUPT: (
            "the database is damaged",
            f"restore a copy, or try: sqlite3 {path} .recover",
        ),
        sqlite3.SQLITE_IOERR: (
            "the disk failed to read or write the database",
            f"check the disk that holds {folder}, then run the command again",
        ),
    }.get(code)
    # Anything else is a mistake of this program, and its own words serve best.
    if told is None:
        raise error
    raise StoreError(Problem(told[0], path=str(path), fix=told[1])) from error
