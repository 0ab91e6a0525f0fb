"""Tokens: what is left of rates, daily caps and places, for all processes of one database together.

spend    take tokens from several limits at once, or none    a batch at a time: the sender pays one transaction for it
owe      take them whether they are there or not             for what cannot wait; whoever comes next waits for it
refund   give back to daily caps what was not used after all
hold     places at a group's servers, under a lease           so many messages may be under way there at once
leave    give the places back

A message pays all the limits that hold for it in one transaction, so that no token is taken in vain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from newsletter.limits import Bucket, ready_at, refilled, spent, tokens_in
from newsletter.store.database import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.limits import Rate
    from newsletter.store.database import Connection, Database

# Longer than the longest wait for all the answers to one message (tests/contracts/test_pace.py reckons it), so that a
# place is not given away under it while nobody asks for another one. Whoever dies blocks theirs as long, or until
# somebody takes over from them.
HOLD_SECONDS = 2_700

_PUT = """
    INSERT INTO tokens (name, amount, at) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET amount = excluded.amount, at = excluded.at
"""
_HOLD = """
    INSERT INTO places (name, holder, held, until) VALUES (?, ?, ?, ?)
    ON CONFLICT (name, holder) DO UPDATE SET held = excluded.held, until = excluded.until
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """How many messages may go now. If none: which limit says so, and from when on it may be otherwise."""

    number: int
    limit: str = ""
    ready_at: int | None = None  # milliseconds since 1970; None: another day
    again_at: int = field(default=0, compare=False)  # if some may go: when it is of use to ask again


class _Used(NamedTuple):
    """How much of a daily cap is gone, and on which day."""

    number: int
    day: int


def spend(
    database: Database, wanted: int, rates: Mapping[str, Rate], caps: Mapping[str, int], day: int, now: int
) -> Grant:
    """Take up to `wanted` tokens, the same number from each rate and each daily cap; of a quick rate a portion or more.

    `day` is today, counted from the year 1, or the hour for caps that are for one; `now` in milliseconds since 1970.
    """
    with database.transaction(lock=Lock.TOKENS) as connection:
        buckets, used = _left(connection, rates, caps, day, now)
        number = wanted
        refusal = Grant(0)
        for name, rate in rates.items():
            bucket = buckets[name]
            there, least = tokens_in(bucket, rate), min(rate.portion, wanted)
            if there < least:
                later = Grant(0, name, ready_at(bucket, rate, least))
                refusal = max(refusal, later, key=lambda each: each.ready_at or 0)
                there = 0
            number = min(number, there)
        for name, cap in caps.items():
            if used[name].number >= cap:
                return Grant(0, name)
            number = min(number, cap - used[name].number)
        if not number:
            return refusal
        rest = _take(connection, number, rates, buckets, used)
    return Grant(
        number, again_at=max((ready_at(rest[name], rate, rate.portion) for name, rate in rates.items()), default=0)
    )


def owe(database: Database, number: int, rates: Mapping[str, Rate], caps: Iterable[str], day: int, now: int) -> None:
    """Take so many tokens from each, also those that are not there yet. `day` and `now` as above."""
    with database.transaction(lock=Lock.TOKENS) as connection:
        buckets, used = _left(connection, rates, caps, day, now)
        _take(connection, number, rates, buckets, used)


def _left(
    connection: Connection, rates: Mapping[str, Rate], caps: Iterable[str], day: int, now: int
) -> tuple[dict[str, Bucket], dict[str, _Used]]:
    """What is in the buckets of rates, and what was used of daily caps."""
    rows = {name: _rate_row(name, rate) for name, rate in rates.items()}
    days = {name: f"day {name}" for name in caps}
    wanted = (*rows.values(), *days.values())
    marks = ", ".join("?" * len(wanted))
    query = f"SELECT name, amount, at FROM tokens WHERE name IN ({marks})"  # noqa: S608  (marks only)
    found = {name: (amount, at) for name, amount, at in connection.execute(query, wanted)}
    buckets = {
        name: refilled(Bucket(*found[row]) if row in found else None, rates[name], now) for name, row in rows.items()
    }
    used = {name: _Used(*found.get(row, (0, day))) for name, row in days.items()}
    # On a host in another time zone it may be tomorrow already: what it used counts for both, or each would begin anew.
    return buckets, {name: each if day <= each.day <= day + 1 else _Used(0, day) for name, each in used.items()}


def _take(
    connection: Connection,
    number: int,
    rates: Mapping[str, Rate],
    buckets: Mapping[str, Bucket],
    used: Mapping[str, _Used],
) -> dict[str, Bucket]:
    """Take so many, and say what is left in the buckets."""
    rest = {name: spent(bucket, rates[name], number) for name, bucket in buckets.items()}
    rows = [(_rate_row(name, rates[name]), *bucket) for name, bucket in rest.items()]
    rows += [(f"day {name}", each.number + number, each.day) for name, each in used.items()]
    connection.executemany(_PUT, rows)
    return rest


def _rate_row(name: str, rate: Rate) -> str:
    # A rate that was changed begins anew, with a full bucket.
    return f"rate {name} {rate}"


def refund(database: Database, number: int, caps: Iterable[str], day: int) -> None:
    """Give so many messages back to daily caps, if it is still the same day."""
    with database.transaction(lock=Lock.TOKENS) as connection:
        connection.executemany(
            "UPDATE tokens SET amount = CASE WHEN amount > ? THEN amount - ? ELSE 0 END WHERE name = ? AND at = ?",
            [(number, number, f"day {name}", day) for name in caps],
        )


def used_today(database: Database, name: str, day: int) -> int:
    """How many messages were sent today under a daily cap."""
    with database.reading() as connection:
        row = connection.execute("SELECT amount FROM tokens WHERE name = ? AND at = ?", (f"day {name}", day)).fetchone()
    return int(row[0]) if row else 0


def hold(database: Database, name: str, holder: str, wanted: int, busy: int, limit: int, now: int) -> int:
    """Hold up to `wanted` of a group's places from now on, and not less than those that are `busy`; how many they are.

    Who asks for some counts from then on, also with none: each gets an equal part, one at least as long as there are
    any. `now` is in seconds.
    """
    with database.transaction(lock=Lock.TOKENS) as connection:
        connection.execute("DELETE FROM places WHERE name = ? AND until <= ?", (name, now))
        others, taken = connection.execute(
            "SELECT count(*), coalesce(sum(held), 0) FROM places WHERE name = ? AND holder != ?", (name, holder)
        ).fetchone()
        fair = max(1, limit // (others + 1))
        held = max(busy, min(wanted, fair, limit - int(taken)))
        connection.execute(_HOLD, (name, holder, held, now + HOLD_SECONDS))
    return int(held)


def leave(database: Database, holder: str) -> None:
    """Give a sender's places back. Those of one who is gone go with what else they held (newsletter.store.leases)."""
    with database.transaction(lock=Lock.TOKENS) as connection:
        connection.execute("DELETE FROM places WHERE holder = ?", (holder,))
