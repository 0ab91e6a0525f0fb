"""Claims, where limits hold: whom to claim next, and second thoughts about those who are claimed or were refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.store.database import Lock
from newsletter.store.leases import renew
from newsletter.store.seals import sealed_among
from newsletter.store.segments import LATEST
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from newsletter.store.database import Database
    from newsletter.store.leases import Lease

CANCELLED = "cancelled"  # why somebody was skipped whom a mailing that was cancelled had not reached

# As `canonical` is read everywhere else: what stands behind the @.
_DOMAIN = "coalesce(substr(s.canonical, instr(s.canonical, '@') + 1), '')"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a claim may take."""

    domains: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()  # and those domains whose mail goes to a server whose name ends so
    but_these: bool = True  # everybody but those at `domains` and `servers`; False: only they
    after: int = 0  # of those who were never tried, only whose number is higher
    latest_first: bool = False  # who joined or confirmed last comes first

    @property
    def has_gaps(self) -> bool:
        """Whether somebody may wait between two who are claimed one after another."""
        return bool(self.domains or self.servers) or self.latest_first

    def sql(self, state: State) -> tuple[str, str, tuple[str | int, ...]]:
        """More of WHERE, all of ORDER BY, and the parameters."""
        where = ""
        parameters: list[str | int] = []
        if self.domains or self.servers:
            among = [f"{_DOMAIN} IN ({', '.join('?' * len(self.domains))})"]
            if self.servers:
                ends = " OR ".join(["'.' || m.server LIKE '%' || ?"] * len(self.servers))
                among.append(f"EXISTS (SELECT 1 FROM mail_servers m WHERE m.domain = {_DOMAIN} AND ({ends}))")  # noqa: S608  (marks only)
            where = f" AND {'NOT ' if self.but_these else ''}({' OR '.join(among)})"
            parameters += [*self.domains, *self.servers]
        if self.after and state is State.PENDING:
            where += " AND d.subscriber_id > ?"
            parameters.append(self.after)
        return where, f"{LATEST} DESC, d.subscriber_id" if self.latest_first else "d.subscriber_id", tuple(parameters)


def why_not(status: str | None, suppressed: str | None, paused_until: int | None, now: int) -> str:
    """Why somebody in the audience gets nothing after all; "" when they do."""
    if suppressed is not None:
        return suppressed or "suppressed"
    if status != Status.ACTIVE.value:
        return status or "no longer on the list"
    return "paused" if (paused_until or 0) > now else ""


def still_wanted(database: Database, lease: Lease, keys: Collection[int], now: int) -> set[int]:
    """Those of the claimed who are still to be written to. The others have left since, and are skipped."""
    marks = ", ".join("?" * len(keys))
    with database.transaction(lock=Lock.ROWS) as connection:
        renew(connection, lease, now)
        rows = connection.execute(
            "SELECT d.subscriber_id, s.status, x.reason, s.paused_until, s.canonical FROM deliveries d "  # noqa: S608  (marks only)
            "LEFT JOIN subscribers s ON s.id = d.subscriber_id LEFT JOIN suppressions x ON x.address = s.canonical "
            f"WHERE d.mailing_id = ? AND d.subscriber_id IN ({marks})",
            (lease.mailing, *keys),
        ).fetchall()
        sealed = sealed_among(connection, lambda: [each[-1] for each in rows if each[-1]])
        left = [
            (State.SKIPPED.value, why, now, lease.mailing, key)
            for key, status, reason, paused_until, canonical in rows
            if (why := why_not(status, reason or sealed.get(canonical), paused_until, now))
        ]
        if left:
            connection.executemany(
                "UPDATE deliveries SET state = ?, reply = ?, updated_at = ? WHERE mailing_id = ? AND subscriber_id = ?",
                left,
            )
    return set(keys) - {key for *_, key in left}


def take_back(database: Database, lease: Lease, keys: Iterable[int], now: int) -> int:
    """Let refused or deferred deliveries be pending as before their last attempt, which counts for nothing.

    What the server said stays on record. Returns how many there are.
    """
    with database.transaction(lock=Lock.ROWS) as connection:
        renew(connection, lease, now)
        return connection.executemany(
            "UPDATE deliveries SET state = ?, attempts = attempts - 1, next_at = 0, updated_at = ?, "
            "deferred_at = CASE WHEN attempts > 1 THEN deferred_at ELSE 0 END "
            "WHERE mailing_id = ? AND subscriber_id = ? AND state IN (?, ?) AND attempts > 0",
            [
                (State.PENDING.value, now, lease.mailing, key, State.DEFERRED.value, State.REJECTED.value)
                for key in keys
            ],
        ).rowcount
