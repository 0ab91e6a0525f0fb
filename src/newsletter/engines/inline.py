"""The inline engine: one mailing, several processes of this machine.

Each child is a worker like any other, and takes part in the mailing over connections of its own. The parent takes part
in it, too, but only counts, and sees that a child that died is taken over from at once. A child whose parent is gone
stops by itself: its standard input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from newsletter.actions.presence import leased, look_after
from newsletter.errors import Halted, NewsletterError, Paused, Problem, Stopped, TransportError
from newsletter.outcome import Accepted, Deferred, Rejected, Reply, Uncertain
from newsletter.store.clocks import clock_of
from newsletter.store.mailings import tally_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from newsletter.mailing import Mailing
    from newsletter.outcome import Outcome
    from newsletter.report import Tally
    from newsletter.store.database import Database

# How often the parent looks whether it was asked to stop, in seconds: its children send thousands of messages in one.
_LOOK_EVERY = 0.01
_PAUSES = {"Paused", "Halted"}
_WORTH_A_JOB = 20_000  # recipients
OUTCOMES: dict[str, Outcome] = {
    "accepted": Accepted(),
    "deferred": Deferred(Reply(0)),
    "rejected": Rejected(Reply(0)),
    "uncertain": Uncertain(Reply(0)),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is told, as JSON, on the first line of its standard input."""

    config: str  # the path of newsletter.toml
    mailing: int
    transport: str
    job: int  # from 1
    jobs: int  # that share the connections

    def to_json(self) -> str:
        """One line."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_json(cls, line: str) -> Order:
        """The order that `to_json` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class _Said:
    job: int
    line: str | None  # None: it has ended


def jobs_that_pay(recipients: int) -> int:
    """How many processes are worth their start, which costs about as much as five thousand messages each."""
    return max(1, min(os.cpu_count() or 1, recipients // _WORTH_A_JOB))


def send_with_jobs(
    database: Database,
    mailing: Mailing,
    config: Path,
    transport: str,
    jobs: int,
    clock: Callable[[], datetime],
    *,
    progress: Callable[[Sequence[Outcome]], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    alone: bool = True,
) -> Tally:
    """As actions.send.send, in `jobs` processes. Raises Stopped when a child could not go on."""
    clock = clock_of(database, clock)
    with leased(database, mailing, clock, alone=alone):
        said: SimpleQueue[_Said] = SimpleQueue()
        children = {}
        try:
            for job in range(1, jobs + 1):
                order = Order(str(config), mailing.id, transport, job, jobs)
                children[job] = _start(order, said)
            failure = _listen(children, said, progress, stop, lambda: look_after(database, mailing.id, _now(clock)))
        finally:
            for child in children.values():
                _end(child)
            with suppress(NewsletterError):  # else whoever goes on finds what they held
                look_after(database, mailing.id, _now(clock))
    if failure:
        raise failure
    return tally_of(database, mailing.id)


def _now(clock: Callable[[], datetime]) -> int:
    return int(clock().timestamp())


def _start(order: Order, said: SimpleQueue[_Said]) -> subprocess.Popen[str]:
    # A group of its own: Ctrl-C is the parent's to hear, which then stops the children gently.
    apart: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    child = subprocess.Popen(
        # -P: what lies in the author's folder is no part of the program.
        [sys.executable, "-P", "-m", "newsletter.engines.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **apart,
    )
    assert child.stdin is not None
    child.stdin.write(order.to_json() + "\n")
    child.stdin.flush()
    Thread(target=_read, args=(order.job, child, said), name=f"job-{order.job}", daemon=True).start()
    return child


def _read(job: int, child: subprocess.Popen[str], said: SimpleQueue[_Said]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if line.endswith("\n"):  # a child that was killed may leave half of one
            said.put(_Said(job, line))
    child.wait()
    said.put(_Said(job, None))


def _listen(
    children: dict[int, subprocess.Popen[str]],
    said: SimpleQueue[_Said],
    progress: Callable[[Sequence[Outcome]], None],
    stop: Callable[[], bool],
    look_after: Callable[[], None],
) -> Stopped | None:
    """Hear all children to their end; what stood in their way, if anything did."""
    problems: dict[str, Problem] = {}
    kinds: set[str] = set()
    until: str | None = None
    running = set(children)
    stopping = False
    while running:
        if not stopping and stop():
            stopping = True
            for child in children.values():
                _ask_to_stop(child)
        try:
            word = said.get(timeout=_LOOK_EVERY)
        except Empty:
            continue
        if word.line is not None:
            told = json.loads(word.line)
            if "problems" in told:
                for each in told["problems"]:
                    problems[each["message"]] = Problem(**each)
                kinds.add(told["kind"])
                until = until or told["until"]
                if told["kind"] in _PAUSES and not told["until"]:
                    # The server refuses us: the others must not find that out for themselves, reader by reader.
                    for child in children.values():
                        _ask_to_stop(child)
            else:
                progress([OUTCOMES[name] for name, number in told.items() for _ in range(number)])
            continue
        running.discard(word.job)
        look_after()
        code = children[word.job].returncode
        if code < 0 or code == 1:
            message = f"a sending process ended by itself (exit code {code})"
            problems[message] = Problem(message, fix="`newsletter resume` goes on with those who are left")
            kinds.add("")
    if not problems:
        return None
    if kinds == {"Halted"}:
        return Halted(*problems.values())
    if kinds and kinds <= _PAUSES:
        return Paused(*problems.values(), until=datetime.fromisoformat(until) if until else None)
    return TransportError(*problems.values()) if kinds == {"TransportError"} else Stopped(*problems.values())


def _ask_to_stop(child: subprocess.Popen[str]) -> None:
    if child.stdin is not None and not child.stdin.closed:
        with suppress(OSError):  # it may have ended already
            child.stdin.close()


def _end(child: subprocess.Popen[str]) -> None:
    """Close what is open to a child; one that still runs now is one whose parent was interrupted."""
    _ask_to_stop(child)
    if child.poll() is None:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
