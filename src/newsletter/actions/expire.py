"""Expire: who has given no sign of life for years, and who never confirmed, is not kept for ever.

France's authority, the CNIL, expects that somebody who is written to is asked again, or deleted, three years after the
last contact that came from them. Nothing is known here of opening and clicking; a sign of life is to join, to confirm,
to come back, or to say something in the preferences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.actions.forget import let_go
from newsletter.store.forgetting import scrub
from newsletter.store.segments import LAST_SIGN

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.database import Connection, Database

DAY = 86_400
PENDING_AFTER = 30 * DAY  # a wish that nobody confirmed for so long was a mistake, or another person's
SOON = 90 * DAY  # before their time, people can be asked whether they want to stay

_AT_ONCE = 500  # people in a transaction
_SILENT = f"status <> 'pending' AND {LAST_SIGN} < ?"
_UNCONFIRMED = f"status = 'pending' AND {LAST_SIGN} < ?"


@dataclass(frozen=True, slots=True)
class Expiry:
    """Whose time has passed, in numbers."""

    silent: int  # no sign of life for too long
    unconfirmed: int  # asked to join, and never confirmed
    soon: int  # will be silent too long within SOON
    kept: int
    sealed: int = 0  # of those who went, how many addresses stay out, since they had left or bounced
    clean: bool = True  # no trace is left in the file


def expiry(database: Database, *, after: int, pending_after: int = PENDING_AFTER, now: int) -> Expiry:
    """Whose time has passed; nothing is changed. `after` and `pending_after` are in seconds, `now` in UTC seconds."""
    with database.reading() as connection:
        silent = _count(connection, _SILENT, now - after)
        unconfirmed = _count(connection, _UNCONFIRMED, now - pending_after)
        soon = _count(connection, f"status = 'active' AND {LAST_SIGN} < ?", now - after + SOON)
        already = _count(connection, f"status = 'active' AND {LAST_SIGN} < ?", now - after)
        total = _count(connection, "id > ?", 0)
    return Expiry(silent, unconfirmed, soon - already, total - silent - unconfirmed)


def expire(
    database: Database,
    *,
    after: int,
    pending_after: int = PENDING_AFTER,
    now: int,
    progress: Callable[[int], object] = lambda _: None,
) -> Expiry:
    """Delete whose time has passed, and leave no trace of them in the file. Stopped half-way, it goes on the next time.

    Who had left, or whose address bounced, stays out as a seal. Raises StoreError.
    """
    found = expiry(database, after=after, pending_after=pending_after, now=now)
    sealed = 0
    for where, before in ((_SILENT, now - after), (_UNCONFIRMED, now - pending_after)):
        last = 0
        while True:
            with database.transaction() as connection:
                people = connection.execute(
                    f"SELECT id, canonical FROM subscribers s WHERE {where} AND id > ? ORDER BY id LIMIT {_AT_ONCE}",  # noqa: S608  (our own SQL)
                    (before, last),
                ).fetchall()
                sealed += let_go(connection, people, now=now)
            if not people:
                break
            last = people[-1][0]
            progress(len(people))
    clean = scrub(database) if found.silent + found.unconfirmed else True
    return Expiry(found.silent, found.unconfirmed, found.soon, found.kept, sealed, clean)


def _count(connection: Connection, where: str, parameter: int) -> int:
    (number,) = connection.execute(f"SELECT count(*) FROM subscribers s WHERE {where}", (parameter,)).fetchone()  # noqa: S608  (our own SQL)
    return int(number)
