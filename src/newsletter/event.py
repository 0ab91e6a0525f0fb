"""Event: what is heard of a delivery after the next hop took it: by a report that comes by mail, or by a provider.

An event is evidence. What follows from it is decided by `actions/receive.py`, the same way whoever the witness was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from newsletter.outcome import Reply

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.bounce import BounceClass

_NO_REPLY = Reply(0)


class EventKind(Enum):
    """What happened. The word is what the store keeps and what `--json` says."""

    DELIVERED = "delivered"  # it is in the mailbox, or the last server that tells has taken it
    DEFERRED = "deferred"  # some server on the way still tries
    BOUNCED = "bounced"  # it came back; `bounce` says why
    COMPLAINED = "complained"  # the reader called it spam
    UNSUBSCRIBED = "unsubscribed"  # the reader asked to leave
    OPENED = "opened"  # images were loaded, by the reader or by a machine; kept only where tracking is on
    CLICKED = "clicked"  # a link was followed; the same


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was heard.

    `mailing` and `subscriber` are known when the witness gave an id that we signed; `address` is what it named itself,
    which may be the forwarding target of the one that we wrote to, and alone proves nothing.
    """

    kind: EventKind
    id: str  # the same whenever the same report is read again: repeats are known by it
    source: str  # who said so: "dsn", "arf", "mail", "smtp", a provider's name
    bounce: BounceClass | None = None  # of BOUNCED
    mailing: int = 0  # 0: not known
    subscriber: int = 0  # 0: not known
    address: str = ""
    at: datetime | None = None  # as the witness dates it; None when it does not
    reply: Reply = _NO_REPLY  # the refusal, word for word

    @property
    def is_proved(self) -> bool:
        """Whether an id of ours says whom it is about."""
        return self.subscriber > 0
