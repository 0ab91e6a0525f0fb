"""Several workers send one mailing from one server: what is limited is limited for all of them, whoever is killed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from newsletter.engines.procrastinate import announce
from newsletter.limits import GOOD_FOR, Rate
from tests.support import postgresql
from tests.support.apart import wrong_clock
from tests.support.api import Api, Call, Reply
from tests.support.sink import Sink
from tests.support.workers import CONNECTIONS, Cluster, WorkerProcess, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="processes are looked at in /proc")
READERS = 200
FULL = "is reached; the others wait"


@contextmanager
def cluster_of(folder: Path, port: int, limits: str) -> Iterator[Cluster]:
    """A mailing under limits, on a server, that waits until its workers are there."""
    with postgresql.empty_list() as url, Cluster(folder, url, port, READERS, more=limits, waits=True) as cluster:
        yield cluster


def begin(cluster: Cluster, victims: list[WorkerProcess], *environs: Mapping[str, str]) -> list[WorkerProcess]:
    """Let a worker for each of these environments be there, the last one as a victim, and all of them begin."""
    workers = [cluster.start(environ=environ) for environ in environs]
    until(lambda: all(each.has_logged("listening") for each in workers), "all are there")
    victims.append(workers[-1])
    with cluster.database() as database:
        cluster.release(database)
    for _ in workers:
        announce(cluster.url, cluster.mailing, None)
    return workers


def check_rate(rate: Rate, moments: Sequence[float]) -> None:
    """In no stretch of time came more than the rate lets go."""
    for first, start in enumerate(moments):
        for last in range(first, len(moments)):
            # A server that stood still for a moment finds several at its door.
            stretch = moments[last] - start + GOOD_FOR / 1000 + 0.5
            assert last - first + 1 <= rate.burst + rate.messages * stretch


def test_a_rate_holds_though_one_is_killed_and_the_clock_of_another_is_wrong_by_an_hour(tmp_path: Path) -> None:
    rate, moments, victims = Rate(50, 1), list[float](), list[WorkerProcess]()

    def write_down(verb: str, _argument: str) -> None:
        if verb == ".":
            moments.append(monotonic())
            if len(moments) == READERS // 3:
                victims.pop().process.kill()

    with (
        Sink(write_down) as sink,
        cluster_of(tmp_path, sink.port, f'[limits]\nrate = "{rate}"\n') as cluster,
    ):
        *others, _ = begin(cluster, victims, {}, wrong_clock(tmp_path, 3600), {})
        cluster.until_finished()
        assert [each.stop() for each in others] == [0, 0]
        assert all(each.has_logged("lease taken") for each in cluster.workers)
        cluster.check(sink, lost_connections=CONNECTIONS)
    check_rate(rate, moments)


def most_at_once(events: Sequence[tuple[str, str]]) -> int:
    """How many messages were under way at most: from RCPT to the end of their data, or to the death of their sender."""
    death = events.index(("KILL", ""))
    under_way = [0] * (len(events) + 1)
    for start, (verb, who) in enumerate(events):
        if verb == "RCPT":
            later = (n for n in range(start + 1, len(events)) if events[n] in ((".", who), ("RCPT", who)))
            end = next(later, death)
            end = end if events[end] == (".", who) else death
            for moment in range(start, end):
                under_way[moment] += 1
    return max(under_way)


@pytest.mark.parametrize("places", [2, pytest.param(3, marks=pytest.mark.soak)])
def test_places_at_a_group_of_recipients_hold_though_one_is_killed(tmp_path: Path, places: int) -> None:
    events, victims = list[tuple[str, str]](), list[WorkerProcess]()

    def watch(verb: str, argument: str) -> None:
        if verb in ("RCPT", "."):
            events.append((verb, argument.partition("<")[2].partition(">")[0] or argument))
            if victims and sum(verb == "." for verb, _ in events) >= READERS // 3:
                victims.pop().process.kill()
                events.append(("KILL", ""))

    limits = f'[limits.club]\ndomains = ["example.org"]\nin_flight = {places}\n'
    with Sink(watch) as sink, cluster_of(tmp_path, sink.port, limits) as cluster:
        other, _ = begin(cluster, victims, {}, {})
        cluster.until_finished()
        assert other.stop() == 0
        cluster.check(sink, lost_connections=CONNECTIONS)
    assert 2 <= most_at_once(events) <= places


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param("[limits]\ndaily = 60\n", id="a daily cap"),
        pytest.param(
            f"[limits]\nwarmup = [60, 60]\nwarmup_from = {date.today():%Y-%m-%d}\n",
            id="a warm-up",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            '[limits.club]\ndomains = ["example.org"]\ndaily = 60\n', id="a group's daily cap", marks=pytest.mark.soak
        ),
    ],
)
def test_a_day_has_its_end_for_all_of_them_though_one_is_killed(tmp_path: Path, limits: str) -> None:
    victims = list[WorkerProcess]()

    def kill_in_time(verb: str, _argument: str) -> None:
        if verb == "." and victims and len(sink.accepted) >= 20:
            victims.pop().process.kill()

    with Sink(kill_in_time) as sink, cluster_of(tmp_path, sink.port, limits) as cluster:
        other, _ = begin(cluster, victims, {}, {})
        until(lambda: FULL in other.said, "it is enough for today")
        until(lambda: cluster.present() == 0, "what the other one had was taken over")
        late = cluster.start("--once")
        assert late.process.wait(90) == 4, late.said
        assert FULL in late.said
        assert other.stop() == 0
        counts = cluster.tally()
    assert sink.duplicates == []
    # What the one who died had taken for the day, and not sent, nobody else sends.
    assert 20 <= len(sink.accepted) <= 60
    assert counts.pending >= READERS - 60


@pytest.mark.soak
def test_what_a_provider_lets_an_account_send_holds_for_all_of_them_though_one_is_killed(tmp_path: Path) -> None:
    rate, moments, victims = Rate(50, 1), list[float](), list[WorkerProcess]()
    said = {"SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 50.0, "SentLast24Hours": 0.0}}

    def answer(call: Call) -> Reply:
        if call.method == "GET":
            return Reply(200, said)
        moments.append(monotonic())
        if len(moments) == READERS // 3:
            victims.pop().process.kill()
        return Reply(200, {"MessageId": str(len(moments))})

    account = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_REGION": "eu-west-3"}
    with Api(answer) as api, cluster_of(tmp_path, api.port, "") as cluster:
        settings, _, _ = cluster.settings.read_text("utf-8").partition("[transports.relay]")
        section = f'[transports.relay]\nkind = "ses"\nendpoint = "{api.url}"\nconnections = {CONNECTIONS}\n'
        cluster.settings.write_text(settings + section, "utf-8")
        other, _ = begin(cluster, victims, account, account)
        cluster.until_finished()
        assert other.stop() == 0
        counts = cluster.tally()
    assert counts.accepted + counts.uncertain == READERS
    assert counts.uncertain <= CONNECTIONS
    assert len(moments) <= READERS
    check_rate(rate, moments)
