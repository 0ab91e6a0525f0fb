"""Three processes send three mailings from one database to one server: what is limited is limited for all together.

Of one mailing, and of a list on a server, test_limits_over_workers.py says the same every time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest

from newsletter.limits import GOOD_FOR, Rate
from newsletter.store.database import open_database
from tests.support.sending import fill_list, plan
from tests.support.sink import Sink
from tests.support.stores import new_list

pytestmark = pytest.mark.soak_on_a_server
ROOT = Path(__file__).parents[2]
SENDERS = 3
READERS = 30


def send_together(folder: Path, sink: Sink, settings: str) -> tuple[list[float], float]:
    """Let the processes go at the same moment; when each message was let go, in order, and the seconds it took."""
    with ExitStack() as stack:
        url = stack.enter_context(new_list(folder))
        with open_database(url) as database:
            fill_list(database, READERS)
            for number in range(SENDERS):
                plan(database, issue=f"2026-11-{number}")
        senders = []
        for number in range(SENDERS):
            command = [sys.executable, "-m", "tests.support.limited_sender", url, str(sink.port), str(number), settings]
            sender = subprocess.Popen(command, text=True, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            senders.append(stack.enter_context(sender))
        for sender in senders:
            assert sender.stdout
            assert sender.stdout.readline() == "ready\n"
        began = monotonic()
        answers = []
        for sender in senders:
            assert sender.stdin
            sender.stdin.write("go\n")
            sender.stdin.flush()
        for sender in senders:
            answers.append(sender.communicate()[0])
            assert sender.returncode == 0
    return sorted(moment for answer in answers for moment in json.loads(answer)), monotonic() - began


def test_a_rate_holds_over_all_of_them_at_every_moment_and_is_used_by_them_together(tmp_path: Path) -> None:
    rate = Rate(60, 1)
    with Sink() as sink:
        moments, seconds = send_together(tmp_path, sink, f'[limits]\nrate = "{rate}"')
    total = SENDERS * READERS
    assert len(moments) == total
    assert Counter(sink.accepted) == {f"reader{n}@example.org": SENDERS for n in range(READERS)}
    for first in range(total):
        for last in range(first, total):
            stretch = moments[last] - moments[first] + GOOD_FOR / 1000
            # A clock is read in whole milliseconds, so both ends may be one off.
            assert last - first + 1 <= rate.burst + rate.messages * (stretch + 0.002)
    assert seconds >= (total - rate.burst) / rate.messages - GOOD_FOR / 1000
    assert moments[-1] - moments[0] <= 4 * total / rate.messages


def test_a_daily_limit_holds_over_all_of_them_to_the_message(tmp_path: Path) -> None:
    with Sink() as sink:
        moments, _ = send_together(tmp_path, sink, "[limits]\ndaily = 40")
    assert len(sink.accepted) == 40
    assert len(moments) == 40


def test_places_hold_over_all_of_them(tmp_path: Path) -> None:
    lock = threading.Lock()
    under_way = most = 0

    def watch(verb: str, _argument: str) -> None:
        nonlocal under_way, most
        with lock:
            under_way += {"RCPT": 1, ".": -1}.get(verb, 0)
            most = max(most, under_way)

    settings = '[limits.club]\ndomains = ["example.org"]\nin_flight = 2'
    with Sink(watch) as sink:
        send_together(tmp_path, sink, settings)
    assert len(sink.accepted) == SENDERS * READERS
    assert 1 <= most <= 2
