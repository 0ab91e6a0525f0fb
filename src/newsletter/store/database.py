"""The database, whichever it is: what all of the store relies on, and how one is opened.

Readers take `reading()`, writers `transaction()`; both hand out a connection that is asked in SQL, since the hot paths
are SQL written as SQL. Parameters are `?` everywhere; what SQLite and PostgreSQL say differently stands in dialects.py.
Each gets a connection of its own, so a long read may stream while another connection commits.

    sqlite.py        one file on this machine
    postgresql.py    a server, for many machines: newsletter[cluster]
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from newsletter.errors import Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Engine

    from newsletter.store.dialects import Dialect


BUSY_SECONDS = 10.0  # how long a writer waits for another one, and everybody for a server that is starting


class Rows(Protocol):
    """What a statement answers."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:
        """The next row, as a tuple; None when there is none."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Stream(Protocol):
    """An answer of which only a part is in memory."""

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> object:
        """Ask for no more."""


class Connection(Protocol):
    """A connection as it is handed out."""

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Run one statement for each row of parameters."""

    def stream(self, sql: str, parameters: Sequence[Any] = ..., /) -> Stream:
        """Run a query whose answer may be longer than memory. To be closed before the transaction ends."""

    def add_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], /) -> None:
        """Add rows of which none is there yet, as quickly as can be."""

    def close(self) -> None:
        """End the connection."""


class Lock(Enum):
    """What a transaction keeps others from, where several may write at once. In SQLite there is one writer anyway."""

    LIST = 1  # who changes the list, or anything that is rare, goes one after another
    PLANS = 2  # a plan of a million takes seconds, and only has to know of other plans
    TOKENS = 3  # what is left of limits is spent by one at a time
    ROWS = 0  # the transaction locks the rows that it depends on


class Unreachable(StoreError):
    """The server cannot be reached now, or the connection to it was lost: what had been committed is there."""


class Locked(StoreError):
    """Another process holds what was to be written, for longer than is waited for."""


class Database(ABC):
    """An open database. Safe to use from several threads; close it, or use it in a `with`."""

    dialect: Dialect

    def __init__(self, name: str, busy_seconds: float | None) -> None:
        self.name = name  # as it is told to people
        self._busy_seconds = BUSY_SECONDS if busy_seconds is None else busy_seconds
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._closed = False

    @abstractmethod
    def connect(self) -> Connection:
        """A new connection of the caller's own. It is in autocommit mode: BEGIN is said, never implied."""

    @abstractmethod
    def transaction(
        self, *, durable: bool = False, fleeting: bool = False, lock: Lock = Lock.LIST
    ) -> AbstractContextManager[Connection]:
        """A connection to write with: commits at the end, rolls back on any exception.

        With `durable`, what it commits, and all before it, survives a power cut as well; with `fleeting`, nobody minds
        if a crash of the server undoes it, and so nobody waits for the server's disk. Raises StoreError: locked for
        longer than the busy timeout, read-only, full, not a database, lost.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees the database as it was at its first query, whatever others commit meanwhile."""

    @abstractmethod
    def own(self) -> AbstractContextManager[Connection]:
        """A connection of the caller's own, closed at the end; what it begins, it ends."""

    @abstractmethod
    def writing_on(self, connection: Connection, *, wait: bool = True) -> AbstractContextManager[None]:
        """A transaction on a connection of one's own; `wait` keeps other writers from it."""

    def prepare(self, connection: Connection) -> None:  # noqa: B027  (nothing is to be done on a server)
        """Make ready for tables what has none, or older ones, on a connection of one's own."""

    def write_through(self) -> None:  # noqa: B027  (a server does so at each commit)
        """Return when all that was committed survives a power cut. It keeps no writer waiting, as `durable` does.

        Raises StoreError.
        """

    @abstractmethod
    def translated(self) -> AbstractContextManager[None]:
        """Turn what the driver raises inside into a StoreError that says what to do."""

    @abstractmethod
    def state(self) -> tuple[object, ...]:
        """What changes when anything is written."""

    @abstractmethod
    def _make_engine(self) -> Engine: ...

    @property
    def engine(self) -> Engine:
        """The same database for SQLAlchemy Core; importing it takes half a second, so only if it is asked for."""
        if self._engine is None:
            self._engine = self._make_engine()
        return self._engine

    def _idle_one(self) -> Connection | None:
        with self._lock:
            if self._closed:
                raise StoreError(Problem("the database was closed", path=self.name))
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Give every connection back. What was not committed is lost; closing twice is fine."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._engine is not None:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_database(
    url: str, *, create: bool = True, busy_seconds: float | None = None, synchronous: str = "NORMAL"
) -> Database:
    """The database at `sqlite:///relative/path`, `sqlite:////absolute/path`, `postgresql://user@server/name`.

    It is made when there is none (unless `create` is False) and brought up to date when it is older. `sqlite://` is,
    for tests, a new one in a temporary folder, gone when it is closed: the same behaviour as a file, which SQLite's own
    :memory: has not (one connection, no WAL).

    Raises StoreError: no such database, not one of ours, written by a newer program, locked, read-only, not reached.
    """
    from newsletter.store.upgrade import bring_up_to_date

    database: Database
    if is_on_a_server(url):
        database = _on_a_server(url, busy_seconds)
    else:
        from newsletter.store.sqlite import SqliteDatabase

        _check_kind(url)
        database = SqliteDatabase.at(url, create=create, busy_seconds=busy_seconds, synchronous=synchronous)
    try:
        with database.translated():
            bring_up_to_date(database, create=create)
    except BaseException:
        database.close()
        raise
    return database


def exists(url: str) -> bool:
    """Whether there is a list at this address. Raises StoreError for an address that no list can have."""
    if is_on_a_server(url):
        from newsletter.store.upgrade import is_made

        with _on_a_server(url) as database:
            return is_made(database)
    from newsletter.store.sqlite import path_of

    _check_kind(url)
    return path_of(url).exists()


def is_on_a_server(url: str) -> bool:
    """Whether an address names a PostgreSQL server."""
    return url.startswith(("postgresql://", "postgres://"))


def without_password(url: str) -> str:
    """An address as it may be shown."""
    scheme, mark, rest = url.partition("://")
    place, question, options = rest.partition("?")
    who, at, where = place.rpartition("@")
    shown = f"{who.partition(':')[0]}{at}{where}"
    kept = "&".join(each for each in options.split("&") if not each.startswith("password="))
    return f"{scheme}{mark}{shown}{question if kept else ''}{kept}"


def _on_a_server(url: str, busy_seconds: float | None = None) -> Database:
    try:
        from newsletter.store.postgresql import PostgresDatabase
    except ImportError as error:
        told = "a list on a PostgreSQL server needs one more package"
        fix = "pip install 'newsletter[cluster]'"
        raise StoreError(Problem(told, path=without_password(url), fix=fix)) from error
    return PostgresDatabase(url, busy_seconds=busy_seconds)


def _check_kind(url: str) -> None:
    if not url.startswith("sqlite:///") and url != "sqlite://":
        raise StoreError(
            Problem(f"no list can be kept at {without_password(url)!r}",
                    fix='write url = "sqlite:///newsletter.db" or "postgresql://user@server/name" under [store] in '
                        "newsletter.toml")
        )  # fmt: skip
