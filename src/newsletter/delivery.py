"""A delivery: one recipient of one mailing, the states it goes through, and when to try again.

    pending ──claim──▶ claimed ──offer──▶ offered ──answer──▶ accepted | rejected | deferred
       ▲                  │                  └──no answer──▶ uncertain ──(the author decides)──▶ accepted | pending
       │                  ├──lease ran out───────▶ pending         (it was never offered: safe to send)
       │                  └──unsubscribed since, or the mailing was cancelled──▶ skipped
       └──time has come── deferred

`offered` is on record before the end-of-data mark is written, so that a crash leaves no doubt about any other
recipient (RFC 1047).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from newsletter.outcome import Reply


class State(Enum):
    """Where one delivery stands. The number is what the ledger stores; it never changes its meaning."""

    PENDING = 0  # planned; nothing was sent
    CLAIMED = 1  # a worker holds it under a lease; nothing was sent
    OFFERED = 2  # its content is being committed: until an answer is on record, it may or may not have been taken
    ACCEPTED = 3  # the next hop took responsibility
    DEFERRED = 4  # the next hop said: later
    REJECTED = 5  # the next hop said: never
    SKIPPED = 6  # left the list, or was suppressed, after the audience was frozen; or the mailing was cancelled
    UNCERTAIN = 7  # it was offered and no answer came


SETTLED = frozenset({State.ACCEPTED, State.REJECTED, State.SKIPPED, State.UNCERTAIN})


# ── When to try again ────────────────────────────────────────────────────────────────────────────────────────────────

# Greylisting turns a stranger away once and remembers them; most servers want to see five minutes pass (RFC 6647).
_GREYLIST_SECONDS = 300
_GREYLISTED = re.compile(r"gr[ea]y-? ?list", re.IGNORECASE)
_TOLD = re.compile(
    r"(?:again|retry|wait|for|in|after|least) ([0-9]{1,5}) ?(s|m(?!s\b)|h)(?:ec|in|econd|inute|our)?s?\b", re.IGNORECASE
)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deferred delivery is tried again, and when "later" has become "never"."""

    minutes: tuple[int, ...] = (5, 15, 30, 60, 120, 240)  # before attempt 2, 3, …; the last one repeats
    give_up_after_hours: int = 24  # a day later, a newsletter is no longer news

    def next_try(self, reply: Reply, attempts: int, since: int, now: int, name: str) -> int | None:
        """When to try again after so many attempts, all of them deferred; None: not any more.

        `since` is when it was deferred for the first time; times are whole seconds. Those who were deferred together
        come back spread over a fifth of the wait to either side; `name` says where in it, the same at every reckoning.
        The last try is when the time is over.
        """
        end = since + 3600 * self.give_up_after_hours
        if now >= end:
            return None
        wait = 60 * self.minutes[min(attempts, len(self.minutes)) - 1]
        wait = wait * (8000 + crc32(f"{name} {attempts}".encode()) % 4001) // 10_000
        if is_greylisting(reply) or (reply.code in (450, 451) and reply.enhanced == "4.7.1"):
            wait = max(wait, _GREYLIST_SECONDS)
        return min(now + max(wait, _told_to_wait(reply)), end)


def is_greylisting(reply: Reply) -> bool:
    """Whether a deferral only asks to come back, as of everybody who writes for the first time."""
    return reply.code // 100 == 4 and bool(_GREYLISTED.search(reply.text))


def _told_to_wait(reply: Reply) -> int:
    """The seconds that the server names: "try again in 10 minutes", "greylisted for 300 seconds"."""
    found = _TOLD.search(reply.text)
    return int(found[1]) * _SECONDS[found[2][0].lower()] if found else 0
