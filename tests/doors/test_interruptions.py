"""Whatever happens in the middle of a send, to the process, the server, the database or the disk: the counts add up,
`resume` goes on, nobody is lost, and nobody gets a letter twice.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.cli.sending import stopping
from newsletter.cli.shell import Session
from tests.support.author import COUNTS, HELLO, Author, hurry
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READERS = 300
MIDDLE = 40
CONNECTIONS = 4  # of the transport
on_unix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue and many readers."""
    author.issue()
    author.readers(READERS)
    return author


@contextmanager
def once_in_the_middle(author: Author, happening: Callable[[Sink], object], *, then: float = 0) -> Iterator[Sink]:
    """A server in whose dialogue something happens, while it takes the fortieth message.

    From there on it thinks for `then` seconds about each message: one that thinks for none takes the other 260 in less
    time than a word needs from a process to its children.
    """
    happened = False

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal happened
        if verb == "." and happened:
            sleep(then)
        if verb == "." and not happened and len(sink.accepted) == MIDDLE:
            happened = True
            happening(sink)
        return None

    with author.sink(fault=fault) as sink:
        yield sink
    assert happened


def adds_up(report: dict[str, Any]) -> None:
    assert report["planned"] == READERS == sum(report[name] for name in COUNTS)


def goes_on_to_the_end(author: Author, sink: Sink, report: dict[str, Any], jobs: int = 1) -> None:
    """Resume: everybody has it now, once, but for those who are said to be uncertain, who have it at most once.

    A sender that could not write down its end left at most one doubtful delivery a connection.
    """
    adds_up(report)
    assert report["accepted"] < READERS
    assert report["pending"]
    with Sink(port=sink.port) as rest:
        answer = author.run("resume", HELLO, "--now", "--json")
    after = answer.report
    adds_up(after)
    assert (after["state"], after["pending"], after["deferred"]) == ("finished", 0, 0)
    assert report["uncertain"] <= after["uncertain"] <= CONNECTIONS * jobs
    assert answer.code == (1 if after["uncertain"] else 0)
    got = sink.accepted + rest.accepted
    assert len(got) == len(set(got))
    uncertain = {each["email"] for each in author.run("status", HELLO, "--json").report["undelivered"]}
    assert len(uncertain) == after["uncertain"]
    assert {f"reader{n}@example.org" for n in range(READERS)} - set(got) <= uncertain


def line_with(stream: Any, text: str) -> str:
    """Read until such a line comes."""
    for line in stream:
        if text in line:
            return str(line)
    raise AssertionError(f"{text!r} was never said")


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@on_unix
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_in_flight_end_and_then_stops(ready: Author, number: signal.Signals, jobs: str) -> None:
    def interrupt(_: Sink) -> None:
        process.send_signal(number)
        line_with(process.stderr, "Stopping: what is in flight is finished first.")

    with (
        once_in_the_middle(ready, interrupt, then=0.05) as sink,
        ready.start("publish", HELLO, "--yes", "--json", "--jobs", jobs, under="interruptible") as process,
    ):
        assert process.stdout
        assert process.stderr
        report = json.loads(process.stdout.read())
        told = process.stderr.read()
    assert process.returncode == 4
    assert report["uncertain"] == 0  # every answer was waited for
    assert report["state"] == "sending"
    assert len(sink.accepted) == report["accepted"]
    assert "To go on: newsletter resume 2026-11-hello" in told
    goes_on_to_the_end(ready, sink, report)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_every_process_of_a_service_stops_them_as_one_to_the_first_does(
    ready: Author, number: signal.Signals
) -> None:
    def interrupt(_: Sink) -> None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        assert len(children) == 2
        for pid in (*map(int, children), process.pid):
            os.kill(pid, number)
        line_with(process.stderr, "Stopping: what is in flight is finished first.")

    with (
        once_in_the_middle(ready, interrupt, then=0.05) as sink,
        ready.start("publish", HELLO, "--yes", "--json", "--jobs", "2", under="interruptible") as process,
    ):
        assert process.stdout
        assert process.stderr
        report = json.loads(process.stdout.read())
        told = process.stderr.read()
    assert process.returncode == 4
    assert report["uncertain"] == 0
    assert len(sink.accepted) == report["accepted"]
    assert "ended by itself" not in told
    goes_on_to_the_end(ready, sink, report)


class InTheMiddle(io.StringIO):
    """A stream in which a line is being written when the signal comes, as CPython tells it."""

    busy = True

    def write(self, text: str) -> int:
        if self.busy:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")
        return super().write(text)


@on_unix
def test_a_signal_in_the_middle_of_a_line_is_answered_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := InTheMiddle())
    with stopping(Session()) as to_stop:
        assert not to_stop()
        signal.raise_signal(signal.SIGTERM)
        assert to_stop()
        stream.busy = False
        assert [to_stop(), to_stop()] == [True, True]
    assert stream.getvalue().count("Stopping: what is in flight is finished first.") == 1


@on_unix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_second_signal_stops_at_once_and_names_what_is_uncertain(ready: Author, jobs: int) -> None:
    def interrupt_twice(_: Sink) -> None:
        process.send_signal(signal.SIGINT)
        line_with(process.stderr, "Once more interrupts at once.")
        process.send_signal(signal.SIGINT)
        process.wait()  # without an answer from here

    with (
        once_in_the_middle(ready, interrupt_twice) as sink,
        ready.start("publish", HELLO, "--yes", "--json", "--jobs", str(jobs), under="interruptible") as process,
    ):
        assert process.stdout
        assert process.stderr
        report = json.loads(process.stdout.read())
        told = process.stderr.read()
    assert process.returncode == 4
    assert "newsletter: stopped" in told
    assert 1 <= report["uncertain"] <= CONNECTIONS * jobs
    goes_on_to_the_end(ready, sink, report, jobs)


@on_unix
def test_a_second_signal_when_everybody_was_offered_it_leaves_nothing_to_go_on_with(author: Author) -> None:
    author.issue()
    author.readers(1)

    def interrupt_twice(verb: str, _argument: str) -> str | None:
        if verb == ".":
            process.send_signal(signal.SIGINT)
            line_with(process.stderr, "Once more interrupts at once.")
            process.send_signal(signal.SIGINT)
            process.wait()
        return None

    with (
        author.sink(fault=interrupt_twice),
        author.start("publish", HELLO, "--yes", "--json", under="interruptible") as process,
    ):
        assert process.stdout
        report = json.loads(process.stdout.read())
    assert (report["state"], report["uncertain"], report["pending"]) == ("finished", 1, 0)
    assert process.returncode == 1


@on_unix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_server_that_never_answers_does_not_keep_a_stopping_send_alive(ready: Author, jobs: int) -> None:
    def stop_and_say_nothing(_: Sink) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait()  # longer than the server takes to answer: it never does

    with (
        once_in_the_middle(ready, stop_and_say_nothing) as sink,
        ready.start("publish", HELLO, "--yes", "--json", "--jobs", str(jobs), under="interruptible,hurried") as process,
    ):
        assert process.stdout
        report = json.loads(process.stdout.read())
    assert process.returncode == 4
    assert 1 <= report["uncertain"] <= CONNECTIONS * jobs
    goes_on_to_the_end(ready, sink, report, jobs)


@on_unix
def test_what_nohup_runs_goes_on_when_the_terminal_is_gone(ready: Author) -> None:
    with (
        once_in_the_middle(ready, lambda _: process.send_signal(signal.SIGHUP)) as sink,
        ready.start("publish", HELLO, "--yes", under="without-hup") as process,
    ):
        process.communicate()
    assert process.returncode == 0
    assert len(sink.accepted) == READERS


@on_unix
def test_a_terminal_that_is_gone_stops_no_mailing_that_does_not_hear_of_it(ready: Author) -> None:
    keyboard, terminal = os.openpty()

    def hang_up(_: Sink) -> None:
        os.close(terminal)
        os.close(keyboard)

    with (
        once_in_the_middle(ready, hang_up) as sink,
        ready.start("publish", HELLO, "--yes", stdout=terminal, stderr=terminal, under="without-hup") as process,
    ):
        process.wait()
    assert len(sink.accepted) == READERS
    assert [tally.accepted for tally in ready.tallies()] == [READERS]


@on_unix
def test_ctrl_c_at_the_question_sends_and_records_nothing(ready: Author) -> None:
    keyboard, terminal = os.openpty()
    with ready.sink() as sink, ready.start("publish", HELLO, stdin=terminal, under="interruptible") as process:
        assert process.stderr
        while process.stderr.read(1) not in ("?", ""):
            pass
        # Python may miss the one that comes just before it waits for the keyboard; a person would press once more.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    os.close(keyboard)
    os.close(terminal)
    assert process.returncode == 4
    assert sink.accepted == []
    assert ready.tallies() == []


# ── who listens ──────────────────────────────────────────────────────────────────────────────────────────────────────


@on_unix
@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("both", [True, False])
def test_a_reader_that_goes_away_stops_no_mailing(ready: Author, form: tuple[str, ...], both: bool) -> None:
    """As in `newsletter publish … | head -1`, with and without 2>&1."""
    with ready.sink() as sink:
        errors = subprocess.STDOUT if both else subprocess.PIPE
        with ready.start("publish", HELLO, "--yes", *form, stderr=errors) as process:
            assert process.stdout
            process.stdout.close()
            err = process.stderr.read() if process.stderr else ""
            process.wait()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert len(sink.accepted) == READERS
    assert not sink.duplicates
    assert [tally.accepted for tally in ready.tallies()] == [READERS]


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("last_word", ["DROP", "421 4.3.2 shutting down"])
def test_a_server_that_goes_away_in_the_middle_is_told_and_resume_is_named(
    ready: Author, monkeypatch: pytest.MonkeyPatch, last_word: str
) -> None:
    hurry(monkeypatch)

    def fault(_verb: str, _argument: str) -> str | None:
        return last_word if len(sink.accepted) >= MIDDLE else None

    with ready.sink(fault=fault) as sink:
        answer = ready.run("publish", HELLO, "--yes", "--json")
    assert answer.code == 4
    assert "127.0.0.1" in answer.err
    assert "To go on: newsletter resume 2026-11-hello" in answer.err
    goes_on_to_the_end(ready, sink, answer.report)


def test_a_server_that_comes_back_is_gone_on_with(ready: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    refused = 0

    def fault(verb: str, _argument: str) -> str | None:
        nonlocal refused
        if len(sink.accepted) == MIDDLE and refused < 6:
            refused += 1
            return "421 4.3.2 shutting down"
        return None

    with ready.sink(fault=fault) as sink:
        answer = ready.run("publish", HELLO, "--yes", "--json")
    adds_up(answer.report)
    assert answer.report["pending"] == answer.report["rejected"] == 0
    assert len(sink.accepted) >= READERS - 6
    assert not sink.duplicates


# ── the database, the disk ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_is_locked_in_the_middle_is_told(ready: Author) -> None:
    other = sqlite3.connect(ready.folder / "newsletter.db", timeout=30, isolation_level=None, check_same_thread=False)
    with once_in_the_middle(ready, lambda _: other.execute("BEGIN IMMEDIATE")) as sink:
        answer = ready.run_process("publish", HELLO, "--yes", "--json", under="hurried")
    other.execute("ROLLBACK")
    other.close()
    assert answer.code == 4
    assert "the database is locked by another process" in answer.err
    assert "To go on: newsletter resume 2026-11-hello" in answer.err
    goes_on_to_the_end(ready, sink, answer.report)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    before = Path.cwd()  # an author works in the folder, which cannot be unmounted then
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("NOT TESTED HERE: a full disk, since only root on Linux may mount a small one")
    try:
        yield place
    finally:
        os.chdir(before)
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full_in_the_middle_is_told(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author(small_disk / "newsletter", monkeypatch)
    author.issue()
    author.readers(READERS)
    filler = small_disk / "filler"

    def fill(_: Sink) -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 512):
                    pass
            except OSError:
                pass

    with once_in_the_middle(author, fill) as sink:
        process = author.run_process("publish", HELLO, "--yes")
    assert process.code == 4
    assert "the disk is full" in process.err
    assert "make room on the disk" in process.err
    filler.unlink()
    report = author.run("status", HELLO, "--json").report
    goes_on_to_the_end(author, sink, {name: report[name] for name in ("planned", *COUNTS)})
