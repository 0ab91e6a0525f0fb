"""The program as an ordinary user has it: `python -m tests.support.ordinary publish …`.

Root may write to what is read-only. Here the process gives those rights up before it begins (capabilities(7)).
"""

from __future__ import annotations

import ctypes
import os
import sys

from newsletter.cli import main

_VERSION_3 = 0x20080522


def give_up_all_capabilities() -> None:
    """From here on, permissions mean what they say, also for root. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if library.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    if os.geteuid() == 0:
        give_up_all_capabilities()
    sys.exit(main(sys.argv[1:]))
