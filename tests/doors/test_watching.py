"""What is seen of a mailing from outside: status --watch, metrics, the log, and the dashboard made for them."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from newsletter.actions.presence import this_worker
from newsletter.mailing import Wish
from newsletter.store.leases import Worker, join
from newsletter.store.mailings import mailings_of
from newsletter.store.progress import steps
from newsletter.store.schedules import wish
from newsletter.web.counters import Counters
from newsletter.web.mailing_metrics import MailingMetrics
from tests.doors.test_schedule import Watch, run_at
from tests.support.author import COUNTS, HELLO

if TYPE_CHECKING:
    from tests.support.author import Author

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana.json"


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue, and readers at two providers."""
    author.issue()
    author.readers(6)
    author.reader("ana@orange.fr")
    author.reader("Zoe@GMAIL.com")
    return author


def metrics(author: Author) -> str:
    registry = CollectorRegistry()
    with author.database() as database:
        registry.register(MailingMetrics(database, lambda: datetime.now(UTC)))
        return generate_latest(registry).decode()


def test_metrics_count_deliveries_by_where_they_stand_and_answers_by_sender_and_group(ready: Author) -> None:
    with ready.sink(fault=lambda verb, who: "550 5.1.1 no" if verb == "RCPT" and "reader3@" in who else None):
        assert ready.run("publish", HELLO, "--yes").code == 1
    with ready.database() as database:
        (mailing,) = mailings_of(database)
    told = metrics(ready)
    of_it = f'{{issue="{HELLO}",mailing="{mailing.id}",state='
    counted = {name: float(re.search(rf'{re.escape(of_it)}"{name}"\}} ([0-9.]+)', told)[1]) for name in COUNTS}  # type: ignore[index]
    assert counted == {"accepted": 7, "rejected": 1, "deferred": 0, "skipped": 0, "uncertain": 0, "pending": 0}
    assert f'newsletter_mailing_standing{of_it}"finished"}} 1.0' in told
    assert re.search(r'answers_total\{group="orange",mailing="\d+",outcome="accepted",worker="[^"]+"\} 1\.0', told)
    assert re.search(r'answers_total\{group="google",[^}]*outcome="accepted"[^}]*\} 1\.0', told)
    assert re.search(r'answers_total\{group="others",[^}]*outcome="rejected"[^}]*\} 1\.0', told)
    assert "@" not in told


def test_what_senders_tell_of_their_progress_is_what_the_ledger_says(ready: Author) -> None:
    with ready.sink():
        assert ready.run("publish", HELLO, "--yes", "--jobs", "2").code == 0
    with ready.database() as database:
        told = steps(database)
    assert sum(step.accepted for step in told) == 8
    assert {step.group for step in told} == {"", "orange", "google"}


def test_the_pages_serve_the_metrics_of_mailings(ready: Author) -> None:
    from newsletter.config import parse_config
    from newsletter.sources.themes import read_theme
    from newsletter.web import common
    from newsletter.web.parts import Parts

    with ready.database() as database:
        config = parse_config(ready.config.read_text("utf-8"), str(ready.config))
        parts = Parts(config, database, {1: b"k" * 32}, read_theme("letter"))
        assert common.routes(parts)
        assert b"newsletter_schedules_missed 0.0" in generate_latest(parts.counters.registry)


def test_each_metric_of_the_dashboard_exists_and_each_of_mailings_is_on_it(ready: Author) -> None:
    with ready.sink():
        ready.run("publish", HELLO, "--yes", "--at", "now")
        assert ready.run("run", "--until-done").code == 0
    counters = Counters()
    counters.requests.labels("a", "GET", "200").inc()
    counters.people.labels("asked").inc()
    counters.notices.labels("sent").inc()
    of_mailings = set(re.findall(r"^(\w+)[{ ]", metrics(ready), re.MULTILINE))
    of_pages = set(re.findall(r"^(\w+)[{ ]", generate_latest(counters.registry).decode(), re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    named = set(re.findall(r"\bnewsletter_\w+", expressions))
    assert named - of_mailings - of_pages == set()
    assert of_mailings - named == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_status_watch_shows_rates_and_ends_with_the_mailing(ready: Author) -> None:
    clock = Watch()
    with ready.sink():
        assert run_at(clock, "publish", HELLO, "--yes", "--at", "now").code == 0
        clock.when[clock.moment.replace(second=3)] = lambda: run_at(Watch(clock.moment), "run", "--until-done")
        answer = run_at(clock, "status", "--watch")
    assert answer.code == 0, answer
    first, *_, last = answer.out.strip().split("\n\n")
    assert f"{HELLO} · scheduled" in first
    assert "0 of 8 recipients accepted, 8 pending" in first
    assert f"{HELLO} · finished" in last
    assert "8 of 8 recipients accepted" in last
    assert re.search(r"\d/s  orange: 1$", last, re.MULTILINE)
    assert "\x1b" not in answer.out


def test_status_watch_shows_each_worker_that_takes_part_also_one_that_has_no_answer_yet(ready: Author) -> None:
    clock = Watch()
    with ready.sink():
        assert run_at(clock, "publish", HELLO, "--yes", "--at", "now").code == 0
        with ready.database() as database:
            (mailing,) = mailings_of(database)
            now = int(clock.moment.timestamp())
            join(database, mailing.id, replace(this_worker(), pid=os.getppid()), now, lambda _: True)
        clock.when[clock.moment.replace(second=40)] = lambda: run_at(Watch(clock.moment), "run", "--until-done")
        answer = run_at(clock, "status", "--watch")
    first, *_, last = answer.out.strip().split("\n\n")
    assert re.search(rf"0/s  {re.escape(platform.node())} {os.getppid()}$", first, re.MULTILINE)
    assert f" {os.getppid()}" not in last, "its lease has run out"


def test_status_says_how_a_mailing_goes_on_by_itself_and_else_what_to_type(ready: Author) -> None:
    clock = Watch()

    def said() -> str:
        return run_at(clock, "status", HELLO).out.splitlines()[4]

    with ready.sink():
        assert run_at(clock, "publish", HELLO, "--yes", "--at", "2026-12-01 08:00 +00:00").code == 0
        with ready.database() as database:
            (mailing,) = mailings_of(database)
            assert mailing.starts_at
            due = f"{mailing.starts_at.astimezone():%Y-%m-%d %H:%M}"
            assert said() == f"The next are due at {due}: `newsletter run`, or a worker, sends it then."
            now = int(clock.moment.timestamp())
            join(database, mailing.id, Worker("elsewhere", "", 4711), now, lambda _: True)
            assert said() == f"1 process is sending it: newsletter status {HELLO} --watch"
            join(database, mailing.id, Worker(platform.node(), "before its last start", 4712), now, lambda _: True)
            assert said() == f"1 process is sending it: newsletter status {HELLO} --watch", "that one is gone for sure"
            wish(database, mailing.id, Wish.PAUSE, now)
            clock.moment += timedelta(minutes=1)
        assert said() == f"To go on: newsletter resume {HELLO}"


def test_status_watch_and_json_do_not_go_together(ready: Author) -> None:
    assert ready.run("status", "--watch", "--json").code == 2


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_log_tells_what_senders_do_and_never_whom_they_write_to(ready: Author, jobs: str) -> None:
    with ready.sink():
        answer = ready.run_process("publish", HELLO, "--yes", "--jobs", jobs, "--log-format", "json", "--quiet")
    assert answer.code == 0, answer
    events = [json.loads(line) for line in answer.err.splitlines() if line.startswith("{")]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "lease taken"
    assert kinds[-1] == "lease given back"
    assert sum(event["recipients"] for event in events if event["event"] == "claim") == 8
    assert {event["mailing"] for event in events} == {events[0]["mailing"]}
    assert all(re.fullmatch(r"\S+ \d+", event["worker"]) for event in events)
    assert len({event["worker"] for event in events}) == {"1": 1, "2": 3}[jobs]
    assert "@" not in "".join(map(json.dumps, events))


def test_there_are_no_more_jobs_than_connections(ready: Author) -> None:
    ready.settings("connections = 4", "connections = 2")
    with ready.sink() as sink:
        answer = ready.run_process("publish", HELLO, "--yes", "--jobs", "3", "--log-format", "json", "--quiet")
    assert answer.code == 0, answer
    events = [json.loads(line) for line in answer.err.splitlines() if line.startswith("{")]
    assert len({event["worker"] for event in events}) == 1 + 2
    assert sink.connections <= 2


def test_without_being_asked_nothing_is_logged(ready: Author) -> None:
    with ready.sink():
        answer = ready.run_process("publish", HELLO, "--yes", "--quiet")
    assert "lease" not in answer.err
