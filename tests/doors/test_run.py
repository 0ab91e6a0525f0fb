"""newsletter run, limits and the circuit breaker, as an author at the command line meets them."""

from __future__ import annotations

import io
import json
import re
import signal
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.cli import main
from newsletter.cli.shell import Session
from tests.support.author import HELLO, Answer
from tests.support.clocks import Clock
from tests.support.name_server import NameServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.author import Author


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue."""
    author.issue()
    return author


def add_settings(author: Author, text: str) -> None:
    author.config.write_text(author.config.read_text(encoding="utf-8") + text, encoding="utf-8")


def run_over_days(clock: Clock, *arguments: str) -> Answer:
    """Run a command for which time passes as soon as it waits."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments), Session(clock=clock, wait=clock.wait))
    assert "Traceback" not in err.getvalue()
    return Answer(code, out.getvalue(), err.getvalue())


def later(times: int) -> Callable[[str, str], str | None]:
    """A server that asks so many times to come back later."""
    left = times

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal left
        if verb != "RCPT" or left <= 0:
            return None
        left -= 1
        return "451 4.3.0 later"

    return fault


def test_run_tries_the_deferred_ones_again_until_everybody_has_it(ready: Author) -> None:
    everybody = ready.readers(6)
    with ready.sink(fault=later(8)) as sink:
        published = ready.run("publish", HELLO, "--yes")
        assert published.code == 1, published
        clock = Clock(datetime.now(UTC))
        answer = run_over_days(clock, "run", HELLO)
    assert answer.code == 0, answer
    assert sorted(sink.accepted) == sorted(everybody)
    assert re.search(r"\d deferred: the server said later\. Going on at \d{4}-\d\d-\d\d \d\d:\d\d\.", answer.err), (
        answer
    )
    assert "6  accepted" in answer.out
    assert timedelta(minutes=15) < clock.moment - datetime.now(UTC) < timedelta(minutes=30)


def test_run_prints_one_object_for_scripts(ready: Author) -> None:
    ready.readers(6)
    with ready.sink(fault=later(6)):
        ready.run("publish", HELLO, "--yes")
        answer = run_over_days(Clock(datetime.now(UTC)), "run", HELLO, "--json")
    report = json.loads(answer.out)
    assert (report["state"], report["accepted"], report["planned"]) == ("finished", 6, 6)


def test_a_daily_limit_ends_a_publish_says_when_to_come_back_and_run_stays_until_the_end(ready: Author) -> None:
    add_settings(ready, "\n[limits]\ndaily = 10\n")
    everybody = ready.readers(25)
    assert "relay, 10 of them today, the others on later days" in ready.run("publish", HELLO, "--dry-run").out
    with ready.sink() as sink:
        published = ready.run("publish", HELLO, "--yes", "--json")
        assert published.code == 4, published
        tomorrow = (datetime.now().astimezone() + timedelta(days=1)).date()
        assert "the limit of 10 messages a day is reached" in published.err
        assert f"from {tomorrow} 00:00: newsletter resume {HELLO}" in published.err
        assert (published.report["state"], published.report["accepted"], published.report["pending"]) == (
            "sending",
            10,
            15,
        )
        ready.issue(name="2026-12-more")
        assert (
            "relay, 0 of them today, the others on later days" in ready.run("publish", "2026-12-more", "--dry-run").out
        )
        resumed = ready.run("resume", HELLO)
        assert (resumed.code, len(sink.accepted)) == (4, 10), resumed
        answer = run_over_days(Clock(datetime.now(UTC)), "run", HELLO)
    assert answer.code == 0, answer
    assert answer.err.count("Going on at") == 2, answer
    assert sorted(sink.accepted) == sorted(everybody)


def test_a_company_whose_mail_a_large_provider_keeps_is_limited_with_its_group(ready: Author) -> None:
    with NameServer({"atelier.example.net": "1 smtp.google.com"}) as names, ready.sink() as sink:
        add_settings(ready, f'\n[limits.google]\ndaily = 2\n[dns]\nservers = ["127.0.0.1:{names.port}"]\n')
        for number in range(4):
            ready.reader(f"reader{number}@atelier.example.net")
        ready.readers(3)
        answer = ready.run("publish", HELLO, "--yes")
        assert answer.code == 4, answer
        assert "the limit of 2 messages a day to google is reached" in answer.err
        assert sum("@atelier" in who for who in sink.accepted) == 2
        assert len(sink.accepted) == 5
        assert sorted(names.asked) == ["atelier.example.net", "example.org"]


def test_the_plan_shows_what_holds(ready: Author) -> None:
    add_settings(ready, '\n[limits]\nrate = "2/s"\n[limits.orange]\nin_flight = 2\n')
    ready.readers(60)
    answer = ready.run("publish", HELLO, "--dry-run")
    assert "Limits  2/s; orange 2 at once" in answer.out
    assert "in about 30 s" in answer.out


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")], ids=["one process", "two"])
def test_a_server_that_refuses_us_stops_the_mailing_with_its_words_and_resume_sends_it_to_all(
    ready: Author, jobs: tuple[str, ...]
) -> None:
    everybody = ready.readers(300)
    asked: list[str] = []

    def refuse(verb: str, argument: str) -> str | None:
        if verb != "RCPT":
            return None
        asked.append(argument)
        return "554 5.7.1 Client host blocked using bl.example.org"

    with ready.sink(fault=refuse):
        answer = ready.run("publish", HELLO, "--yes", *jobs)
    assert answer.code == 4, answer
    assert "refuses us, 20 times in a row: 554 5.7.1 Client host blocked using bl.example.org" in answer.err
    assert f"newsletter resume {HELLO}" in answer.err
    assert len(asked) < 150
    (counts,) = ready.tallies()
    assert (counts.pending, counts.rejected) == (300, 0)
    with ready.sink() as sink:
        assert ready.run("resume", HELLO).code == 0
    assert sorted(sink.accepted) == sorted(everybody)


def test_ctrl_c_while_run_waits_ends_it_and_loses_nobody(ready: Author) -> None:
    ready.readers(3)
    with ready.sink(fault=later(3)) as sink:
        ready.run("publish", HELLO, "--yes")
        with ready.start("run", HELLO, under="interruptible") as process:
            assert process.stderr
            while "Going on at" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            process.communicate()
        assert process.returncode == 1
        (counts,) = ready.tallies()
        assert counts.deferred == 3
        assert ready.run("resume", HELLO, "--now").code == 0
    assert len(sink.accepted) == 3


@pytest.mark.parametrize("published", [True, False])
def test_run_of_what_has_ended_or_never_began_is_refused(ready: Author, published: bool) -> None:
    ready.readers(2)
    with ready.sink():
        if published:
            ready.run("publish", HELLO, "--yes")
        answer = ready.run("run", HELLO)
    assert answer.code == 3
    assert ("nothing to resume" if published else "has not been published") in answer.err
