"""Real processes and a real server: what is scheduled goes out once, and a word from another process is heard."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING

import pytest

from newsletter.mailing import MailingState
from newsletter.store.mailings import mailings_of
from tests.support.author import COUNTS, HELLO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.author import Author

# What these tell of kills and pauses is the ledger's, which tests/contracts holds against both databases every time.
pytestmark = pytest.mark.soak_on_a_server
SOON = ("--yes", "--at", "now")
CONNECTIONS = 4


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue."""
    author.issue()
    return author


def slowly(seconds: float, reached: Event, after: int) -> Callable[[str, str], None]:
    """A server that takes its time for each message, and says when it has taken so many."""
    taken = 0

    def fault(verb: str, _argument: str) -> None:
        nonlocal taken
        if verb == ".":
            time.sleep(seconds)
            taken += 1
            if taken == after:
                reached.set()

    return fault


def state_of(author: Author) -> MailingState:
    with author.database() as database:
        return mailings_of(database)[-1].state


def test_two_runners_at_once_send_what_is_scheduled_once(ready: Author) -> None:
    everybody = ready.readers(300)
    with ready.sink() as sink, ExitStack() as stack:
        ready.run("publish", HELLO, *SOON)
        runners = [stack.enter_context(ready.start("run", "--until-done")) for _ in range(2)]
        told = [runner.communicate(timeout=60) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], told
    assert Counter(sink.accepted) == Counter(everybody)
    assert state_of(ready) is MailingState.FINISHED


@pytest.mark.parametrize("moment", [1, 150])
def test_when_a_runner_is_killed_at_its_time_another_one_goes_on(ready: Author, moment: int) -> None:
    everybody = ready.readers(300)
    reached = Event()
    with ready.sink(fault=slowly(0.002, reached, moment)) as sink:
        ready.run("publish", HELLO, *SOON)
        with ready.start("run") as first:
            assert reached.wait(30)
            first.send_signal(signal.SIGKILL)
            first.communicate()
        second = ready.run_process("run", "--until-done")
    (counts,) = ready.tallies()
    assert second.code == (1 if counts.uncertain else 0), second
    assert sink.duplicates == []
    assert counts.accepted + counts.uncertain == 300
    assert counts.uncertain <= CONNECTIONS
    assert len(everybody - set(sink.accepted)) <= counts.uncertain
    assert state_of(ready) is MailingState.FINISHED


def test_a_pause_is_heard_by_a_running_publish_and_resume_goes_on(ready: Author) -> None:
    everybody = ready.readers(2_000)
    reached = Event()
    with ready.sink(fault=slowly(0.005, reached, 100)) as sink:
        with ready.start("publish", HELLO, "--yes") as process:
            assert reached.wait(30)
            began = time.monotonic()
            paused = ready.run("pause", HELLO, "--json")
            took = time.monotonic() - began
            _, err = process.communicate(timeout=30)
        assert (process.returncode, paused.code) == (4, 0), err
        assert "this mailing was paused" in err
        assert took < 3
        report = paused.report
        assert report["state"] == "paused"
        assert 100 <= report["accepted"] == len(sink.accepted) < 2_000
        assert report["planned"] == sum(report[name] for name in COUNTS)
        (status,) = ready.run("status", "--json").report
        assert (status["state"], status["accepted"]) == ("paused", report["accepted"])
        sink.fault = lambda _verb, _argument: None
        assert ready.run("resume", HELLO).code == 0
    assert Counter(sink.accepted) == Counter(everybody)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_mailing_that_is_cancelled_ends_and_its_sums_add_up(ready: Author, jobs: str) -> None:
    ready.readers(2_000)
    reached = Event()
    with ready.sink(fault=slowly(0.005, reached, 100)) as sink:
        with ready.start("publish", HELLO, "--yes", "--jobs", jobs) as process:
            assert reached.wait(30)
            began = time.monotonic()
            cancelled = ready.run("cancel", HELLO, "--yes", "--json")
            took = time.monotonic() - began
            _, err = process.communicate(timeout=30)
        assert (process.returncode, cancelled.code) == (4, 0), err
        assert took < 3
        report = cancelled.report
        assert (report["state"], report["pending"], report["uncertain"]) == ("cancelled", 0, 0)
        assert report["accepted"] == len(sink.accepted) < 2_000
        assert report["accepted"] + report["skipped"] == report["planned"] == 2_000
        assert ready.run("cancel", HELLO, "--yes").code == 0
        assert ready.run("resume", HELLO).code == 3
        again = ready.run("publish", HELLO, "--yes")
        assert (again.code, "--new-only" in again.err) == (3, True)
        sink.fault = lambda _verb, _argument: None
        assert ready.run("publish", HELLO, "--yes", "--new-only").code == 0
    assert (len(sink.accepted), sink.duplicates) == (2_000, [])


def test_a_cancel_after_its_sender_was_killed_brings_the_mailing_to_its_end(ready: Author) -> None:
    ready.readers(500)
    reached = Event()
    with ready.sink(fault=slowly(0.005, reached, 50)) as sink:
        with ready.start("publish", HELLO, "--yes") as process:
            assert reached.wait(30)
            process.kill()
            process.communicate()
        answer = ready.run("cancel", HELLO, "--yes", "--json")
    assert (answer.code, answer.report["state"]) == (0, "cancelled"), answer
    assert sum(answer.report[name] for name in COUNTS) == answer.report["planned"] == 500
    assert answer.report["pending"] == 0
    assert sink.duplicates == []


def test_a_runner_goes_on_with_what_was_paused_as_soon_as_it_is_resumed(ready: Author) -> None:
    everybody = ready.readers(1_000)
    reached = Event()
    with ready.sink(fault=slowly(0.003, reached, 50)) as sink:
        ready.run("publish", HELLO, *SOON)
        with ready.start("run", "--until-done") as runner:
            assert reached.wait(30)
            assert ready.run("pause", HELLO).code == 0
            stood = len(sink.accepted)
            assert ready.run("resume", HELLO).code == 0
            runner.communicate(timeout=60)
    assert stood < 1_000
    assert Counter(sink.accepted) == Counter(everybody)
    assert state_of(ready) is MailingState.FINISHED


def test_a_runner_whose_mailing_is_cancelled_stays_for_the_next_one(ready: Author) -> None:
    ready.readers(1_000)
    reached = Event()
    with ready.sink(fault=slowly(0.003, reached, 50)) as sink:
        ready.run("publish", HELLO, *SOON)
        with ready.start("run", "--until-done") as runner:
            assert reached.wait(30)
            answer = ready.run("cancel", HELLO, "--yes", "--json")
            _, err = runner.communicate(timeout=60)
    assert runner.returncode == 0, err
    assert "this mailing was cancelled" in err
    assert (answer.report["state"], answer.report["pending"]) == ("cancelled", 0)
    assert answer.report["accepted"] == len(sink.accepted) < 1_000


def test_a_server_that_refuses_us_pauses_the_mailing_and_the_runner_stays(ready: Author) -> None:
    everybody = ready.readers(100)
    with ready.sink(fault=lambda verb, _: "554 5.7.1 you are blocked" if verb == "RCPT" else None) as sink:
        ready.run("publish", HELLO, *SOON)
        with ready.start("run") as runner:
            assert runner.stderr
            while "refuses us" not in runner.stderr.readline():
                pass
            while ready.run("status", "--json").report[0]["state"] != "paused":
                pass
            sink.fault = lambda _verb, _argument: None
            assert ready.run("resume", HELLO).code == 0
            while state_of(ready) is not MailingState.FINISHED:
                pass
            runner.send_signal(signal.SIGTERM)
            runner.communicate(timeout=30)
    assert Counter(sink.accepted) == Counter(everybody)


def test_ctrl_c_ends_a_runner_that_waits(ready: Author) -> None:
    ready.readers(1)
    with ready.start("run", under="interruptible") as runner:
        assert runner.stderr
        while "Waiting for what is scheduled" not in runner.stderr.readline():
            pass
        runner.send_signal(signal.SIGINT)
        _, err = runner.communicate(timeout=30)
    assert runner.returncode == 0, err
