"""Halt: what the author wants of a mailing that another process may be sending, and seeing that it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.actions.presence import leased
from newsletter.errors import LedgerError
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
    clock = clock_of(database, clock)
    wish(database, mailing.id, Wish.PAUSE, int(clock().timestamp()))
    for _ in range(_PATIENCE):
        if is_free(database, mailing.id, int(clock().timestamp())):
            return tally_of(database, mailing.id), True
        wait(_LOOK_EVERY)
    return tally_of(database, mailing.id), False


def cancel(
    database: Database, mailing: Mailing, clock: Callable[[], datetime], wait: Callable[[float], object]
) -> tuple[Tally, bool]:
    """End a mailing: whoever was not offered it is skipped. Where it stands, and whether its sender has stopped.

    Raises LedgerError when the mailing is at its end.
    """
    clock = clock_of(database, clock)
    wish(database, mailing.id, Wish.CANCEL, int(clock().timestamp()))
    for _ in range(_PATIENCE):
        if counts := close_cancelled(database, mailing.id, int(clock().timestamp())):
            return counts, True
        try:
            with leased(database, mailing, clock):
                pass  # its sender has died: what it had offered is uncertain, and nobody is left
            return tally_of(database, mailing.id), True
        except LedgerError:
            wait(_LOOK_EVERY)
    return tally_of(database, mailing.id), False
