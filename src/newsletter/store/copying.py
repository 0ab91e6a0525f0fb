"""A whole list with its mailings, moved from one database to another: from a file to a server, or back.

    look     who may be copied at all: nobody sends, and the new place is empty
    copy     table by table, as a stream, while nobody else writes in the old place; all of it in one transaction
    proof    each table is read again in the new place: as many rows, and the same checksum, or nothing stays

The checksum of a table is the sum of its rows' hashes, so that the order in which a database tells them is no matter.
What a database remembers about itself alone (which program made it, where it lives) stays behind.
"""

from __future__ import annotations

from contextlib import closing
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from newsletter.errors import ListError, Problem, StoreError
from newsletter.store.schema import metadata
from newsletter.store.upgrade import check_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Table

    from newsletter.store.database import Connection, Database

_AT_ONCE = 5000  # rows that are in memory
_OF_ITS_OWN = ("program", "beside", "home", "identity", "sent")  # rows of `meta`
_ROUND = 2**128


class Copied(NamedTuple):
    """A table that was copied, or would be."""

    table: str
    rows: int
    checksum: str  # "" where nothing was copied


class _Sum:
    """Counts rows, and adds up what they hold."""

    def __init__(self) -> None:
        self.rows = 0
        self.sum = 0

    def through(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The same rows."""
        for row in rows:
            self.rows += 1
            self.sum += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())
            yield row

    def of(self, table: str) -> Copied:
        """What was counted."""
        return Copied(table, self.rows, f"{self.sum % _ROUND:032x}")


def sizes(source: Database) -> list[Copied]:
    """How many rows would be copied. Raises ListError while a mailing is being sent, Outdated as `copy` does."""
    check_version(source, wholly=True)
    with source.reading() as connection:
        _check_rest(connection)
        return [Copied(table.name, _count(connection, table), "") for table in metadata.sorted_tables]


def copy(source: Database, target: Database, progress: Callable[[int, str], object] = lambda *_: None) -> list[Copied]:
    """Copy everything, and prove it. `progress` hears how many rows more were copied, and of which table.

    Raises ListError while a mailing is being sent, and when the new place is not empty; Outdated when a newer program
    has added to either place what this one would leave out; StoreError when the proof fails, or a database does. Then
    nothing of the copy stays.
    """
    for place in (source, target):
        check_version(place, wholly=True)
    if source.name == target.name:
        raise ListError(Problem("this is where the list is already", path=target.name, fix="name another place"))
    with source.transaction() as old:
        _keep_still(old)
        _check_rest(old)
        with target.transaction(durable=True) as new:
            _check_empty(new, target)
            copied = [_copy_table(old, new, table, progress) for table in metadata.sorted_tables]
            for told in copied:
                found = _read_again(new, metadata.tables[told.table])
                if found != told:
                    raise StoreError(
                        Problem(f"the copy of {told.table} is not the same: {found.rows:,} rows of {told.rows:,}",
                                path=target.name, fix="nothing of the copy was kept; please report this")
                    )  # fmt: skip
            for table in metadata.sorted_tables:
                if table.dialect_options["sqlite"]["autoincrement"]:
                    _count_on(new, table.name, _last_number(old, table.name))
            if new.dialect.on_a_server:
                new.execute("ANALYZE")
    return copied


def _check_rest(connection: Connection) -> None:
    row = connection.execute(
        "SELECT m.issue FROM workers w JOIN mailings m ON m.id = w.mailing_id WHERE w.lease_until > 0 LIMIT 1"
    ).fetchone()
    if row:
        raise ListError(
            Problem(
                f"{row[0]} is being sent, or its sender was killed and left it open; a copy would not know what was",
                fix=f"wait for its end, or bring it to one: newsletter resume {row[0]}",
            )
        )


def _check_empty(connection: Connection, target: Database) -> None:
    full = [table.name for table in metadata.sorted_tables if _count(connection, table)]
    if full:
        raise ListError(
            Problem(f"there is something in this database already ({', '.join(full)}); nothing was copied",
                    path=target.name, fix="name a new one: a copy takes the place of nothing")
        )  # fmt: skip


def _keep_still(connection: Connection) -> None:
    """Let nobody else write until the end. In a file, nobody can anyway."""
    if connection.dialect.on_a_server:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.execute(f"LOCK TABLE {names} IN SHARE MODE")


def _copy_table(
    old: Connection, new: Connection, table: Table, progress: Callable[[int, str], object]
) -> Copied:  # fmt: skip
    columns = [column.name for column in table.columns]
    seen = _Sum()
    with closing(old.stream(_select(table))) as found:
        rows = seen.through(found)
        while chunk := list(islice(rows, _AT_ONCE)):
            new.add_rows(table.name, columns, chunk)
            progress(len(chunk), table.name)
    return seen.of(table.name)


def _read_again(new: Connection, table: Table) -> Copied:
    seen = _Sum()
    with closing(new.stream(_select(table))) as found:
        for _ in seen.through(found):
            pass
    return seen.of(table.name)


def _select(table: Table) -> str:
    columns = ", ".join(column.name for column in table.columns)
    # In the order of the first key: people stay in the order in which they joined, and pages are filled one by one.
    key = ", ".join(column.name for column in table.primary_key)
    return f"SELECT {columns} FROM {table.name}{_where(table)} ORDER BY {key}"  # noqa: S608  (our own names)


def _count(connection: Connection, table: Table) -> int:
    (number,) = connection.execute(f"SELECT count(*) FROM {table.name}{_where(table)}").fetchone()  # noqa: S608  (our own names)
    return int(number)


def _where(table: Table) -> str:
    return f" WHERE name NOT IN {_OF_ITS_OWN}" if table.name == "meta" else ""


def _last_number(connection: Connection, table: str) -> int:
    """The last number that was given in a table, though its row may be gone: it is given to nobody else."""
    if connection.dialect.on_a_server:
        row = connection.execute(
            "SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() AND sequencename = ?",
            (f"{table}_id_seq",),
        ).fetchone()
    else:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    (highest,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608  (our own names)
    return max(int(highest), int(row[0] or 0) if row else 0)


def _count_on(connection: Connection, table: str, last: int) -> None:
    """Let the next number in a table be the one after this."""
    if connection.dialect.on_a_server:
        if last:
            connection.execute("SELECT setval(?::regclass, ?)", (f"{table}_id_seq", last))
        return
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
