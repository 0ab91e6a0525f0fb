"""The log of what senders do, for machines: an event, and facts about it in numbers and our own words.

No address, subject or secret is ever a fact: what a server or a reader wrote does not come in here. Nobody hears it
unless they asked, by `--log-format` or NEWSLETTER_LOG; then it goes to standard error, a line an event.
"""

from __future__ import annotations

import json
import logging
import os
import platform
from datetime import UTC, datetime

FORMATS = ("json", "text")
VARIABLE = "NEWSLETTER_LOG"  # the processes that a sender starts read it, too
LOGGER = logging.getLogger("newsletter")


def log(event: str, *, mailing: int = 0, **facts: int | float | str) -> None:
    """Tell that something happened, and in which process of which machine."""
    if LOGGER.isEnabledFor(logging.INFO):
        worker = f"{platform.node()} {os.getpid()}"
        about = {"mailing": mailing, "worker": worker} if mailing else {"worker": worker}
        LOGGER.info(event, extra={"facts": about | facts})


def listen(kind: str | None = None) -> None:
    """Write the log from now on, as JSON or as text, or as NEWSLETTER_LOG says; without either, not at all."""
    kind = kind or os.environ.get(VARIABLE, "")
    if kind in FORMATS:
        os.environ[VARIABLE] = kind
        handler = logging.StreamHandler()
        handler.setFormatter(_Lines(kind))
        LOGGER.handlers = [handler]
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False


class _Lines(logging.Formatter):
    """An event and its facts, and nothing that anybody else has written."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._as_json = kind == "json"

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, int | float | str] = getattr(record, "facts", {})
        if self._as_json:
            return json.dumps({"at": at, "event": record.getMessage(), **facts}, ensure_ascii=False)
        return " ".join([at, record.getMessage(), *(f"{name}={value}" for name, value in facts.items())])
