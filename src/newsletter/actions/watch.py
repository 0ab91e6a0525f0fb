"""Watch: send what is scheduled when its time has come, one mailing after the other, until told to stop.

Any number of processes may watch: the lease lets one of them send a mailing, and its fence whoever comes after a death.

A clock that jumps is not believed until it has stood by it for a minute. So one that is wrong for less fires nothing
early, and one that goes back fires nothing twice, which the ledger would refuse anyway. What missed its time by more
than an hour is not sent: the author says a word first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.actions.log import log
from newsletter.errors import LedgerError, NewsletterError, Paused, Refused, TransportError
from newsletter.mailing import Wish
from newsletter.store.mailings import next_due, scheduled
from newsletter.store.schedules import wish, wish_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.delivery import Schedule
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

MISSED_AFTER = timedelta(hours=1)
_LOOK_EVERY = 1.0  # seconds
_JUMP = 30.0  # seconds by which a clock may differ from the time that passed
_STAND_BY = 60.0  # seconds
_BUSY_FOR = timedelta(seconds=5)  # while another process sends it
_WRONG_FOR = timedelta(minutes=10)  # while the author has to mend something
_READ_ANEW = timedelta(minutes=1)  # whoever is due may have changed


class Steady:
    """A clock that is believed as long as it goes as fast as time does."""

    def __init__(self, clock: Callable[[], datetime], ticks: Callable[[], float]) -> None:
        self._clock = clock
        self._ticks = ticks
        self._last = clock(), ticks()
        self._doubt_until = 0.0
        self._doubts = False

    def now(self) -> datetime | None:
        """The time; None while it is in doubt."""
        wall, tick = self._clock(), self._ticks()
        jump = (wall - self._last[0]).total_seconds() - (tick - self._last[1])
        self._last = wall, tick
        if abs(jump) > _JUMP:
            log("clock jumped", seconds=round(jump))
            self._doubts, self._doubt_until = True, tick + _STAND_BY
        self._doubts = self._doubts and tick < self._doubt_until
        return None if self._doubts else wall


def is_missed(mailing: Mailing, now: datetime) -> bool:
    """Whether its time is so long over that the author has to say a word."""
    return mailing.is_scheduled and mailing.starts_at is not None and now - mailing.starts_at > MISSED_AFTER


def watch(
    database: Database,
    send: Callable[[Mailing], None],
    schedule: Schedule,
    clock: Callable[[], datetime],
    ticks: Callable[[], float],
    wait: Callable[[float], object],
    stop: Callable[[], bool],
    tell: Callable[[Mailing, str], None],
    *,
    until_nobody_is_left: bool = False,
) -> None:
    """Call `send` for each scheduled mailing that has somebody who is due, until `stop` says so.

    `tell` hears what stands in the way of one. With `until_nobody_is_left`, it ends when no mailing is left that could
    be sent without the author.
    """
    steady = Steady(clock, ticks)
    again: dict[tuple[int, datetime | None], datetime] = {}
    failures: dict[int, int] = {}
    told: set[tuple[int, str]] = set()

    def once(mailing: Mailing, what: str) -> None:
        if (mailing.id, what) not in told:
            told.add((mailing.id, what))
            tell(mailing, what)

    def later(mailing: Mailing, due: datetime) -> None:
        again[mailing.id, mailing.starts_at] = due

    def attend(mailing: Mailing, now: datetime) -> None:
        """Send what is due of a mailing, and know when to look at it again."""
        log("due", mailing=mailing.id, issue=mailing.issue)
        try:
            send(mailing)
        except Paused as pause:
            if pause.until is None:
                if wish_of(database, mailing.id) is Wish.NONE:  # a server that refuses us: only the author can mend it
                    wish(database, mailing.id, Wish.PAUSE, int(now.timestamp()))
                once(mailing, str(pause))
            else:
                once(mailing, pause.problems[0].message)
                later(mailing, pause.until)
        except TransportError as error:
            minutes = schedule.minutes[min(failures.get(mailing.id, 0), len(schedule.minutes) - 1)]
            failures[mailing.id] = failures.get(mailing.id, 0) + 1
            tell(mailing, f"{error}\n  trying again in {minutes} min")
            later(mailing, clock() + timedelta(minutes=minutes))
        except LedgerError as error:
            log("not ours", mailing=mailing.id)
            later(mailing, clock() + _BUSY_FOR)
            if "another process" not in str(error):
                once(mailing, str(error))
        except NewsletterError as error:
            once(mailing, str(error))
            later(mailing, clock() + (_WRONG_FOR if isinstance(error, Refused) else _READ_ANEW))
        else:
            failures.pop(mailing.id, None)
            due = next_due(database, mailing.id)
            later(mailing, min(due, now + _READ_ANEW) if due else now)

    while not stop():
        now = steady.now()
        mailings = scheduled(database)
        open_ones = [each for each in mailings if each.wish is Wish.NONE and not (now and is_missed(each, now))]
        for mailing in mailings if now else ():
            assert now is not None
            if is_missed(mailing, now):
                once(mailing, f"missed its time by {_hours(mailing, now)}; it waits for your word: "
                              f"newsletter schedule confirm {mailing.issue}")  # fmt: skip
            elif mailing in open_ones and now >= (again.get((mailing.id, mailing.starts_at)) or _start(mailing, now)):
                attend(mailing, now)
            if stop():
                break
        if until_nobody_is_left and not open_ones:
            return
        if not stop():
            wait(_LOOK_EVERY)


def _start(mailing: Mailing, now: datetime) -> datetime:
    return mailing.starts_at or now


def _hours(mailing: Mailing, now: datetime) -> str:
    seconds = int((now - _start(mailing, now)).total_seconds())
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"
