"""Several processes send one mailing: together they write to everybody once, and the death of one harms nobody."""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.delivery import State
from newsletter.engines.inline import send_with_jobs
from newsletter.errors import Stopped
from newsletter.store.database import open_database
from newsletter.store.mailings import mailings_of, tally_of, undelivered
from tests.support.sending import fill_list, plan
from tests.support.sink import Sink
from tests.support.stores import new_list
from tests.support.workers import CONNECTIONS, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.report import Tally

READERS = 600


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with new_list(tmp_path) as url:
        yield url


def send_in(folder: Path, url: str, sink: Sink, jobs: int = 2) -> Tally:
    """Plan a mailing to 600 readers unless there is one, and send it with so many jobs."""
    settings = folder / "newsletter.toml"
    settings.write_text(settings_for(url, sink.port))
    with open_database(url) as database:
        if not mailings_of(database):
            fill_list(database, READERS)
            plan(database)
        (mailing,) = mailings_of(database)
        return send_with_jobs(database, mailing, settings, "relay", jobs, now)


def everybody() -> Counter[str]:
    return Counter(f"reader{n}@example.org" for n in range(READERS))


def test_two_jobs_write_to_everybody_once(tmp_path: Path, url: str) -> None:
    with Sink() as sink:
        counts = send_in(tmp_path, url, sink)
    assert counts.accepted == READERS
    assert Counter(sink.accepted) == everybody()


def children() -> list[int]:
    """The processes that this one has started, as Linux tells."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat, open(f"/proc/{name}/cmdline") as command:  # noqa: PTH123
                    if (
                        int(stat.read().rpartition(")")[2].split()[1]) == os.getpid()
                        and "engines.worker" in command.read()
                    ):
                        found.append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="children are found in /proc")  # noqa: PTH112
@pytest.mark.parametrize("moment", [100, *(pytest.param(n, marks=pytest.mark.soak_on_a_server) for n in (1, 400))])
def test_when_a_job_is_killed_the_others_take_over_what_it_had_not_offered(
    tmp_path: Path, url: str, moment: int
) -> None:
    accepted = 0

    def kill_one(verb: str, _argument: str) -> None:
        nonlocal accepted
        if verb == ".":
            accepted += 1
            if accepted == moment:
                os.kill(children()[0], signal.SIGKILL)

    with Sink(kill_one) as sink:
        with pytest.raises(Stopped, match="a sending process ended by itself"):
            send_in(tmp_path, url, sink)
        with open_database(url) as database:
            (mailing,) = mailings_of(database)
            counts = tally_of(database, mailing.id)
            uncertain = {who.email for who in undelivered(database, mailing.id) if who.state is State.UNCERTAIN}
        if counts.pending:
            counts = send_in(tmp_path, url, sink)
    assert counts.accepted + counts.uncertain == READERS
    assert len(uncertain) <= CONNECTIONS
    assert sink.duplicates == []
    assert set(everybody()) - set(sink.accepted) <= uncertain


def test_a_server_that_is_not_there_is_reported_once_and_nobody_is_marked(tmp_path: Path, url: str) -> None:
    with Sink() as sink:
        port = sink.port
    gone = Sink(port=port)
    with pytest.raises(Stopped, match="cannot use the mail server") as caught:
        send_in(tmp_path, url, gone)
    assert len(caught.value.problems) == 1
    with open_database(url) as database:
        (mailing,) = mailings_of(database)
        assert tally_of(database, mailing.id).pending == READERS
