"""A delivery: one recipient of one mailing, the states it goes through, and when to try again.

    pending ──claim──▶ claimed ──offer──▶ offered ──answer──▶ accepted | rejected | deferred
       ▲                  │                  └──no answer──▶ uncertain ──(the author decides)──▶ accepted | pending
       │                  ├──lease ran out───────▶ pending         (it was never offered: safe to send)
       │                  └──unsubscribed since──▶ skipped
       └──time has come── deferred

`offered` is on record before the end-of-data mark is written, so that a crash leaves no doubt about any other
recipient (RFC 1047).
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where one delivery stands. The number is what the ledger stores; it never changes its meaning."""

    PENDING = 0  # planned; nothing was sent
    CLAIMED = 1  # a worker holds it under a lease; nothing was sent
    OFFERED = 2  # its content is being committed: until an answer is on record, it may or may not have been taken
    ACCEPTED = 3  # the next hop took responsibility
    DEFERRED = 4  # the next hop said: later
    REJECTED = 5  # the next hop said: never
    SKIPPED = 6  # left the list, or was suppressed, after the audience was frozen
    UNCERTAIN = 7  # it was offered and no answer came


SETTLED = frozenset({State.ACCEPTED, State.REJECTED, State.SKIPPED, State.UNCERTAIN})

# Minutes to wait before attempt 2, 3, … of a deferred delivery; the last one repeats. Ten attempts take a day: after
# that a newsletter is no longer news.
RETRY_MINUTES = (5, 15, 30, 60, 120, 240)
MOST_ATTEMPTS = 10


def minutes_until_retry(attempts: int) -> int:
    """How long to wait after so many attempts, all of them deferred."""
    return RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
