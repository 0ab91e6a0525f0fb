"""A list on a PostgreSQL server: opening it, its transactions, and its failures told as a StoreError.

One writer at a time, as in SQLite, is what most of the store may rely on: `transaction()` takes an advisory lock. The
hot paths, where many workers meet, ask for `Lock.ROWS` instead and lock the rows that they depend on.

A process that is frozen, or cut off, in the middle of a transaction would keep its locks: the server ends a transaction
in which nothing is asked for a while, and both sides look whether the other one is there.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from newsletter.errors import Problem, StoreError
from newsletter.store.database import Database, Lock, without_password
from newsletter.store.dialects import POSTGRESQL
from newsletter.store.postgresql_errors import Translated, comes_back
from newsletter.store.postgresql_questions import Question
from newsletter.store.postgresql_words import for_many, kinds, numbered, spoken, spoken_plain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Engine

    from newsletter.store.database import Connection, Rows

    _Begun = AbstractContextManager["PostgresConnection"]

_IDLE_CONNECTIONS = 4  # kept for the next one who asks
_AT_ONCE = 5000  # rows of a long answer that are in memory
# Any number of ours: others may use the database for other things, and take advisory locks of their own.
_SPACE = 0x6E657773
# For how long a transaction may ask nothing. A read holds nobody up: its reader may be slow.
_SILENT = "idle_in_transaction_session_timeout"
_SILENT_SECONDS = 15
_LONGER = {Lock.LIST: 60, Lock.PLANS: 60}
_BEGIN = {
    lock: (
        "BEGIN"
        f"{f'; SET LOCAL {_SILENT} = {_LONGER[lock] * 1000}' if lock in _LONGER else ''}"
        f"{f'; SELECT pg_advisory_xact_lock({_SPACE}, {lock.value})' if lock.value else ''}"
    ).encode()
    for lock in Lock
}
# What was committed before is not touched by that: the log is written in order.
_FLEETING = b"; SET LOCAL synchronous_commit = off"
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL {_SILENT} = 0".encode()
# Of a link that was cut, TCP knows nothing for hours, unless it is told to look.
_LINK = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class _Done(NamedTuple):
    """The answer to a statement about no rows."""

    rowcount: int = 0


def _without_nul(value: Any) -> Any:
    """A text as PostgreSQL can keep it. A server's reply may have the one sign that it cannot."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


class PostgresConnection:
    """A connection that is asked as SQLite is."""

    dialect = POSTGRESQL
    __slots__ = ("_numbers", "prepared", "raw")

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.raw = raw
        self.prepared: dict[bytes, bytes] = {}  # the statements of questions, and what they are called
        self._numbers = count()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement."""
        if parameters:
            try:
                return self.raw.execute(spoken(sql), parameters)
            except psycopg.DataError as error:
                if error.sqlstate:
                    raise
                return self.raw.execute(spoken(sql), [_without_nul(each) for each in parameters])
        return self.raw.execute(spoken_plain(sql))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Rows:
        """Run one statement for each row, with all rows in one message where that can be said."""
        rows = list(parameters)
        if not rows:
            return cast("Rows", _Done())
        columns = [list(column) for column in zip(*rows, strict=True)]
        if statement := for_many(sql, kinds(columns)):
            try:
                return self.raw.execute(statement, columns)
            except psycopg.DataError as error:
                if error.sqlstate:
                    raise
                return self.raw.execute(statement, [[_without_nul(each) for each in column] for column in columns])
        cursor = self.raw.cursor()
        cursor.executemany(spoken(sql), rows)
        return cursor

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Generator[tuple[Any, ...], None, None]:
        """Run a query whose answer is fetched bit by bit."""
        with self.raw.cursor(name=f"stream_{next(self._numbers)}") as cursor:
            cursor.itersize = _AT_ONCE
            values = [_without_nul(each) for each in parameters]
            cursor.execute(spoken(sql) if values else spoken_plain(sql), values or None)
            yield from cursor

    def add_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of which none is there yet, by COPY: twice as quick as INSERT."""
        with (
            self.raw.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        """End the connection."""
        self.raw.close()


class PostgresDatabase(Database):
    """An open database on a server."""

    dialect = POSTGRESQL

    def __init__(self, url: str, *, busy_seconds: float | None = None) -> None:
        super().__init__(without_password(url), busy_seconds)
        self.url = url
        try:
            self._settings: dict[str, Any] = {**_LINK, **psycopg.conninfo.conninfo_to_dict(url)}
        except psycopg.ProgrammingError:  # its words might hold the password
            raise StoreError(
                Problem("this address of a server cannot be read", path=self.name,
                        fix='write it as "postgresql://user@server/name"')
            ) from None  # fmt: skip
        self._settings.setdefault("application_name", "newsletter")
        self._settings["client_encoding"] = "utf8"

    def connect(self) -> PostgresConnection:
        """A new connection of the caller's own. It is in autocommit mode: BEGIN is said, never implied."""
        with self.translated():
            until = time.monotonic() + self._busy_seconds
            while True:
                try:
                    raw = psycopg.connect(autocommit=True, **self._settings)
                    break
                except psycopg.OperationalError as error:
                    if not comes_back(error) or time.monotonic() > until:
                        raise
                    time.sleep(0.1)  # it is being started, or every place is taken
            # One type for all whole numbers: a statement is prepared once and not once for each size of each number.
            for dumper in (Int8BinaryDumper, Int8Dumper):
                raw.adapters.register_dumper(int, dumper)
            raw.execute(
                f"SET lock_timeout = {max(1, int(self._busy_seconds * 1000))};"
                f"SET {_SILENT} = {_SILENT_SECONDS * 1000};"
                "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
                # Compiling a statement takes longer than it saves where the longest one runs for some seconds.
                "SET jit = off;"
                # What a server says is stored has to be, whatever its settings: messages leave on the strength of it.
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'".encode()
            )
        return PostgresConnection(raw)

    @contextmanager
    def _begun(self, words: bytes) -> Iterator[PostgresConnection]:
        with self.translated():
            connection = self._begin(words)
            try:
                yield connection
                connection.raw.execute(b"COMMIT")
            finally:
                self._give_back(connection)

    def _begin(self, words: bytes) -> PostgresConnection:
        # One that lay idle may be dead, after a restart of the server: nothing was asked yet, so it is tried anew.
        while connection := cast("PostgresConnection | None", self._idle_one()):
            try:
                connection.raw.execute(words)
            except psycopg.OperationalError:
                lost = connection.raw.broken
                connection.close()
                if not lost:
                    raise
            else:
                return connection
        connection = self.connect()
        try:
            connection.raw.execute(words)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: PostgresConnection) -> None:
        raw = connection.raw
        try:
            if raw.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                raw.execute(b"ROLLBACK")
                connection.prepared.clear()  # the driver has just told the server to forget what is prepared
        except psycopg.Error:
            connection.close()
        if raw.info.transaction_status is TransactionStatus.IDLE and len(self._idle) < _IDLE_CONNECTIONS:
            self._keep(connection)
        else:
            connection.close()

    def transaction(
        self,
        *,
        durable: bool = False,  # noqa: ARG002  (what is not fleeting is)
        fleeting: bool = False,
        lock: Lock = Lock.LIST,
    ) -> _Begun:
        """A connection to write with. All that is committed here survives a power cut, if the server is set up to."""
        return self._begun(_BEGIN[lock] + _FLEETING if fleeting else _BEGIN[lock])

    def reading(self) -> _Begun:
        """A connection that sees the database as it was at its first query, whatever others commit meanwhile."""
        return self._begun(_READ)

    def ask(self, sql: str, parameters: Sequence[Any]) -> Question:
        """Ask a statement that is a transaction by itself, and whose row is of whole numbers; wait for nothing.

        Raises StoreError.
        """
        with self.translated():
            connection = cast("PostgresConnection | None", self._idle_one()) or self.connect()
        return Question(connection, numbered(sql), parameters, self.translated, self._give_back)

    @contextmanager
    def own(self) -> Iterator[PostgresConnection]:
        """A connection of the caller's own, closed at the end; what it begins, it ends."""
        with self.translated():
            connection = self.connect()
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def writing_on(self, connection: Connection, *, wait: bool = True) -> Iterator[None]:
        """A transaction on a connection of one's own; `wait` keeps other writers from it."""
        assert isinstance(connection, PostgresConnection)
        connection.raw.execute(_BEGIN[Lock.LIST] if wait else b"BEGIN")
        try:
            yield
            connection.raw.execute(b"COMMIT")
        except BaseException:
            if not connection.raw.closed:
                connection.raw.rollback()
            raise

    def translated(self) -> Translated:
        """Turn what the driver raises inside into a StoreError that says what to do."""
        return Translated(self.name, self._settings)

    def state(self) -> tuple[object, ...]:
        """What changes when anything is written."""
        with self.reading() as connection:
            return self.name, connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()

    def _make_engine(self) -> Engine:
        from newsletter.store.engine import postgresql_engine

        return postgresql_engine(self)
