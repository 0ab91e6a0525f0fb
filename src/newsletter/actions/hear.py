"""Hear: a call of a provider's webhook, from its bytes to what follows.

    verified   by the provider's own rules, over the bytes as they came: else nothing of it is kept
    kept       word for word, in a transaction of its own: whatever happens next, it is not lost
    received   as every other evidence is (newsletter.actions.receive)

A repeat changes nothing: the same call is known by its bytes, the same event by its id. So what was kept and no more,
since the process died or an earlier version could not read it, can be received again (`hear_again`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.actions.receive import Consequence, receive
from newsletter.errors import NewsletterError
from newsletter.providers import Forged, Hook
from newsletter.store.hooks import State, keep, kept, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.event import Event
    from newsletter.providers import Account, Provider
    from newsletter.store.database import Database
    from newsletter.store.hooks import Call

    Listener = Callable[[str], tuple[Provider, Account] | None]  # who is heard through a transport of that name


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
    return _receive(database, number, understood, now, tracking=tracking)


def hear_again(
    database: Database, state: State, listener: Listener, now: int, *, tracking: bool = False
) -> Iterator[tuple[Call, Heard]]:
    """Take in what was kept and came no further, the oldest first. It was proved when it came. Raises StoreError."""
    last = 0
    while calls := kept(database, state, last):
        for call in calls:
            last = call.id
            understood = _understand_again(call, listener)
            if understood.trouble:
                with database.transaction() as connection:
                    settle(connection, call.id, State.FAILED, 0, understood.trouble)
                yield call, Heard(trouble=understood.trouble)
            else:
                yield call, _receive(database, call.id, understood, now, tracking=tracking)


def _understand_again(call: Call, listener: Listener) -> Understood:
    try:
        found = listener(call.transport)
        if found is None:
            return Understood((), "no transport has this name any more")
        provider, account = found
        return understand(provider, account, Hook({}, call.body, call.received_at, proved=True))
    except (Forged, NewsletterError) as error:
        return Understood((), f"cannot be read: {error}")


def _receive(database: Database, number: int, understood: Understood, now: int, *, tracking: bool) -> Heard:
    consequences = receive(database, understood.events, now, tracking=tracking)
    with database.transaction() as connection:
        settle(connection, number, State.DONE, len(understood.events))
    return Heard(tuple(consequences))
