"""Workers beside each other: 1, 2 and 4 of them over one PostgreSQL, and their time in the database.

Each is a process as `newsletter worker` starts it, into the fast server of the suite "sending", over 20 connections for
all of them. Once as fast as they can, and once held to 2,000 messages a second by a limit over all of them; then the
seconds are those between the first round and the last, without the start of the program.

waits    part of the time, by the clock on the wall, in which a worker does nothing but ask, or wait for an answer
asks     part of the time in which the database has a question of its, whatever the worker does meanwhile

Beside it what the database writes: its log (WAL), and the rows. At the end, both databases side by side (databases.py).

NEWSLETTER_BENCH_POSTGRESQL names a server, as in the suite "store"; else one is started, whose writes reach the disk.

    python -m benchmarks.workers FOLDER      one worker, which prints what it measured as JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks import databases
from benchmarks.databases import READERS, own_server
from benchmarks.measure import free_port, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANNED = 1_000_000
CONNECTIONS = 20


def run() -> None:
    """Print the table."""
    rows = []
    with own_server() as url:
        _planned(url)
    with own_server() as url, _sink() as port:
        for rate in (0, 2000):
            for number in (1, 2, 4):
                rows.append(_measured(url, port, number, rate))
    table(
        f"{READERS:,} messages by workers over one PostgreSQL",
        ("workers", "limit", "messages/s", "waits", "asks", "transactions a message", "WAL, octets a message"),
        rows,
    )
    databases.run()


def written(url: str) -> int:
    """How far the server has written its log, in octets."""
    from newsletter.store.database import open_database

    with open_database(url) as database, database.reading() as connection:
        query = "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS BIGINT)"
        return int(connection.execute(query).fetchone()[0])


def _planned(url: str) -> None:
    """Print what a plan costs, and what a delivery takes."""
    from newsletter.store.database import open_database
    from tests.support.sending import fill_list, plan

    rows = []
    with open_database(url) as database:
        fill_list(database, PLANNED)
        before, began = written(url), perf_counter()
        plan(database)
        seconds, wal = perf_counter() - began, written(url) - before
        with database.reading() as connection:
            sizes = connection.execute(
                "SELECT pg_relation_size('deliveries'), pg_relation_size('pk_deliveries'), "
                "pg_relation_size('ix_deliveries_waiting'), pg_total_relation_size('subscribers')"
            ).fetchone()
    for what, size in zip(("row", "its key", "waiting", "its subscriber"), sizes, strict=True):
        rows.append((what, f"{size / PLANNED:,.0f} octets"))
    rows += [
        ("WAL of the plan", f"{wal / PLANNED:,.0f} octets"),
        ("time of the plan", f"{1e6 * seconds / PLANNED:.1f} µs"),
    ]
    table(f"A delivery in PostgreSQL, one of {PLANNED:,}", ("what", "takes"), rows)


def _measured(url: str, port: int, number: int, rate: int) -> tuple[str, ...]:
    from newsletter.store.database import open_database
    from newsletter.store.mailings import tally_of
    from tests.support.sending import fill_list, plan
    from tests.support.workers import settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = settings_for(url, port, max(1, CONNECTIONS // number))
        (folder / "newsletter.toml").write_text(text + (f'rate = "{rate}/s"\n' if rate else ""))
        with open_database(url) as database:
            with database.transaction() as connection:
                (known,) = connection.execute("SELECT count(*) FROM subscribers").fetchone()
            if not known:
                fill_list(database, READERS)
            mailing = plan(database, issue=f"{number}-{rate}-{datetime.now(UTC):%H%M%S}")
            with database.transaction() as connection:
                now = int(datetime.now(UTC).timestamp())
                connection.execute("UPDATE mailings SET starts_at = ? WHERE id = ?", (now, mailing.id))
            command = [sys.executable, "-m", "benchmarks.workers", name]
            workers = [
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for _ in range(number)
            ]
            for worker in workers:
                assert worker.stdout
                assert worker.stdout.readline() == "ready\n"
            before = written(url)
            for worker in workers:
                assert worker.stdin
                worker.stdin.write("go\n")
                worker.stdin.flush()
            told = [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers]
            counts = tally_of(database, mailing.id)
            assert counts.accepted == READERS, counts
        seconds = max(each["seconds"] for each in told)
        whole = sum(each["seconds"] for each in told)
        sending = max(each["sending"] for each in told)
    return (
        str(number),
        f"{rate:,}/s" if rate else "none",
        f"{READERS / (sending if rate else seconds):,.0f}",
        f"{100 * sum(each['held'] for each in told) / whole:.0f} %",
        f"{100 * sum(each['asked'] for each in told) / whole:.0f} %",
        f"{sum(each['transactions'] for each in told) / READERS:.2f}",
        f"{(written(url) - before) / READERS:,.0f}",
    )


@contextmanager
def _sink() -> Iterator[int]:
    """The fast server, and its port."""
    from benchmarks.sending import HERE, server

    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "fastsink"
        subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "fastsink.c")], check=True)
        port = free_port()
        with server([program, str(port)], port):
            yield port


def _work(folder: Path) -> None:
    """Be one worker, and measure."""
    from newsletter.cli import main
    from newsletter.store.postgresql import PostgresConnection, PostgresDatabase
    from newsletter.store.postgresql_questions import Question

    held = asked = 0.0
    transactions = 0
    moments: list[float] = []  # the first round, and the last one
    begun, ask, answer = PostgresDatabase._begun, Question.__init__, Question.answer

    @contextmanager
    def measured(self: PostgresDatabase, words: bytes) -> Iterator[PostgresConnection]:
        nonlocal held, asked, transactions
        began = perf_counter()
        transactions += 1
        try:
            with begun(self, words) as connection:
                yield connection
        finally:
            held += perf_counter() - began
            asked += perf_counter() - began

    def measured_ask(self: Question, *words: Any) -> None:
        nonlocal held, asked, transactions
        began = perf_counter()
        moments[1:] = [began]
        transactions += 1
        asked -= began
        ask(self, *words)
        held += perf_counter() - began

    def measured_answer(self: Question) -> tuple[int, ...] | None:
        nonlocal held, asked
        began = perf_counter()
        try:
            return answer(self)
        finally:
            held += perf_counter() - began
            asked += perf_counter()

    # The worker opens its own database, somewhere in the program: only its class can be reached from here.
    PostgresDatabase._begun = measured  # type: ignore[method-assign]
    Question.__init__ = measured_ask  # type: ignore[method-assign, assignment]
    Question.answer = measured_answer  # type: ignore[method-assign]
    print("ready", flush=True)
    sys.stdin.readline()
    held, asked, transactions, began = 0.0, 0.0, 0, perf_counter()
    code = main(["worker", "--once", "--jobs", "1", "--quiet", "--config", str(folder / "newsletter.toml")])
    assert code == 0
    told = {"seconds": perf_counter() - began, "held": held, "asked": asked, "transactions": transactions}
    print(json.dumps(told | {"sending": moments[-1] - moments[0]}), flush=True)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
