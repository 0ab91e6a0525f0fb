"""Keep going: send, wait until somebody is due, send again, until nobody is left.

What it waits for: the time of those who were deferred, or are scheduled; the day after a daily limit; a server that
was there and has gone away. Time is handed in, so that a test can let a day pass.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.errors import Paused, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.delivery import Schedule
    from newsletter.report import Tally

_LOOK_EVERY = 1.0  # seconds: how soon a stop is heard, and a clock that was set


def keep_going(
    send: Callable[[], Tally],
    next_due: Callable[[], datetime | None],
    schedule: Schedule,
    clock: Callable[[], datetime],
    wait: Callable[[float], object],
    stop: Callable[[], bool],
    tell: Callable[[str, datetime], None],
) -> None:
    """Call `send` again and again, until the mailing is settled or `stop` says so.

    `next_due` is when somebody who waits may be written to, or a deferred delivery may be tried again. `tell` hears
    what is waited for, and until when. Raises Paused if only the author can mend it, TransportError if the server was
    away from the first or is for too long, and what else `send` raises.
    """
    worked, away_since, failures = False, clock(), 0
    while not stop():
        try:
            counts = send()
        except Paused as pause:
            if pause.until is None:
                raise
            worked, failures = True, 0
            why, due = pause.problems[0].message, pause.until
        except TransportError as error:
            away_since = away_since if failures else clock()
            if not worked or clock() - away_since > timedelta(hours=schedule.give_up_after_hours):
                raise
            minutes = schedule.minutes[min(failures, len(schedule.minutes) - 1)]
            failures += 1
            why, due = error.problems[0].message, clock() + timedelta(minutes=minutes)
        else:
            worked, failures = True, 0
            later = next_due()
            if counts.is_settled or later is None:
                return
            if counts.pending:
                why, due = f"{counts.pending:,} wait for their time", later
            else:
                why, due = f"{counts.deferred:,} deferred: the server said later", later
        if stop():
            return
        if due > clock():
            tell(why, due)
        else:  # who is due only now, or only by this clock, and not by the one that the sender goes by
            wait(_LOOK_EVERY)
        while (left := (due - clock()).total_seconds()) > 0 and not stop():
            wait(min(left, _LOOK_EVERY))
