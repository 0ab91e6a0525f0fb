"""Reconcile: find out what became of uncertain deliveries, by their Message-IDs or by the author's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.actions.plan import what_is_left
from newsletter.store.amends import settle, uncertain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from newsletter.links import Signer
    from newsletter.report import Tally
    from newsletter.store.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of the uncertain deliveries of one mailing: subscriber → address."""

    mailing: int
    seen: dict[int, str]  # their messages were seen to have arrived
    unseen: dict[int, str]


def look(database: Database, issue: str, signer: Signer, domain: str, seen_ids: Iterable[str]) -> Finding:
    """Which of the issue's uncertain deliveries are among the Message-IDs that were seen. Raises LedgerError."""
    mailing, _ = what_is_left(database, issue)
    doubtful = uncertain(database, mailing.id)
    ids = {signer.message_id(mailing.id, key, domain): key for key in doubtful}
    seen = {ids[found] for found in seen_ids if found in ids}
    return Finding(
        mailing.id,
        {key: email for key, email in doubtful.items() if key in seen},
        {key: email for key, email in doubtful.items() if key not in seen},
    )


def reconcile(database: Database, finding: Finding, *, unseen_were: str | None, where: str, now: datetime) -> Tally:
    """Write down what was found. `unseen_were` "sent", "unsent" or None says what to think of the others.

    `where` they were looked for stands in the ledger. Raises LedgerError while a process is sending the mailing.
    """
    moment = int(now.timestamp())
    if unseen_were is not None:
        sent, unsent = (finding.unseen, {}) if unseen_were == "sent" else ({}, finding.unseen)
        settle(database, finding.mailing, sent, unsent, how=f"called {unseen_were} by the author", now=moment)
    return settle(database, finding.mailing, finding.seen, {}, how=f"seen in {where}", now=moment)
