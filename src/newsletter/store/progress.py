"""Progress: how far each process that sends a mailing has come, by group of recipients, in numbers.

The ledger is the truth; this is for looking at while it goes. Each process adds to rows of its own, once a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from newsletter.store.database import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.store.database import Database

COUNTED = ("accepted", "deferred", "rejected", "uncertain")

_ADD = """
    INSERT INTO progress (mailing_id, worker, domain_group, accepted, deferred, rejected, uncertain, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (mailing_id, worker, domain_group) DO UPDATE SET
        accepted = progress.accepted + excluded.accepted, deferred = progress.deferred + excluded.deferred,
        rejected = progress.rejected + excluded.rejected, uncertain = progress.uncertain + excluded.uncertain,
        at = excluded.at
"""


class Step(NamedTuple):
    """How far one process has come in one group; `group` is "" for whoever is in none."""

    mailing: int
    worker: str
    group: str
    accepted: int
    deferred: int
    rejected: int
    uncertain: int
    at: int  # when it was last heard of, in UTC seconds

    @property
    def answers(self) -> int:
        """How many messages had an answer, or will have none."""
        return self.accepted + self.deferred + self.rejected + self.uncertain


def add(database: Database, mailing: int, worker: str, counts: Mapping[str, Mapping[str, int]], now: int) -> None:
    """Add what a process has heard since it last did so: group → one of COUNTED → how many."""
    rows = [(mailing, worker, group, *(heard.get(name, 0) for name in COUNTED), now) for group, heard in counts.items()]
    with database.transaction(fleeting=True, lock=Lock.ROWS) as connection:
        connection.executemany(_ADD, rows)


def steps(database: Database, mailing: int | None = None) -> list[Step]:
    """What all processes have done for a mailing, or for all of them."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT mailing_id, worker, domain_group, accepted, deferred, rejected, uncertain, at FROM progress "
            "WHERE CAST(? AS BIGINT) IS NULL OR mailing_id = ? ORDER BY mailing_id, worker, domain_group",
            (mailing, mailing),
        ).fetchall()
    return [Step(*row) for row in rows]
