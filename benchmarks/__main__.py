"""`make bench`, or `python -m benchmarks startup sending`: every suite, or those named.

`--recipients 10000` makes "providers" shorter.
"""

from __future__ import annotations

import os
import platform
import sys

from benchmarks import (
    audience,
    distance,
    importing,
    preview,
    providers,
    rendering,
    sending,
    startup,
    store,
    web,
    workers,
)

SUITES = {
    "startup": startup.run,
    "rendering": rendering.run,
    "sending": sending.run,
    "providers": providers.run,
    "importing": importing.run,
    "list": audience.run,
    "store": store.run,
    "workers": workers.run,
    "distance": distance.run,
    "web": web.run,
    "preview": preview.run,
}


def main() -> None:
    """Run the suites."""
    wanted = sys.argv[1:]
    if "--recipients" in wanted:  # of the providers
        at = wanted.index("--recipients")
        providers.RECIPIENTS = int(wanted[at + 1])
        del wanted[at : at + 2]
    wanted = wanted or list(SUITES)
    if unknown := [name for name in wanted if name not in SUITES]:
        sys.exit(f"there is no suite {unknown[0]!r}; there are: {', '.join(SUITES)}")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    for name in wanted:
        SUITES[name]()


main()
