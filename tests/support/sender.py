"""A sender as a process of its own, to be killed: `python -m tests.support.sender DATABASE PORT CONNECTIONS WINDOW`.

It prints a line when it is ready to begin, and one when it has ended.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from newsletter.actions.send import send
from newsletter.store.database import open_database
from newsletter.store.mailings import mailings_of
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.sending import post_for


def main() -> None:
    """Send the first mailing in the database."""
    url, port, connections, window = sys.argv[1], *map(int, sys.argv[2:5])
    with open_database(url) as database:
        (mailing,) = mailings_of(database)
        post = post_for(database, mailing)
        transport = SmtpTransport(Server("127.0.0.1", port), connections, window=window)
        print("ready", flush=True)
        counts = send(database, mailing, post, transport, lambda: datetime.now(UTC))
    print("done", counts.accepted, flush=True)


if __name__ == "__main__":
    main()
