"""Groups: learn where the mail of readers' domains goes before a mailing goes on, if a limit depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.mail_servers import domains_to_ask, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from newsletter.limits import Limits
    from newsletter.store.database import Database

# The domains with the most readers: what is left has hardly one reader each, and is asked of by the next mailing.
_MOST = 5_000


def learn_groups(
    database: Database,
    mailing: int,
    limits: Limits | None,
    ask: Callable[[Sequence[str]], Mapping[str, str]],
    now: datetime,
) -> int:
    """Ask where the mail of the waiting readers' domains goes, and keep the answers; how many there were.

    `ask` gives the best mail server of each domain of which it learns one. Nothing is asked without a limit that
    depends on it, nor of a domain that a group names, nor of one that was asked of in the last week.
    """
    if not limits or not limits.asks_for_servers:
        return 0
    moment = int(now.timestamp())
    domains = domains_to_ask(database, mailing, limits.needs_no_asking, moment, _MOST)
    found = ask(domains) if domains else {}
    if found:
        remember(database, found, moment)
    return len(found)
