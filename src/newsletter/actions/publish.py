"""Publish: an issue becomes an edition, its audience is frozen, and every recipient gets a message. Resume goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.actions.plan import what_is_left
from newsletter.errors import ConfigError, IssueError, LedgerError, Problem
from newsletter.mailing import MailingState
from newsletter.store.ledger import make_due, write_plan
from newsletter.store.mailings import edition_of, next_retry

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.actions.plan import Plan
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.sources.git import Revision
    from newsletter.store.database import Database


def check_ready(issue: Issue, config: Config) -> None:
    """What must be true of any real send. Raises IssueError for a draft, ConfigError for a missing setting."""
    if issue.is_draft:
        raise IssueError(
            Problem("this issue is a draft", issue.path, fix="when it is ready, set status: ready, or remove `draft`")
        )
    if problems := config.problems_before_sending():
        raise ConfigError(*problems)


def freeze(
    database: Database, plan: Plan, *, sender: str, transport: str, revision: Revision | None, now: datetime
) -> Mailing:
    """Write the plan down: from here on, the edition and the audience stay what they are."""
    return write_plan(
        database,
        issue=plan.issue.key,
        edition=plan.edition,
        audience=plan.audience,
        segment=plan.segment,
        sender=sender,
        transport=transport,
        commit=(revision.commit or "") if revision else "",
        modified=revision.dirty if revision else False,
        now=int(now.timestamp()),
    )


def unfinished(database: Database, issue: str, now: datetime, *, at_once: bool = False) -> tuple[Mailing, Tally]:
    """The issue's mailing that `resume` would go on with.

    Raises LedgerError when there is none, or when all that is left is to wait. With `at_once`, those who were
    deferred do not wait for their time.
    """
    mailing, counts = what_is_left(database, issue)
    if mailing.state is MailingState.FINISHED:
        raise LedgerError(
            Problem(
                f"there is nothing to resume: {counts.accepted} of {counts.planned} have it, and nobody is left",
                fix=f"who did not get it: newsletter status {issue}",
            )
        )
    if at_once:
        make_due(database, mailing.id, int(now.timestamp()))
    due = next_retry(database, mailing.id)
    if not counts.pending and due is not None and due > now:
        raise LedgerError(
            Problem(
                f"{counts.deferred} deliveries were deferred by the server and are not due yet",
                fix=f"come back at {due:%Y-%m-%d %H:%M} UTC, or try at once: newsletter resume {issue} --now",
            )
        )
    return mailing, counts


def same_text(database: Database, mailing: Mailing, rendered: Edition | None) -> Edition:
    """The edition that the mailing froze, if the issue still says the same.

    Raises LedgerError when it has changed since: some readers would get another text than others. `rendered` is None
    when the author has said to send what was planned.
    """
    if rendered is not None and rendered.fingerprint != mailing.fingerprint:
        since = f" (commit {mailing.commit[:10]})" if mailing.commit else ""
        raise LedgerError(
            Problem(
                f"this issue has changed since its sending began{since}: readers would get different texts",
                rendered.path,
                fix="undo the change, or send the rest what the others got: "
                f"newsletter resume {mailing.issue} --as-planned",
            )
        )
    return edition_of(database, mailing)
