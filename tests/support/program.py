"""The program in other circumstances: `python -m tests.support.program without-rights,hurried publish …`.

without-rights   as an ordinary user has it: root may write to what is read-only, and gives that up (capabilities(7))
hurried          it waits for a locked database and a silent server as it always does, but not for seconds
interruptible    Ctrl-C and SIGHUP are heard, also where what runs the tests has them ignored
without-hup      SIGHUP is ignored, as nohup(1) has it
short-leases     a worker counts as gone after four seconds
host-of-its-own  no other process is on the same machine: who is gone is known by their lease alone
only-woken       a worker looks for nothing by itself, but when its engine wakes it
as-it-is         no other than they are
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from typing import TYPE_CHECKING

from newsletter.actions import presence
from newsletter.cli import main, sending
from newsletter.engines import procrastinate
from newsletter.store import database, leases

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION_3 = 0x20080522


def give_up_all_capabilities() -> None:
    """From here on, permissions mean what they say, also for root. Raises OSError."""
    if os.geteuid() != 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if library.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")


def hurry() -> None:
    """Wait for nobody longer than a moment."""
    database.BUSY_SECONDS = 0.05
    sending.PATIENCE = 0.1


def shorten_leases() -> None:
    """Let a lease run out soon."""
    leases.LEASE_SECONDS = 4
    presence.HEARTBEAT_SECONDS = 1


def live_apart() -> None:
    """Be on a machine of which nobody else can see whether this process is still there."""
    name = f"host-{os.getpid()}"
    platform.node = lambda: name


def stay_asleep() -> None:
    """Let a worker look when it is woken only."""
    procrastinate._LOOK_EVERY = 3600


def be_interruptible() -> None:
    """Hear what a shell in the background, or nohup(1), lets its children ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


CIRCUMSTANCES: dict[str, Callable[[], object]] = {
    "without-rights": give_up_all_capabilities,
    "hurried": hurry,
    "interruptible": be_interruptible,
    "short-leases": shorten_leases,
    "host-of-its-own": live_apart,
    "only-woken": stay_asleep,
    "as-it-is": lambda: None,
    "without-hup": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
}

if __name__ == "__main__":
    for name in sys.argv.pop(1).split(","):
        CIRCUMSTANCES[name]()
    sys.exit(main())
