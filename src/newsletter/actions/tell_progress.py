"""Tell progress: count what one sender hears, by group of recipients, and put it where others can see it."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.errors import NewsletterError
from newsletter.limits import GROUPS
from newsletter.store.progress import add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.store.database import Database

_TELL_EVERY = 1.0  # seconds
_GROUP_OF = {domain: name for name, group in GROUPS.items() for domain in group.domains}


class Teller:
    """One sender's counts since it last told them."""

    def __init__(self, database: Database, mailing: int, worker: str, now: Callable[[], int]) -> None:
        self._database = database
        self._mailing = mailing
        self._worker = worker
        self._now = now
        self._heard: Counter[tuple[str, type[Outcome]]] = Counter()  # by domain
        self._again = monotonic() + _TELL_EVERY

    def hear(self, results: Iterable[tuple[Message, Outcome | None]]) -> None:
        """Count answers. Once a second they are told."""
        self._heard.update(
            [
                (message.envelope.recipient.rpartition("@")[2], type(outcome))
                for message, outcome in results
                if outcome is not None
            ]
        )
        if monotonic() >= self._again:
            self.tell()

    def tell(self) -> None:
        """Tell what was heard. A database that is busy hears it the next time: nothing depends on it."""
        self._again = monotonic() + _TELL_EVERY
        if self._heard:
            counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for (domain, kind), number in self._heard.items():
                counts[_GROUP_OF.get(domain.lower(), "")][kind.__name__.lower()] += number
            with suppress(NewsletterError):
                add(self._database, self._mailing, self._worker, counts, self._now())
                self._heard.clear()
