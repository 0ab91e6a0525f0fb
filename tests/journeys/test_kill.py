"""SIGKILL in the middle of a send, then resume: nobody is lost, nobody gets it twice, who is uncertain is named."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.send import send
from newsletter.delivery import State
from newsletter.store.database import open_database
from newsletter.store.mailings import undelivered
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.sending import clock, fill_list, plan, post_for
from tests.support.sink import Sink
from tests.support.stores import new_list

if TYPE_CHECKING:
    from newsletter.report import Tally

ROOT = Path(__file__).parents[2]
CONNECTIONS = 5


def long(moment: int) -> object:
    """A moment whose turn on a server is one of the long tests: the others say as much."""
    return pytest.param(moment, marks=pytest.mark.soak_on_a_server)


@dataclass
class Result:
    """What one killed and resumed send came to."""

    counts: Tally
    accepted: Counter[str]
    uncertain: set[str]
    killed_at: int


def kill_and_resume(folder: Path, readers: int, kill_after: int, window: int = 1) -> Result:
    """Send to so many readers, kill the sender once the server has accepted `kill_after`, and resume.

    With a `window` above 1, the server offers CHUNKING.
    """
    accepted = 0
    process: subprocess.Popen[str] | None = None

    def kill_in_time(verb: str, _argument: str) -> None:
        # Called in the middle of the server's dialogue: the sender dies at whatever it was doing then.
        nonlocal accepted
        if verb == "." and process is not None:
            accepted += 1
            if accepted == kill_after:
                process.kill()

    extensions = ("8BITMIME", "CHUNKING") if window > 1 else ("8BITMIME",)
    with new_list(folder) as url, Sink(kill_in_time, extensions=extensions) as sink:
        with open_database(url) as database:
            fill_list(database, readers)
            mailing = plan(database)
        numbers = map(str, (sink.port, CONNECTIONS, window))
        command = [sys.executable, "-m", "tests.support.sender", url, *numbers]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            process.wait()
        with open_database(url) as database:
            counts = send(
                database,
                mailing,
                post_for(database, mailing),
                SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS, window=window),
                clock,
            )
            uncertain = {who.email for who in undelivered(database, mailing.id) if who.state is State.UNCERTAIN}
    return Result(counts, Counter(sink.accepted), uncertain, kill_after)


def check(result: Result, readers: int, window: int = 1) -> None:
    """The promise, to the letter."""
    everybody = {f"reader{n}@example.org" for n in range(readers)}
    assert result.counts.planned == readers
    assert result.counts.accepted + result.counts.uncertain == readers
    assert [who for who, times in result.accepted.items() if times > 1] == []
    assert everybody - set(result.accepted) <= result.uncertain
    assert len(result.uncertain) <= CONNECTIONS * window


@pytest.mark.parametrize("moment", [1, 137, 300, *(long(moment) for moment in (2, 49, 50, 51, 200, 299))])
def test_a_kill_loses_nobody_doubles_nobody_and_leaves_at_most_one_uncertain_a_connection(
    tmp_path: Path, moment: int
) -> None:
    check(kill_and_resume(tmp_path, 300, moment), 300)


@pytest.mark.parametrize("moment", [50, long(1), long(200)])
def test_with_chunking_the_window_bounds_what_is_uncertain(tmp_path: Path, moment: int) -> None:
    check(kill_and_resume(tmp_path, 300, moment, window=8), 300, window=8)


@pytest.mark.soak
def test_two_hundred_kills_at_random_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    results = []
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = kill_and_resume(folder, 2000, chance.randrange(1, 2000))
        check(result, 2000)
        results.append(result)
    with capsys.disabled():
        lost = sum(2000 - len(result.accepted) - len(result.uncertain - set(result.accepted)) for result in results)
        doubled = sum(times - 1 for result in results for times in result.accepted.values())
        uncertain = Counter(len(result.uncertain) for result in results)
        tally = dict(sorted(uncertain.items()))
        print(f"\n200 kills (seed {seed}): {lost} lost, {doubled} doubled, uncertain a kill: {tally}")
