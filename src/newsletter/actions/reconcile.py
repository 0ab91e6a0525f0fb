"""Reconcile: find out what became of uncertain deliveries, by their Message-IDs or by the author's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.actions.plan import what_is_left
from newsletter.store.amends import Verdict, settle, uncertain
from newsletter.store.mailings import mailings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from newsletter.links import Signer
    from newsletter.store.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of the uncertain deliveries of one mailing: subscriber → address."""

    mailing: int
    seen: dict[int, str]  # their messages were seen to have arrived
    unseen: dict[int, str]


def look(database: Database, issue: str, signer: Signer, seen_ids: Iterable[str]) -> list[Finding]:
    """Which of the uncertain deliveries of the issue's mailings are among the Message-IDs that were seen.

    One finding for each mailing that has uncertain deliveries. Raises LedgerError for an issue without a mailing.
    """
    what_is_left(database, issue)
    seen = {ours for found in seen_ids if (ours := signer.read_message_id(found))}
    findings = []
    for mailing in mailings_of(database, issue):
        if doubtful := uncertain(database, mailing.id):
            arrived = {key: email for key, email in doubtful.items() if (mailing.id, key) in seen}
            others = {key: email for key, email in doubtful.items() if key not in arrived}
            findings.append(Finding(mailing.id, arrived, others))
    return findings


def reconcile(
    database: Database, findings: Sequence[Finding], *, unseen_were: str | None, where: str, now: datetime
) -> None:
    """Write down what was found, in one step. `unseen_were` "sent", "unsent" or None says what to think of the others.

    `where` they were looked for stands in the ledger. Raises LedgerError while a process is sending such a mailing.
    """
    verdicts = [Verdict(each.mailing, each.seen, sent=True, how=f"seen in {where}") for each in findings]
    if unseen_were is not None:
        how = f"called {unseen_were} by the author"
        verdicts += [Verdict(each.mailing, each.unseen, sent=unseen_were == "sent", how=how) for each in findings]
    settle(database, verdicts, int(now.timestamp()))
