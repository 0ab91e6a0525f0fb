"""The two databases side by side: how long an import, a plan, and the ledger of a send take in a file and on a server.

NEWSLETTER_BENCH_POSTGRESQL names a PostgreSQL database, as [store] url does; it must be empty, and is emptied again at
the end. Without it only the file is measured. Messages go nowhere: what is measured is the composing and the ledger,
the worst case for a database, since no network makes anybody wait. By the clock on the wall.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks import importing
from benchmarks.measure import table
from newsletter.actions.import_subscribers import import_subscribers
from newsletter.actions.send import send
from newsletter.sources.list_files import open_list
from newsletter.store.database import open_database
from newsletter.transports.memory import MemoryTransport
from tests.support.sending import plan, post_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database

ROWS = importing.ROWS
SENT = max(1, ROWS // 10)


def _now() -> datetime:
    return datetime.now(UTC)


def _measured(name: str, url: str, people: Path) -> Iterator[tuple[str, str, str, str]]:
    with open_database(url) as database:
        began = perf_counter()
        with open_list(people, None) as source:
            import_subscribers(database, source, now=int(_now().timestamp()))
        yield name, *_row("import", ROWS, perf_counter() - began)
        began = perf_counter()
        plan(database)
        yield name, *_row("plan", ROWS, perf_counter() - began)
        _leave(database, SENT)
        mailing = plan(database, issue="2026-12-hello")
        post = post_for(database, mailing)
        transport = MemoryTransport(keep=0)
        began = perf_counter()
        counts = send(database, mailing, post, transport, _now)
        assert counts.accepted == SENT, counts
        yield name, *_row("send", SENT, perf_counter() - began)


def _leave(database: Database, number: int) -> None:
    """Keep so many on the list."""
    with database.transaction() as connection:
        connection.execute("UPDATE subscribers SET status = 'unsubscribed' WHERE id > ?", (number,))


def _row(what: str, number: int, seconds: float) -> tuple[str, str, str]:
    return what, f"{number:,} in {seconds:.1f} s", f"{number / seconds:,.0f}"


def run() -> None:
    """Print the table."""
    server = os.environ.get("NEWSLETTER_BENCH_POSTGRESQL", "")
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people.csv"
        importing.write(people, ROWS)
        rows += _measured("SQLite", f"sqlite:///{folder}/newsletter.db", people)
        if server:
            rows += _measured("PostgreSQL", server, people)
            empty(server)
    table("The list and the ledger", ("database", "work", "took", "a second"), rows)
    if not server:
        print("NEWSLETTER_BENCH_POSTGRESQL names no server: the file alone was measured")


def empty(url: str) -> None:
    """Take all tables away."""
    from newsletter.store.schema import metadata

    with open_database(url) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS consents_are_written_once")
