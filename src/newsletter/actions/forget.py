"""Forget: what is left when a person asks to be erased (GDPR, article 17).

    goes      the entry, the consents, the changes, what servers said of the address, wishes to join that wait
    stays     that somebody got a mailing, as a number; and the seal of the address, so that no import brings it back

The person can come back, by asking and confirming. Nobody else can bring them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.store import life
from newsletter.store.forgetting import copies, erase, erase_mentions, keep_out, scrub
from newsletter.store.seals import sealed_among
from newsletter.subscriber import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What came of a wish to be forgotten."""

    people: int  # were on the list
    addresses: int  # were not, and left, bounced or were blocked before
    unknown: tuple[str, ...]  # nothing is kept about these
    clean: bool  # no trace is left in the file; False: somebody was using it, and it is to be scrubbed later
    copies: tuple[str, ...]  # files beside the database that still know them


def forget(database: Database, addresses: Iterable[str], *, now: int, dry_run: bool = False) -> Forgotten:
    """Forget everybody with one of these addresses, and leave no trace in the file. `now` is in UTC seconds.

    With `dry_run`, only tell what is known. Raises StoreError.
    """
    people = suppressed = 0
    unknown = []
    for address in dict.fromkeys(map(canonical, addresses)):
        with database.transaction() as connection:
            found = _number_of(connection, address)
            row = connection.execute("SELECT 1 FROM suppressions WHERE address = ?", (address,)).fetchone()
            if found is None and row is None:
                unknown.append(address)
            people += found is not None
            suppressed += found is None and row is not None
            if not dry_run:
                forget_in(connection, found, address, now=now)
    done = people + suppressed > 0 and not dry_run
    if done:
        life.settle(database)
    clean = scrub(database) if done else True
    return Forgotten(people, suppressed, tuple(unknown), clean, tuple(copies(database)))


def forget_in(connection: Connection, subscriber: int | None, address: str, *, now: int) -> None:
    """Forget one person, inside a transaction; `address` is canonical. `scrub` is to follow, once for many.

    For the page where a person asks for it: traces may stay in free pages of the file until then.
    """
    if subscriber is None:
        erase_mentions(connection, address)
    else:
        erase(connection, subscriber, address)
    # Nothing was ever kept about an unknown address, and nothing is from now on.
    if (
        subscriber is not None
        or connection.execute("SELECT 1 FROM suppressions WHERE address = ?", (address,)).fetchone()
    ):
        keep_out(connection, address, now, always=True)


def let_go(connection: Connection, people: Sequence[tuple[int, str]], *, now: int) -> int:
    """Delete people whose time has passed; how many addresses stay out, because they had left or bounced.

    Who had not may be written to again once they have agreed again: nothing of them stays.
    """
    sealed = 0
    for number, address in people:
        erase(connection, number, address)
        sealed += keep_out(connection, address, now, always=False)
    return sealed


def is_forgotten(database: Database, email: str) -> bool:
    """Whether this address is kept out by a seal."""
    address = canonical(email)
    with database.reading() as connection:
        return address in sealed_among(connection, [address])


def _number_of(connection: Connection, address: str) -> int | None:
    row = connection.execute("SELECT id FROM subscribers WHERE canonical = ?", (address,)).fetchone()
    return row and int(row[0])
