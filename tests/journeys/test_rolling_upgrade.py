"""Machines are upgraded one by one: workers of two versions of the program send one mailing, to everybody once."""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import pytest

from newsletter import __version__
from newsletter.store.mailings import tally_of
from tests.support import postgresql
from tests.support.migrations import ADDING_STEP, NEXT, NEXT_STEP, TOMORROW, program_of_tomorrow
from tests.support.sink import Sink
from tests.support.workers import Cluster, WorkerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="processes are looked at in /proc")
READERS = 3000
# Where workers go from table to table the other way round, and slowly.
AGAINST_THE_STREAM = ADDING_STEP + "".join(
    f"""
    op.execute("ALTER TABLE {table} ADD COLUMN more TEXT NOT NULL DEFAULT ''")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT pg_sleep(0.5)")
"""
    for table in ("deliveries", "workers", "mailings")
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a list is kept that this test upgrades: nobody else's afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/newsletter.db"
    else:
        address = postgresql.fresh("newsletter")
        yield address
        postgresql.drop(address)


def schema_in(cluster: Cluster) -> str:
    """The step that the database has reached."""
    with cluster.database() as database, database.reading() as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def claims_of(worker: WorkerProcess) -> int:
    """How often it has claimed."""
    return sum(each["event"] == "claim" for each in worker.events)


def versions_of(worker: WorkerProcess) -> list[str]:
    """What it says of itself each time it begins to take part."""
    return [each["program"] for each in worker.events if each["event"] == "lease taken"]


class Patient:
    """A mail server that is slow until it is told to hurry: so long the mailing lasts, however slow the machine is."""

    def __init__(self) -> None:
        self.hurry = False

    def __call__(self, verb: str, _argument: str) -> None:
        """Think about a message."""
        if verb == "." and not self.hurry:
            sleep(0.01)


def test_after_an_upgrade_that_only_adds_workers_of_both_versions_write_to_everybody_once(
    tmp_path: Path, url: str
) -> None:
    tomorrow = {"PYTHONPATH": str(program_of_tomorrow(tmp_path / "tomorrow", AGAINST_THE_STREAM))}
    server = Patient()
    with Sink(server) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster:
        before = cluster.start(under="as-it-is")
        until(lambda: before.has_logged("claim"), "the old one has claimed")
        new = cluster.start(under="as-it-is", environ=tomorrow)
        until(lambda: new.has_logged("claim"), "the new one has claimed")
        assert schema_in(cluster) == NEXT
        claimed = claims_of(before)
        until(lambda: claims_of(before) > claimed, "the old one goes on")
        after = cluster.start(under="as-it-is")
        until(lambda: after.has_logged("claim"), "an old one that is started again takes part, too")
        assert cluster.present() == 3
        server.hurry = True
        cluster.until_finished()
        assert [worker.stop() for worker in (before, new, after)] == [0, 0, 0], [each.said for each in cluster.workers]
        cluster.check(sink, lost_connections=0)
    assert [versions_of(each) for each in (before, new, after)] == [[__version__], [TOMORROW], [__version__]]


def test_after_any_other_upgrade_old_workers_end_with_a_word_and_the_new_one_writes_to_the_rest(
    tmp_path: Path, url: str
) -> None:
    tomorrow = {"PYTHONPATH": str(program_of_tomorrow(tmp_path / "tomorrow", NEXT_STEP))}
    server = Patient()
    with Sink(server) as sink, Cluster(tmp_path, url, sink.port, READERS) as cluster, cluster.database() as opened:
        before = cluster.start(under="as-it-is")
        until(lambda: before.has_logged("claim"), "the old one has claimed")
        new = cluster.start(under="as-it-is", environ=tomorrow)
        after = [before.process.wait(90), cluster.start("--once", under="as-it-is").process.wait(90)]
        server.hurry = True
        assert after == [4, 4]
        for old in (before, cluster.workers[-1]):
            assert f"was written by newsletter {TOMORROW}" in old.said
            assert "upgrade this program" in old.said
        until(lambda: tally_of(opened, cluster.mailing.id).is_settled, "the new one has written to the rest")
        assert new.stop() == 0
        assert tally_of(opened, cluster.mailing.id).accepted == READERS
        assert sink.duplicates == []
        assert len(set(sink.accepted)) == READERS
