"""One of several processes that send a mailing: `python -m newsletter.engines.worker`, started by inline.py.

Its order comes as a line on standard input; the end of standard input means: stop gently, and so do SIGTERM and
SIGHUP, which some service managers send to every process of a service. What became of messages goes to standard output,
a line of JSON at a time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.actions.log import listen
from newsletter.engines.inline import Order
from newsletter.errors import NewsletterError, Paused
from newsletter.serving.signals import heeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.outcome import Outcome

_SAY_EVERY = 0.2  # seconds


def run(order: Order, stop: Event) -> None:
    """Take part in the mailing until nobody is left who is due."""
    from newsletter import wiring
    from newsletter.actions.publish import same_sender
    from newsletter.actions.send import send
    from newsletter.sources.settings import read_config
    from newsletter.store.archive import address_of
    from newsletter.store.clocks import clock_of, this_machine
    from newsletter.store.keys import load_keys
    from newsletter.store.mailings import edition_of, mailings_of

    config = read_config(Path(order.config))
    counts: Counter[str] = Counter()
    said = monotonic()

    def say() -> None:
        nonlocal said
        if counts:
            print(json.dumps(counts), flush=True)
        counts.clear()
        said = monotonic()

    def progress(outcomes: Sequence[Outcome]) -> None:
        counts.update(type(outcome).__name__.lower() for outcome in outcomes)
        if monotonic() - said > _SAY_EVERY:
            say()

    with wiring.store(config, create=False) as database:
        mailing = next(each for each in mailings_of(database) if each.id == order.mailing)
        config = same_sender(config, mailing, str(wiring.sender(config)), as_planned=True)
        keys, address = load_keys(database), address_of(database, mailing)
        post = wiring.post(config, edition_of(database, mailing), address, keys, mailing.id, through=order.transport)
        transport = wiring.transport(config, order.transport, os.environ, job=order.job, jobs=order.jobs)
        send(
            database,
            mailing,
            post,
            transport,
            clock_of(database, this_machine),
            progress=progress,
            stop=stop.is_set,
            limits=wiring.limits(config, order.transport, transport),
            schedule=config.schedule,
            alone=False,
        )
    say()


def main() -> int:
    """Read the order, work, and tell what stood in the way. Exit code 4: it could not go on."""
    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in heeded("SIGTERM", "SIGHUP"):
        signal.signal(number, lambda *_: stop.set())
    order = Order.from_json(sys.stdin.readline())
    listen()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    Thread(target=wait_for_the_end, name="stop", daemon=True).start()
    try:
        run(order, stop)
    except NewsletterError as error:
        problems = [
            {name: getattr(problem, name) for name in ("message", "path", "line", "column", "fix")}
            for problem in error.problems
        ]
        until = error.until.isoformat() if isinstance(error, Paused) and error.until else None
        print(json.dumps({"problems": problems, "kind": type(error).__name__, "until": until}), flush=True)
        return 4
    return 0


if __name__ == "__main__":
    # The thread that waits for standard input may hold its lock: leave without asking it.
    code = main()
    sys.stdout.flush()
    os._exit(code)
