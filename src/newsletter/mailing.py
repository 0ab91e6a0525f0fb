"""A mailing: this edition, to that audience, from this sender, at that time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class MailingState(Enum):
    """Where a mailing stands. The word is what the ledger stores and what `--json` says."""

    PLANNED = "planned"  # its deliveries are written; nothing was sent
    SENDING = "sending"  # begun, and not at its end: a worker is at it, or was stopped
    FINISHED = "finished"  # every delivery is accepted, rejected, skipped or uncertain


@dataclass(frozen=True, slots=True)
class Mailing:
    """The sending of one edition. What it froze when it was planned never changes."""

    id: int
    issue: str  # the issue's key: its file's name without .md
    title: str
    fingerprint: str  # of the edition that it sends
    sender: str  # the From mailbox, as in the header
    segment: str  # the rule that chose the audience; "" for everybody
    transport: str  # the name in newsletter.toml
    state: MailingState
    planned_at: datetime  # UTC
    finished_at: datetime | None = None
    commit: str = ""  # the issue's git commit; "" outside a repository
    modified: bool = False  # the issue had changes that were not committed
