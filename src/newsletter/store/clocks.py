"""The clock that leases, schedules and limits go by: this machine's, or where many machines meet, the database's.

A machine whose clock is wrong by an hour would otherwise take every other worker for dead, or send an hour early. The
server's clock is asked now and then; in between, what passed on this machine is added, whatever its clock is set to.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.database import Database

_ASK_EVERY = 60.0  # seconds; two quartzes differ by less than 10 ms then


def this_machine() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


def ticks() -> float:
    """Seconds that passed, whatever the clock is set to; on Linux, also those in which the machine slept."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def clock_of(database: Database, clock: Callable[[], datetime]) -> Callable[[], datetime]:
    """The clock to go by with this database, where `clock` is what a command was handed. Raises StoreError."""
    return ServerClock(database) if database.dialect.on_a_server and clock is this_machine else clock


class ServerClock:
    """The clock of a database server."""

    def __init__(self, database: Database) -> None:
        """Ask the server. Raises StoreError."""
        self._database = database
        self._at = 0.0
        self._then = datetime.now(UTC)
        self._ask()

    def __call__(self) -> datetime:
        """The time there."""
        if ticks() - self._at > _ASK_EVERY:
            with suppress(StoreError):  # it is away; what was known a minute ago is good for longer
                self._ask()
        return self._then + timedelta(seconds=ticks() - self._at)

    def _ask(self) -> None:
        before = ticks()
        with self._database.reading() as connection:
            (seconds,) = connection.execute("SELECT CAST(extract(epoch FROM clock_timestamp()) AS float8)").fetchone()
        # The server looked at its clock somewhere in between.
        self._at = (before + ticks()) / 2
        self._then = datetime.fromtimestamp(seconds, UTC)
