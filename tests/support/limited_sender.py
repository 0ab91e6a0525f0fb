"""A sender under limits, as a process of its own: `python -m tests.support.limited_sender DATABASE PORT MAILING TOML`.

It prints a line when it is ready, begins when it reads one, and prints when it let each message go, as JSON.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.actions.send import send
from newsletter.config import parse_config
from newsletter.errors import Paused
from newsletter.store.database import open_database
from newsletter.store.mailings import mailings_of
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.sending import post_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.links import Links
    from newsletter.subscriber import Subscriber


def main() -> None:
    """Send one mailing of the database."""
    url, port, number, settings = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    moments: list[float] = []
    moment = 0.0

    def clock() -> datetime:
        nonlocal moment
        now = datetime.now(UTC)
        moment = now.timestamp()
        return now

    with open_database(url) as database:
        mailing = mailings_of(database)[number]
        post = post_for(database, mailing)

        def evaluate(recipient: Subscriber, links: Links) -> Sequence[str]:
            moments.append(moment)
            return post.evaluate(recipient, links)

        print("ready", flush=True)
        sys.stdin.readline()
        limits = parse_config(settings, "newsletter.toml").limits
        with suppress(Paused):
            transport = SmtpTransport(Server("127.0.0.1", port), 4)
            send(database, mailing, replace(post, evaluate=evaluate), transport, clock, limits=limits)
    print(json.dumps(moments), flush=True)


if __name__ == "__main__":
    main()
