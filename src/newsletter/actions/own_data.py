"""Own data: a person asks for what is kept about them, and gets a link to it by mail, at the address that is kept.

A message may be forwarded, and the links in it with it: they let somebody change what is harmless to change. What tells
everything, or deletes it, is for who reads the mailbox (GDPR, articles 12(6), 15 and 17). The link works for a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.notices import Kind, put, written_since

if TYPE_CHECKING:
    from newsletter.store.database import Connection

_DAY = 86_400
_A_DAY = 3  # such messages


def ask(connection: Connection, subscriber: int, now: int) -> bool:
    """Let a link be mailed to a person, inside a transaction; False when there were enough of them today."""
    if written_since(connection, subscriber, now - _DAY, (Kind.OWN_DATA,)) >= _A_DAY:
        return False
    put(connection, Kind.OWN_DATA, subscriber, now)
    return True
