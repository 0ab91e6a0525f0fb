"""Workers on hosts that are apart: the database restarted, the link to it cut, a clock that is wrong."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from newsletter.store.leases import workers_of
from tests.support import postgresql
from tests.support.apart import another_host, own_server, wrong_clock
from tests.support.author import HELLO, Author
from tests.support.sink import Sink
from tests.support.workers import CONNECTIONS, Cluster, until

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

READERS = 600


def thoughtful(verb: str, _argument: str) -> None:
    """A server that thinks a moment about each message, so that a mailing lasts."""
    if verb == ".":
        sleep(0.003)


def test_a_database_that_goes_down_in_the_middle_and_comes_back_costs_at_most_one_message_a_connection(
    tmp_path: Path,
) -> None:
    with own_server() as server, Sink(thoughtful) as sink, Cluster(tmp_path, server.url, sink.port, READERS) as cluster:
        workers = [cluster.start() for _ in range(2)]
        until(lambda: all(each.has_logged("claim") for each in workers), "both have claimed")
        server.crash()
        server.start()
        cluster.until_finished()
        assert [worker.stop() for worker in workers] == [0, 0], [worker.said for worker in workers]
        cluster.check(sink, lost_connections=2 * CONNECTIONS)


def test_a_worker_that_is_there_before_its_database_waits_for_it_unless_it_is_to_end_by_itself(tmp_path: Path) -> None:
    with own_server() as server, Sink() as sink, Cluster(tmp_path, server.url, sink.port, 50) as cluster:
        server.crash()
        early, passing, impatient = cluster.start(), cluster.start(), cluster.start("--once")
        until(lambda: "Waiting for the database: " in early.said and "Waiting" in passing.said, "both wait")
        assert "no PostgreSQL server answers" in early.said
        assert impatient.process.wait(90) == 4
        assert passing.stop() == 4
        server.start()
        cluster.until_finished()
        assert early.stop() == 0
        cluster.check(sink, lost_connections=0)


@pytest.mark.soak
def test_a_publish_whose_database_goes_down_says_so_and_resume_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = Author(tmp_path / "newsletter", monkeypatch)
    author.issue()
    with own_server() as server, author.sink(fault=thoughtful) as sink:
        author.keep_list_at(server.url)
        everybody = author.readers(READERS)
        with author.start("publish", HELLO, "--yes", "--quiet", under="hurried") as process:
            until(lambda: len(sink.accepted) > READERS // 4, "it is at it")
            server.crash()
            _, told = process.communicate(timeout=60)
        assert process.returncode == 4, told
        assert f"once it is back: newsletter resume {HELLO}" in told
        assert "Traceback" not in told
        server.start()
        resumed = author.run("resume", HELLO, "--json", "--quiet")
    assert sink.duplicates == []
    report = resumed.report
    assert report["accepted"] + report["uncertain"] == READERS
    assert report["uncertain"] <= 4
    assert len(everybody - set(sink.accepted)) <= report["uncertain"]


@pytest.mark.parametrize("hours", [pytest.param(-1, marks=pytest.mark.soak), 1])
def test_a_host_whose_clock_is_wrong_by_an_hour_harms_nobody(tmp_path: Path, hours: int) -> None:
    with (
        postgresql.empty_list() as url,
        Sink(thoughtful) as sink,
        Cluster(tmp_path, url, sink.port, READERS) as cluster,
    ):
        right = cluster.start()
        wrong = cluster.start(environ=wrong_clock(tmp_path, hours * 3600))
        until(lambda: right.has_logged("claim") and wrong.has_logged("claim"), "both have claimed")
        with cluster.database() as database:
            now = int(datetime.now(UTC).timestamp())
            leases = [each.lease_until - now for each in workers_of(database, cluster.mailing.id)]
        assert all(-60 < left < 60 for left in leases), "the database's clock says when"
        cluster.until_finished()
        at = datetime.fromisoformat(wrong.events[-1]["at"])
        assert abs((at - datetime.now(UTC)).total_seconds() - hours * 3600) < 60, "its own clock is wrong"
        assert not right.has_logged("taken over")
        assert not wrong.has_logged("taken over")
        assert (right.stop(), wrong.stop()) == (0, 0)
        cluster.check(sink, lost_connections=0)


@pytest.mark.parametrize(
    ("hours", "starts_in", "is_due"),
    [(1, 1800, False), pytest.param(-1, 0, True, marks=pytest.mark.soak)],
    ids=["ahead", "behind"],
)
def test_what_is_scheduled_goes_out_when_it_is_time_also_from_a_host_whose_clock_is_wrong_by_an_hour(
    tmp_path: Path, hours: int, starts_in: int, is_due: bool
) -> None:
    with (
        postgresql.empty_list() as url,
        Sink() as sink,
        Cluster(tmp_path, url, sink.port, READERS, waits=True) as cluster,
    ):
        with cluster.database() as database, database.transaction() as connection:
            starts_at = int(datetime.now(UTC).timestamp()) + starts_in
            connection.execute("UPDATE mailings SET starts_at = ?", (starts_at,))
        wrong = cluster.start("--once", environ=wrong_clock(tmp_path, hours * 3600))
        assert wrong.process.wait(90) == 0, wrong.said
        assert len(sink.accepted) == (READERS if is_due else 0)


class WrongDatetime(datetime):
    """What a machine knows of the time whose clock is wrong."""

    off = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> WrongDatetime:
        """The time by its clock."""
        return super().now(tz) + cls.off


@pytest.mark.parametrize(
    ("minutes", "is_due"), [(-10, True), (10, False)], ids=["behind, and they are due", "ahead, and they are not"]
)
def test_who_is_due_is_told_by_the_databases_clock_by_whoever_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, is_due: bool
) -> None:
    author = Author(tmp_path / "newsletter", monkeypatch)
    author.issue()
    with postgresql.empty_list() as url:
        author.keep_list_at(url)
        author.readers(3)
        with author.sink(fault=lambda verb, _: "451 4.3.0 later" if verb == "RCPT" else None):
            assert author.run("publish", HELLO, "--yes").code == 1
        with author.database() as database, database.transaction() as connection:
            next_at = int(datetime.now(UTC).timestamp()) + (-5 if is_due else 300)
            connection.execute("UPDATE deliveries SET next_at = ?", (next_at,))
        monkeypatch.setattr(WrongDatetime, "off", timedelta(minutes=minutes))
        monkeypatch.setattr("newsletter.store.clocks.datetime", WrongDatetime)
        with author.sink() as sink:
            answer = author.run("resume", HELLO)
    assert (answer.code, len(sink.accepted)) == ((0, 3) if is_due else (3, 0)), answer


def cut_off(tmp_path: Path, seconds: float | None, under: str = "short-leases") -> None:
    """Cut a worker off from the database for so long, or for ever, while another one is not."""
    socket = tmp_path / "smtp"
    with (
        another_host() as host,
        own_server() as server,
        Sink(thoughtful, path=socket) as sink,
        Cluster(tmp_path, server.url, 25, READERS, host=f"unix:{socket}") as cluster,
    ):
        server.crash()
        server.start(listen=host.address)
        there = tmp_path / "there"
        there.mkdir()
        config = there / "newsletter.toml"
        config.write_text(cluster.settings.read_text().replace(
            server.url, f"postgresql://newsletter@{host.address}/postgres"
        ))  # fmt: skip
        far = cluster.start(before=host.before, config=config, under=under)
        near = cluster.start(under=under)
        until(lambda: far.has_logged("claim") and near.has_logged("claim"), "both have claimed")
        host.cut()
        began = monotonic()
        healer = threading.Timer(seconds or 0, host.heal)
        if seconds is not None:
            healer.start()
        cluster.until_finished()
        assert monotonic() - began < (seconds or 0) + 60
        assert near.stop() == 0
        if seconds is None:
            far.process.kill()
        else:
            healer.join()
            # It may be in the middle of looking for the database.
            assert far.stop() in (0, 4), far.said
        cluster.check(sink, lost_connections=CONNECTIONS)


def test_a_worker_that_is_cut_off_from_the_database_for_a_while_costs_at_most_one_message_a_connection(
    tmp_path: Path,
) -> None:
    cut_off(tmp_path, 10)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [60, None], ids=["a minute", "for ever"])
def test_a_worker_that_is_cut_off_for_long(tmp_path: Path, seconds: float | None) -> None:
    cut_off(tmp_path, seconds, under="as-it-is")
