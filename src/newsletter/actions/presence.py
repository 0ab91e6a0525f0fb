"""Presence: taking part in a mailing, from joining it to leaving it, with a heartbeat in between.

At each heartbeat a worker prolongs its lease, settles what others have left behind who are gone, and sees that the
database still speaks the schema that this program knows.
"""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.actions.log import log
from newsletter.actions.receive import receive_refusals
from newsletter.errors import NewsletterError, TakenOver
from newsletter.store.clocks import clock_of
from newsletter.store.leases import Lease, Worker, beat, is_gone, join, leave, take_over, workers_of
from newsletter.store.upgrade import Outdated, check_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

HEARTBEAT_SECONDS = 5


class Seat:
    """A worker's part in a mailing; its heart beats while the worker waits for a slow server."""

    def __init__(self, database: Database, lease: Lease, now: Callable[[], int]) -> None:
        self.lease = lease
        self.trouble: NewsletterError | None = None  # why to end: taken over, or a newer program is at work
        self._database = database
        self._now = now
        self._end = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def _run(self) -> None:
        while not self._end.wait(HEARTBEAT_SECONDS):
            try:
                beat(self._database, self.lease, self._now())
                look_after(self._database, self.lease.mailing, self._now())
                check_version(self._database)
            except (TakenOver, Outdated) as error:
                self.trouble = error
                return
            except NewsletterError:
                continue  # the next record will say so where it matters

    def __enter__(self) -> Seat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@contextmanager
def leased(
    database: Database, mailing: Mailing, clock: Callable[[], datetime], *, alone: bool = True
) -> Iterator[Seat]:
    """Take part in sending a mailing, and leave it at the end, whatever that is.

    Raises LedgerError with `alone` if another process is at work.
    """
    clock = clock_of(database, clock)

    def now() -> int:
        return int(clock().timestamp())

    lease = join(database, mailing.id, this_worker(), now(), is_alive, alone=alone)
    log("lease taken", mailing=mailing.id, number=lease.worker, issue=mailing.issue, program=__version__)
    with Seat(database, lease, now) as seat:
        try:
            yield seat
            receive_refusals(database, mailing.id, now())
        except BaseException:
            # If even this fails, the next worker finds the lease of a process that is gone.
            with suppress(NewsletterError):
                receive_refusals(database, mailing.id, now())
                leave(database, lease, now())
            raise
    counts = leave(database, lease, now())
    names = ("accepted", "deferred", "rejected", "uncertain", "pending")
    told = {name: getattr(counts, name) for name in names} if counts else {}
    log("lease given back", mailing=mailing.id, number=lease.worker, **told)


def look_after(database: Database, mailing: int, now: int) -> None:
    """Settle what workers of a mailing who are gone have left behind."""
    if number := take_over(database, mailing, this_worker(), now, is_alive):
        log("taken over", mailing=mailing, workers=number)


def at_work(database: Database, mailing: int, now: int) -> list[Worker]:
    """Who sends a mailing at this moment, as far as can be told from here."""
    here = this_worker()
    return [each.worker for each in workers_of(database, mailing) if not is_gone(each, here, now, is_alive)]


def this_worker() -> Worker:
    """The process that runs, as the ledger names it."""
    return Worker(platform.node(), _boot(), os.getpid(), _space())


@cache
def _space() -> str:
    """Where the number of this process counts: a container has numbers of its own. "" where there is but one space."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


@cache
def _boot() -> str:
    """What tells this run of the machine from the one before its last start; "" where nothing does."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip()
    return ""


def is_alive(worker: Worker) -> bool:
    """Whether a process whose number counts here is still there. Windows cannot say: assume that it is."""
    if os.name == "nt":
        return True
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
