"""Watch: send what is scheduled when its time has come, one mailing after the other, until told to stop.

Any number of processes may watch. Where they send together, all of them take part in each mailing, and the last one
closes it; else the first one sends it alone, and whoever comes after its death.

A clock that jumps is not believed until it has stood by it for a minute. So one that is wrong for less fires nothing
early, and one that goes back fires nothing twice, which the ledger would refuse anyway. What missed its time by more
than an hour is not sent: the author says a word first.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from newsletter.actions.log import log
from newsletter.actions.presence import look_after
from newsletter.errors import (
    Halted,
    LedgerError,
    NewsletterError,
    Paused,
    Refused,
    StoreError,
    TakenOver,
    TransportError,
)
from newsletter.mailing import Wish
from newsletter.store.database import Unreachable
from newsletter.store.leases import workers_of as present_in
from newsletter.store.mailings import has_due, next_due, scheduled
from newsletter.store.schedules import wish
from newsletter.store.upgrade import Outdated, check_version

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


class Look(NamedTuple):
    """What one look over all mailings came to."""

    open_ones: int  # that could be sent without the author, now or later
    attended: int  # of which somebody was due


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


class Watcher:
    """Who watches: what it knows of each mailing, and when it looks at it again."""

    def __init__(
        self,
        database: Database,
        send: Callable[[Mailing], None],
        schedule: Schedule,
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
        tell: Callable[[str, str], None],
        *,
        together: bool = False,
    ) -> None:
        """`send` is called for a mailing that has somebody who is due, `tell` for an issue and what stands in its way.

        With `together`, several send one mailing at once.
        """
        self._database = database
        self._send = send
        self._schedule = schedule
        self._clock = clock
        self._steady = Steady(clock, ticks)
        self._tell = tell
        self._together = together
        self._again: dict[tuple[int, datetime | None], datetime] = {}
        self._failures: dict[int, int] = {}
        self._told: set[tuple[str, str]] = set()
        self._for_the_author: set[int] = set()  # mailings that nobody else can help

    def look(self, stop: Callable[[], bool]) -> Look:
        """Send what is due, mailing by mailing. Raises Unreachable, and Outdated."""
        check_version(self._database)
        now = self._steady.now()
        mailings = scheduled(self._database)
        open_ones = [each for each in mailings if each.wish is Wish.NONE and not (now and is_missed(each, now))]
        attended = 0
        for mailing in mailings if now else ():
            assert now is not None
            if is_missed(mailing, now):
                self._once(mailing.issue, f"missed its time by {_hours(mailing, now)}; it waits for your word: "
                                          f"newsletter schedule confirm {mailing.issue}")  # fmt: skip
            elif mailing in open_ones and self._is_wanted(mailing, now):
                attended += 1
                self._attend(mailing, now)
            if stop():
                break
        return Look(sum(each.id not in self._for_the_author for each in open_ones), attended)

    def wait_for_the_store(self, error: StoreError) -> None:
        """Say once what is wrong with the database."""
        log("database away")
        self._once("the database", str(error))

    def _once(self, what: str, why: str) -> None:
        if (what, why) not in self._told:
            self._told.add((what, why))
            self._tell(what, why)

    def _later(self, mailing: Mailing, due: datetime) -> None:
        self._again[mailing.id, mailing.starts_at] = due

    def _is_wanted(self, mailing: Mailing, now: datetime) -> bool:
        """Whether this one is to take part in a mailing now."""
        seconds = int(now.timestamp())
        if self._together:
            look_after(self._database, mailing.id, seconds)
        if now < (self._again.get((mailing.id, mailing.starts_at)) or _start(mailing, now)):
            return False
        # Where others have all in hand that is due, the last of them closes it; and if they die, somebody is due again.
        return (
            not self._together
            or has_due(self._database, mailing.id, seconds)
            or not present_in(self._database, mailing.id)
        )

    def _attend(self, mailing: Mailing, now: datetime) -> None:
        """Send what is due of a mailing, and know when to look at it again."""
        log("due", mailing=mailing.id, issue=mailing.issue)
        try:
            self._send(mailing)
        except Paused as pause:
            if pause.until is None:
                if not isinstance(pause, Halted):  # a server that refuses us: only the author can mend it
                    with suppress(LedgerError):  # others may have brought it to its end
                        wish(self._database, mailing.id, Wish.PAUSE, int(now.timestamp()))
                self._once(mailing.issue, str(pause))
            else:
                self._once(mailing.issue, pause.problems[0].message)
                self._later(mailing, pause.until)
        except TransportError as error:
            minutes = self._schedule.minutes[min(self._failures.get(mailing.id, 0), len(self._schedule.minutes) - 1)]
            self._failures[mailing.id] = self._failures.get(mailing.id, 0) + 1
            self._tell(mailing.issue, f"{error}\n  trying again in {minutes} min")
            self._later(mailing, self._clock() + timedelta(minutes=minutes))
        except (LedgerError, TakenOver) as error:
            log("not ours", mailing=mailing.id)
            self._later(mailing, self._clock() + _BUSY_FOR)
            if "another process" not in str(error):
                self._once(mailing.issue, str(error))
                self._for_the_author.add(mailing.id)
        except (Unreachable, Outdated):
            raise
        except NewsletterError as error:
            self._once(mailing.issue, str(error))
            self._later(mailing, self._clock() + (_WRONG_FOR if isinstance(error, Refused) else _READ_ANEW))
            if isinstance(error, Refused):
                self._for_the_author.add(mailing.id)
        else:
            self._for_the_author.discard(mailing.id)
            self._failures.pop(mailing.id, None)
            due = next_due(self._database, mailing.id)
            self._later(mailing, min(due, now + _READ_ANEW) if due else now)


def watch(
    watcher: Watcher,
    wait: Callable[[float], object],
    stop: Callable[[], bool],
    *,
    until_nobody_is_left: bool = False,
    once: bool = False,
) -> None:
    """Look again and again until `stop` says so; `wait` is given the seconds until the next look.

    With `until_nobody_is_left`, it ends when no mailing is left that could be sent without the author; with `once`,
    when nobody is due any more. A database that is away is waited for, unless it ends with `once`.
    """
    while not stop():
        try:
            look = watcher.look(stop)
        except Outdated:
            raise
        except StoreError as error:
            if once:
                raise
            watcher.wait_for_the_store(error)
        else:
            if (until_nobody_is_left and not look.open_ones) or (once and not look.attended):
                return
        if not stop():
            wait(_LOOK_EVERY)


def _start(mailing: Mailing, now: datetime) -> datetime:
    return mailing.starts_at or now


def _hours(mailing: Mailing, now: datetime) -> str:
    seconds = int((now - _start(mailing, now)).total_seconds())
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"
