"""A list in one SQLite file: opening it, its transactions, and its failures told as a StoreError."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from newsletter.errors import Problem, StoreError
from newsletter.store.database import Database, Lock
from newsletter.store.dialects import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from newsletter.store.database import Connection

PREFIX = "sqlite://"
_sync = getattr(os, "fdatasync", os.fsync)  # without the times of the file, where that can be said; as SQLite does


class _Connection(sqlite3.Connection):
    """SQLite's own, which is fast as it is; it knows what it speaks."""

    dialect = SQLITE

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """The same as `execute`: SQLite finds one row after another anyway."""
        return self.execute(sql, parameters)

    def add_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows of which none is there yet."""
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608  (our own)


class SqliteDatabase(Database):
    """An open file."""

    dialect = SQLITE

    def __init__(self, path: Path, *, busy_seconds: float | None = None, synchronous: str = "NORMAL") -> None:
        super().__init__(str(path), busy_seconds)
        self.path = path
        # NORMAL survives a crash of the program; a power cut may lose the last transactions, never the file.
        self._synchronous = synchronous
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def at(cls, url: str, *, create: bool, busy_seconds: float | None, synchronous: str) -> SqliteDatabase:
        """The file that a store's address names, made when there is none. Raises StoreError."""
        if url not in (PREFIX, f"{PREFIX}/:memory:"):
            database = cls(path_of(url), busy_seconds=busy_seconds, synchronous=synchronous)
            try:
                _make_file(database.path, create=create)
            except OSError as error:
                raise unusable(database.path, error) from error
            return database
        folder = tempfile.TemporaryDirectory(prefix="newsletter-", ignore_cleanup_errors=True)
        database = cls(Path(folder.name) / "newsletter.db", busy_seconds=busy_seconds, synchronous="OFF")
        database._folder = folder
        _make_file(database.path, create=True)
        return database

    def connect(self) -> _Connection:
        """A new connection of the caller's own. It is in autocommit mode: BEGIN is said, never implied."""
        uri = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False,
            factory=_Connection,
        )  # fmt: skip
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
    def _connection(self) -> Iterator[_Connection]:
        with self.translated():
            connection = self._idle_one() or self.connect()
            assert isinstance(connection, _Connection)
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()
                self._keep(connection)

    @contextmanager
    def transaction(
        self,
        *,
        durable: bool = False,
        fleeting: bool = False,  # noqa: ARG002  (nobody waits for the disk unless it is to be durable)
        lock: Lock = Lock.LIST,  # noqa: ARG002  (there is one)
    ) -> Iterator[_Connection]:
        """A connection that holds the write lock, of which there is one: commits at the end, or rolls back.

        BEGIN IMMEDIATE, because a transaction that begins by reading and then writes cannot wait for another
        writer: SQLite fails it at once (https://www.sqlite.org/lang_transaction.html).
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
    def reading(self) -> Iterator[_Connection]:
        """A connection that sees the database as it was at its first query, whatever others commit meanwhile."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def own(self) -> Iterator[_Connection]:
        """A connection of the caller's own, closed at the end; what it begins, it ends."""
        with self.translated(), closing(self.connect()) as connection:
            yield connection

    @contextmanager
    def writing_on(self, connection: Connection, *, wait: bool = True) -> Iterator[None]:
        """A transaction on a connection of one's own; `wait` keeps other writers from it."""
        assert isinstance(connection, _Connection)
        connection.execute("BEGIN IMMEDIATE" if wait else "BEGIN")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise

    def prepare(self, connection: Connection) -> None:
        """Let readers and a writer not wait for each other (https://www.sqlite.org/wal.html).

        Several who do this at the same moment hold what the others need: SQLite tells one of them so at once, however
        long it is to wait otherwise.
        """
        until = monotonic() + self._busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                sleep(0.01)
            else:
                return

    def write_through(self) -> None:
        """Return when all that was committed survives a power cut. It keeps no writer waiting, as `durable` does.

        What was committed is in the log, or was taken from there into the file, which SQLite writes through each time.
        """
        if self._synchronous == "OFF":
            return
        try:
            with suppress(FileNotFoundError), self.path.with_name(f"{self.path.name}-wal").open("r+b") as log:
                _sync(log.fileno())
        except OSError as error:
            raise unusable(self.path, error) from error

    def translated(self) -> _Translated:
        """Turn what SQLite raises inside into a StoreError that says what to do."""
        return _Translated(self.path)

    def state(self) -> tuple[object, ...]:
        """What changes when anything is written."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        states = (file.stat() for file in files if file.exists())
        # To open the list makes an empty log beside it, each time.
        return self.path, *((state.st_mtime_ns, state.st_size) for state in states if state.st_size)

    def _make_engine(self) -> Engine:
        from newsletter.store.engine import sqlite_engine

        return sqlite_engine(self)

    def close(self) -> None:
        """Give every connection back, and a temporary file too."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()


def path_of(url: str) -> Path:
    """The file that a store URL names. Raises StoreError when it names none."""
    path = Path(url.removeprefix(f"{PREFIX}/"))
    if not path.name:
        raise StoreError(
            Problem("this names no file", path=url,
                    fix='write url = "sqlite:///newsletter.db" under [store] in newsletter.toml')
        )  # fmt: skip
    if "?" in path.name:
        raise StoreError(
            Problem("the address of a file takes no options", path=url, fix="take off the ? and all after it")
        )
    return path


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


class _Translated:
    """Tells what SQLite and the file system raise in our words. A class, since every transaction goes through it."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if isinstance(error, sqlite3.Error):
            _raise(self._path, error)


def _may_write(path: Path) -> str:
    return f"check that you may read and write the file and its folder {path.absolute().parent}"


def unusable(path: Path, error: OSError) -> StoreError:
    """What to tell of a file that the system does not let us have."""
    told = f"cannot use this database: {error.strerror or error}"
    return StoreError(Problem(told, path=str(path), fix=_may_write(path)))


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
