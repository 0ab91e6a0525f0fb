"""Hear: a call of a provider's webhook, from its bytes to what follows.

    verified   by the provider's own rules, over the bytes as they came: else nothing of it is kept
    kept       word for word, in a transaction of its own: whatever happens next, it is not lost
    received   as every other evidence is (newsletter.actions.receive)

A repeat changes nothing: the same call is known by its bytes, the same event by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.actions.receive import Consequence, receive
from newsletter.errors import NewsletterError
from newsletter.providers import Forged
from newsletter.store.hooks import State, keep, settle

if TYPE_CHECKING:
    from newsletter.event import Event
    from newsletter.providers import Account, Hook, Provider
    from newsletter.store.database import Database


@dataclass(frozen=True, slots=True)
class Understood:
    """What a call says, once it is proved to be the provider's."""

    events: tuple[Event, ...]
    trouble: str = ""  # what we stumbled over when we read it


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call came to."""

    consequences: tuple[Consequence, ...] = ()
    is_repeat: bool = False  # the very same call was dealt with before
    trouble: str = ""  # what we stumbled over; the call is kept


def understand(provider: Provider, account: Account, hook: Hook) -> Understood:
    """Verify a call, and read it. Raises Forged when it is not the provider's, and ConfigError."""
    try:
        return Understood(tuple(provider.events(account, hook)))
    except (Forged, NewsletterError):
        raise
    except Exception as error:  # what we cannot read is kept until we can; its text may name somebody
        return Understood((), f"cannot be read: {type(error).__name__}")


def hear(
    database: Database, transport: str, understood: Understood, body: bytes, now: int, *, tracking: bool = False
) -> Heard:
    """Take a call in. `now` is in UTC seconds. Raises StoreError: then the call is to come again."""
    with database.transaction() as connection:
        number, state = keep(connection, transport, body, now)
        if understood.trouble:
            settle(connection, number, State.FAILED, 0, understood.trouble)
    if understood.trouble:
        return Heard(trouble=understood.trouble)
    if state is State.DONE:
        return Heard(is_repeat=True)
    consequences = receive(database, understood.events, now, tracking=tracking)
    with database.transaction() as connection:
        settle(connection, number, State.DONE, len(understood.events))
    return Heard(tuple(consequences))
