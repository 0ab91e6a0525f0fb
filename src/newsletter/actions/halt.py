"""Halt: what the author wants of a mailing that another process may be sending, and seeing that it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.actions.presence import leased
from newsletter.errors import LedgerError, TakenOver
from newsletter.mailing import Wish
from newsletter.store.clocks import clock_of
from newsletter.store.leases import is_free
from newsletter.store.mailings import tally_of
from newsletter.store.schedules import close_cancelled, wish

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.store.database import Database

_LOOK_EVERY = 0.2  # seconds
_PATIENCE = 50  # looks: a server that has not answered after ten seconds is waited for by its sender


def pause(
    database: Database, mailing: Mailing, clock: Callable[[], datetime], wait: Callable[[float], object]
) -> tuple[Tally, bool]:
    """Let nobody more be written to, until `resume`: where the mailing stands, and whether its sender has stopped.

    Raises LedgerError when the mailing is at its end.
    """
    return _halt(database, mailing, Wish.PAUSE, clock, wait, lambda now: is_free(database, mailing.id, now))


def cancel(
    database: Database, mailing: Mailing, clock: Callable[[], datetime], wait: Callable[[float], object]
) -> tuple[Tally, bool]:
    """End a mailing: whoever was not offered it is skipped. Where it stands, and whether its sender has stopped.

    Raises LedgerError when the mailing is at its end.
    """

    def is_closed(now: int) -> bool:
        if close_cancelled(database, mailing.id, now):
            return True
        try:
            with leased(database, mailing, clock):
                pass  # its sender has died: what it had offered is uncertain, and nobody is left
        except (LedgerError, TakenOver):
            return False
        return True

    return _halt(database, mailing, Wish.CANCEL, clock, wait, is_closed)


def _halt(
    database: Database,
    mailing: Mailing,
    wanted: Wish,
    clock: Callable[[], datetime],
    wait: Callable[[float], object],
    is_done: Callable[[int], bool],
) -> tuple[Tally, bool]:
    """Say what is wanted, and look for a while whether it is done."""
    clock = clock_of(database, clock)
    wish(database, mailing.id, wanted, int(clock().timestamp()))
    for _ in range(_PATIENCE):
        if is_done(int(clock().timestamp())):
            return tally_of(database, mailing.id), True
        wait(_LOOK_EVERY)
    return tally_of(database, mailing.id), False
