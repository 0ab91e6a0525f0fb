"""The log of what senders do, for machines: an event, and facts about it in numbers and our own words.

No address, subject or secret is ever a fact: what a server or a reader wrote does not come in here.
`cli/logs.py` says where it goes; nobody hears it unless they asked.
"""

from __future__ import annotations

import logging
import os

LOGGER = logging.getLogger("newsletter")


def log(event: str, *, mailing: int = 0, job: int = 0, **facts: int | float | str) -> None:
    """Tell that something happened. `job` is the process among several that send one mailing."""
    if LOGGER.isEnabledFor(logging.INFO):
        worker = f"{os.getpid()}/{job}"
        about = {"mailing": mailing, "worker": worker} if mailing else {"worker": worker}
        LOGGER.info(event, extra={"facts": about | facts})
