"""A million recipients over PostgreSQL, once, a worker killed every 20 s: everybody gets one, by the sink's record.

Each worker is as on a machine of its own: whether another one is gone, it knows by its lease alone.

    NEWSLETTER_SOAK_READERS=50000 python -m pytest -m soak tests/journeys/test_million_killed.py
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple

import pytest

from benchmarks.workers import written
from newsletter.delivery import State
from newsletter.store.leases import workers_of
from newsletter.store.mailings import mailings_of, tally_of, undelivered
from tests.support.apart import own_server
from tests.support.fast_sink import fast_sink
from tests.support.workers import Cluster, WorkerProcess

if TYPE_CHECKING:
    from newsletter.store.database import Database

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="processes are looked at in /proc")
READERS = int(os.environ.get("NEWSLETTER_SOAK_READERS", "1000000"))
WORKERS = max(2, os.cpu_count() or 2)
CONNECTIONS = max(1, 20 // WORKERS)  # of each
KILL_EVERY = 20.0  # seconds
NOTICED_WITHIN = 30.0  # seconds, and then what the killed one had is the others'


class Kill(NamedTuple):
    """A worker that was killed."""

    pid: int
    number: int  # in the ledger
    at: float


@dataclass
class Observed:
    """What was seen while the mailing went on."""

    kills: list[Kill] = field(default_factory=list)
    noticed: dict[int, float] = field(default_factory=dict)  # seconds after the kill, by process
    peak: float = 0.0  # MB, of a worker

    def look(self, database: Database, mailing: int, workers: list[WorkerProcess]) -> None:
        """See who is still on record, and how large the living are."""
        there = {each.worker.pid for each in workers_of(database, mailing)}
        for kill in self.kills:
            if kill.pid not in there:
                self.noticed.setdefault(kill.pid, monotonic() - kill.at)
        for worker in workers:
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{worker.process.pid}/status").read_text("ascii").splitlines()
                size = next(line for line in lines if line.startswith("VmHWM:"))
                self.peak = max(self.peak, int(size.split()[1]) / 1024)

    def kill(self, number: int, worker: WorkerProcess) -> None:
        """Kill one that takes part, with this number."""
        worker.signal(signal.SIGKILL)
        self.kills.append(Kill(worker.process.pid, number, monotonic()))
        worker.process.wait()


def kill_and_replace_until_finished(cluster: Cluster, database: Database) -> Observed:
    """Kill the one that has been at it for the longest, every 20 s, and start another one; what was seen of it all."""
    seen, mailing = Observed(), cluster.mailing.id
    at_work = [cluster.start(under="host-of-its-own") for _ in range(WORKERS)]
    next_kill = monotonic() + KILL_EVERY
    while not mailings_of(database)[-1].is_over:
        seen.look(database, mailing, at_work)
        there = {each.worker.pid: each.number for each in workers_of(database, mailing)}
        waiting = tally_of(database, mailing).pending if monotonic() > next_kill else 0
        if waiting and at_work[0].process.pid in there:
            worker = at_work.pop(0)
            seen.kill(there[worker.process.pid], worker)
            at_work.append(cluster.start(under="host-of-its-own"))
            next_kill += KILL_EVERY
        assert all(worker.process.poll() is None for worker in at_work), [worker.said for worker in at_work]
        sleep(0.2)
    seen.look(database, mailing, at_work)
    assert [worker.stop() for worker in at_work] == [0] * WORKERS
    return seen


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_recipients_with_a_worker_killed_every_20_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_server(fsync=True) as server, fast_sink(tmp_path) as (port, ended):
        began = monotonic()
        with Cluster(tmp_path, server.url, port, READERS, connections=CONNECTIONS) as cluster:
            planned, wal = monotonic() - began, written(server.url)
            with cluster.database() as database:
                began = monotonic()
                seen = kill_and_replace_until_finished(cluster, database)
                seconds, wal = monotonic() - began, written(server.url) - wal
                counts = tally_of(database, cluster.mailing.id)
                doubtful = [who for who in undelivered(database, cluster.mailing.id) if who.state is State.UNCERTAIN]
                with database.reading() as connection:
                    by_worker = dict(
                        connection.execute(
                            "SELECT claim, count(*) FROM deliveries WHERE state = ? GROUP BY claim",
                            (State.UNCERTAIN.value,),
                        ).fetchall()
                    )
        record = ended()
    uncertain = {int(who.email.removeprefix("reader").partition("@")[0]) for who in doubtful}
    got_none = record.without(READERS)
    with capsys.disabled():
        slowest = max(seen.noticed.values(), default=0.0)
        print(
            f"\n{READERS:,} recipients by {WORKERS} workers over {WORKERS * CONNECTIONS} connections: "
            f"{READERS / seconds:,.0f} messages/s; list and plan in {planned:.1f} s; {len(seen.kills)} killed, "
            f"taken over from after {slowest:.1f} s at most; {len(uncertain)} uncertain, of whom {len(got_none)} got "
            f"nothing; {seen.peak:.0f} MB a worker at most; {wal / READERS:,.0f} octets of log a message"
        )
    assert counts.accepted + counts.uncertain == counts.planned == READERS
    assert record.has_two_for_nobody()
    assert record.messages + len(got_none) == READERS
    assert got_none <= uncertain
    assert by_worker.keys() <= {kill.number for kill in seen.kills}
    assert all(number <= CONNECTIONS for number in by_worker.values())
    assert seen.noticed.keys() == {kill.pid for kill in seen.kills}
    assert all(after < NOTICED_WITHIN for after in seen.noticed.values())
    assert len(seen.kills) >= min(seconds // KILL_EVERY - 1, 1)
