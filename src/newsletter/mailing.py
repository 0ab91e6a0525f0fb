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
    CANCELLED = "cancelled"  # the same, because the author broke it off: who was left is skipped


AT_ITS_END = frozenset({MailingState.FINISHED, MailingState.CANCELLED})


class Wish(Enum):
    """What the author wants of a mailing, from another process. Its senders read it every half second."""

    NONE = ""
    PAUSE = "pause"
    CANCEL = "cancel"


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
    starts_at: datetime | None = None  # UTC; of a mailing that is scheduled. None: sent by who published it
    local: str = ""  # the hour on everybody's own clock, as given; "": one moment for all
    spread: int = 0  # seconds over which it is spread from its moment on
    wish: Wish = Wish.NONE

    @property
    def is_over(self) -> bool:
        """Nothing is left to do."""
        return self.state in AT_ITS_END

    @property
    def is_scheduled(self) -> bool:
        """It waits for its time."""
        return self.state is MailingState.PLANNED and self.starts_at is not None

    @property
    def standing(self) -> str:
        """Where it stands, in one word: its state; or `paused`, or `scheduled`."""
        if not self.is_over and self.wish is Wish.PAUSE:
            return "paused"
        return "scheduled" if self.is_scheduled else self.state.value
