"""`newsletter publish` from a list in SQLite and from one in PostgreSQL, side by side on one machine.

The same issue to the same readers, into memory and into the servers of the suite "sending", by one process and by two.
Runs of both take turns, and the better one of each counts. Messages a second of the sending itself.

NEWSLETTER_BENCH_POSTGRESQL names a server, as in the suite "store"; else one is started, whose writes reach the disk.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import sending
from benchmarks.measure import table
from benchmarks.store import empty

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS = int(os.environ.get("NEWSLETTER_BENCH_WORKERS_READERS", "20000"))


def run() -> None:
    """Print the table."""
    with own_server() as url:
        rows = [*_both(url, "memory", "nowhere", 2525)]
        for name, command, port in sending.servers():
            with sending.server(command, port):
                rows += _both(url, name, "relay", port)
    table(
        f"{READERS:,} messages from either database",
        ("into", "processes", "SQLite, messages/s", "PostgreSQL, messages/s", "ratio"),
        rows,
    )


def _both(url: str, name: str, transport: str, port: int) -> Iterator[tuple[str, ...]]:
    for jobs in (1, 2):
        seconds: dict[str, list[float]] = {"": [], url: []}
        for _ in range(sending.RUNS):
            for store, taken in seconds.items():
                taken.append(sending.publish(READERS, transport, port, jobs=jobs, store=store)[0])
                if store:
                    empty(store)
        one, other = (READERS / min(taken) for taken in seconds.values())
        yield name, str(jobs), f"{one:,.0f}", f"{other:,.0f}", f"{other / one:.2f}"


@contextmanager
def own_server() -> Iterator[str]:
    """The address of an empty database."""
    if named := os.environ.get("NEWSLETTER_BENCH_POSTGRESQL", ""):
        yield named
        return
    from tests.support.apart import own_server

    with own_server(fsync=True) as server:
        yield server.url
