"""Several workers send one mailing: killed, frozen or stopped, they write to everybody once."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.presence import HEARTBEAT_SECONDS
from newsletter.engines import procrastinate
from newsletter.engines.procrastinate import announce
from newsletter.limits import GOOD_FOR, Rate
from newsletter.mailing import Wish
from newsletter.store.leases import LEASE_SECONDS
from newsletter.store.schedules import wish
from tests.support import postgresql
from tests.support.sink import Sink
from tests.support.workers import CONNECTIONS, PATIENCE, Cluster, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="processes are looked at in /proc")
READERS = 600


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the list is kept."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/newsletter.db"
    else:
        with postgresql.empty_list() as address:
            yield address


def thoughtful(verb: str, _argument: str) -> None:
    """A server that thinks a moment about each message, so that a mailing lasts."""
    if verb == ".":
        sleep(0.002)


class Held:
    """A server that takes no content until it is told to, so that all workers have something in hand."""

    def __init__(self) -> None:
        self.go = Event()

    def __call__(self, verb: str, argument: str) -> None:
        if verb == ".":
            self.go.wait(PATIENCE)
        thoughtful(verb, argument)


def test_three_workers_write_to_everybody_once_though_one_is_killed_and_one_sleeps_through_its_lease(
    tmp_path: Path, url: str
) -> None:
    held = Held()
    with Sink(held) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        killed, frozen, third = (cluster.start() for _ in range(3))
        until(lambda: all(each.has_logged("claim") for each in (killed, frozen, third)), "all three have claimed")
        killed.signal(signal.SIGKILL)
        frozen.freeze(url)
        held.go.set()
        cluster.until_finished()
        before = len(sink.accepted)
        frozen.signal(signal.SIGCONT)
        until(lambda: frozen.has_logged("not ours"), "the sleeper sees that others have taken over")
        assert len(sink.accepted) - before <= CONNECTIONS
        assert third.stop() == 0
        assert frozen.stop() == 0
        cluster.check(sink, lost_connections=2 * CONNECTIONS)
        assert third.has_logged("taken over")


def test_who_looks_when_nothing_happens_looks_often_enough_to_notice_within_half_a_minute() -> None:
    assert LEASE_SECONDS + max(HEARTBEAT_SECONDS, procrastinate._LOOK_EVERY) <= 30


@pytest.mark.soak
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_whoever_is_killed_or_frozen_is_noticed_within_half_a_minute(tmp_path: Path, url: str, how: str) -> None:
    held = Held()
    with Sink(held) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        gone, other = (cluster.start(under="as-it-is") for _ in range(2))
        until(lambda: gone.has_logged("claim") and other.has_logged("claim"), "both are at it")
        if how == "killed":
            gone.signal(signal.SIGKILL)
        else:
            gone.freeze(url)
        held.go.set()
        began = monotonic()
        until(lambda: other.has_logged("taken over"), "what it had is taken over")
        assert monotonic() - began < 30
        cluster.until_finished()
        assert other.stop() == 0
        cluster.check(sink, lost_connections=CONNECTIONS)


@pytest.mark.soak
def test_a_worker_of_several_processes_that_is_killed_leaves_nobody_behind(tmp_path: Path, url: str) -> None:
    with Sink(thoughtful) as sink, Cluster(tmp_path, url, sink.port, 3 * READERS) as cluster:
        killed, other = (cluster.start("--jobs", "2") for _ in range(2))
        until(lambda: len(sink.accepted) > READERS, "they are at it")
        killed.signal(signal.SIGKILL)
        cluster.until_finished()
        assert other.stop() == 0
        cluster.check(sink, lost_connections=2 * CONNECTIONS)


def test_a_worker_that_is_asked_to_end_finishes_what_is_in_flight_and_leaves_the_rest_to_others(
    tmp_path: Path, url: str
) -> None:
    with Sink(thoughtful) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        first, second = cluster.start(), cluster.start()
        until(lambda: first.has_logged("claim") and second.has_logged("claim"), "both are at it")
        began = monotonic()
        assert first.stop() == 0
        assert monotonic() - began < 10
        cluster.until_finished()
        assert second.stop() == 0
        cluster.check(sink, lost_connections=0)


def test_a_pause_and_a_cancellation_reach_all_workers(tmp_path: Path, url: str) -> None:
    with Sink(thoughtful) as sink, Cluster(tmp_path, url, sink.port, 3 * READERS) as cluster:
        workers = [cluster.start() for _ in range(2)]
        until(lambda: all(each.has_logged("claim") for each in workers), "both are at it")
        began = monotonic()
        with cluster.database() as database:
            wish(database, cluster.mailing.id, Wish.PAUSE, 1)
        until(lambda: all(each.has_logged("pause heard") for each in workers), "both have heard it")
        assert monotonic() - began < 10
        until(lambda: cluster.present() == 0, "both have left")
        paused_at = len(sink.accepted)
        assert paused_at < 3 * READERS
        with cluster.database() as database:
            wish(database, cluster.mailing.id, Wish.NONE, 1)
        until(lambda: len(sink.accepted) > paused_at, "they go on by themselves")
        with cluster.database() as database:
            wish(database, cluster.mailing.id, Wish.CANCEL, 1)
        cluster.until_finished()
        assert [worker.stop() for worker in workers] == [0, 0]
        counts = cluster.tally()
        assert counts.accepted == len(sink.accepted)
        assert counts.accepted + counts.skipped == 3 * READERS
        assert sink.duplicates == []


def test_two_workers_that_end_when_nobody_is_due_leave_a_finished_mailing(tmp_path: Path, url: str) -> None:
    with Sink() as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        workers = [cluster.start("--once") for _ in range(2)]
        assert [worker.process.wait(90) for worker in workers] == [0, 0], [worker.said for worker in workers]
        assert cluster.standing().state.value == "finished"
        cluster.check(sink, lost_connections=0)


def test_two_schedulers_beside_a_worker_write_to_everybody_once(tmp_path: Path, url: str) -> None:
    with Sink(thoughtful) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        runners = [cluster.start("--until-done", command="run") for _ in range(2)]
        worker = cluster.start()
        assert [each.process.wait(90) for each in runners] == [0, 0], [each.said for each in runners]
        cluster.until_finished()
        assert worker.stop() == 0
        cluster.check(sink, lost_connections=0)


def test_a_rate_holds_for_two_workers_together_by_what_the_mail_server_has_on_record(tmp_path: Path, url: str) -> None:
    rate, moments = Rate(50, 1), list[float]()

    def write_down(verb: str, _argument: str) -> None:
        if verb == ".":
            moments.append(monotonic())

    with Sink(write_down) as sink, Cluster(
        tmp_path, url, sink.port, 200, more=f'[limits]\nrate = "{rate}"\n'
    ) as cluster:  # fmt: skip
        workers = [cluster.start() for _ in range(2)]
        until(lambda: all(each.has_logged("lease taken") for each in workers), "both take part")
        cluster.until_finished()
        assert [worker.stop() for worker in workers] == [0, 0]
        cluster.check(sink, lost_connections=0)
    assert moments[-1] - moments[0] >= (len(moments) - rate.burst) / rate.messages - GOOD_FOR / 1000
    for first, start in enumerate(moments):
        for last in range(first, len(moments)):
            # A server that stood still for a moment finds several at its door.
            stretch = moments[last] - start + GOOD_FOR / 1000 + 0.5
            assert last - first + 1 <= rate.burst + rate.messages * stretch


def test_the_engine_wakes_all_who_are_idle_one_after_another_and_a_job_too_many_changes_nothing(
    tmp_path: Path,
) -> None:
    with (
        postgresql.empty_list() as url,
        Sink(thoughtful) as sink,
        Cluster(tmp_path, url, sink.port, 2 * READERS, waits=True) as cluster,
    ):
        workers = [cluster.start(under="short-leases,only-woken") for _ in range(2)]
        until(lambda: all(each.has_logged("listening") for each in workers), "both listen")
        assert not any(each.has_logged("due") for each in workers)
        with cluster.database() as database:
            cluster.release(database)
        for _ in range(2):
            announce(url, cluster.mailing, None)
        until(lambda: all(each.has_logged("claim") for each in workers), "both were woken")
        cluster.until_finished()
        announce(url, cluster.mailing, None)
        assert [worker.stop() for worker in workers] == [0, 0], [worker.said for worker in workers]
        cluster.check(sink, lost_connections=0)
