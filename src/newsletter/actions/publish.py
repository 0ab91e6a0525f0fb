"""Publish: an issue becomes an edition, its audience is frozen, and every recipient gets a message. Resume goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.actions.plan import what_is_left
from newsletter.actions.presence import at_work
from newsletter.actions.receive import receive_refusals
from newsletter.errors import ConfigError, IssueError, LedgerError, Problem
from newsletter.mailing import MailingState
from newsletter.store.archive import issue_at
from newsletter.store.ledger import make_due
from newsletter.store.life import is_old_copy
from newsletter.store.mailings import edition_of, last_sign_of_life, mailings_of, next_due
from newsletter.store.plans import write_plan

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.actions.plan import Plan
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.sources.git import Revision
    from newsletter.store.archive import Kept
    from newsletter.store.database import Database
    from newsletter.timing import Timing


# A newsletter that nobody has touched for so long is no longer news, and its ledger may be a copy from a backup.
STALE_AFTER = timedelta(days=2)


def check_ready(issue: Issue) -> None:
    """What must be true of any issue that goes to its readers. Raises IssueError for a draft, and for an empty one."""
    if issue.is_draft:
        place = issue.place(next((key for key in ("status", "draft", "published") if key in issue.places), "status"))
        raise IssueError(
            Problem(
                "this issue is a draft",
                issue.path,
                place.line,
                place.column,
                fix="when it is ready, set status: ready, or remove `draft`; until then: newsletter test",
            )
        )
    if issue.is_empty:
        raise IssueError(Problem("there is nothing to read in this issue", issue.path, issue.body_line))


def check_settings(config: Config, transport: str | None = None) -> None:
    """What must be true of any real send, through the transport of that name. Raises ConfigError."""
    if problems := replace(config, transport=transport or config.transport).problems_before_sending():
        raise ConfigError(*problems)


def check_address(database: Database, issue: Issue) -> None:
    """That the issue's address in the archive is its own. Raises IssueError when another one has it."""
    from newsletter.render.web import ARCHIVE, FEEDS

    other = issue_at(database, issue.slug, issue.key) if issue.in_archive else None
    if other is None and issue.slug not in FEEDS:
        return
    place = issue.place("slug")
    taken = f"the issue {other!r} has" if other else "a feed has"
    message = f"{taken} the address /{ARCHIVE}/{issue.slug} in the archive"
    raise IssueError(Problem(message, issue.path, place.line, place.column, "write another `slug` in the front matter"))


def hear_refusals(database: Database, now: datetime) -> None:
    """What servers refused in mailings that nobody brought to their end, as that end would have done.

    Whoever sends one now does so in a moment. Raises StoreError.
    """
    seconds = int(now.timestamp())
    for mailing in mailings_of(database):
        if mailing.state is MailingState.SENDING and not at_work(database, mailing.id, seconds):
            receive_refusals(database, mailing.id, seconds)


def freeze(
    database: Database,
    plan: Plan,
    *,
    sender: str,
    transport: str,
    revision: Revision | None,
    now: datetime,
    kept: Kept | None = None,
    timing: Timing | None = None,
    zone: str = "",
) -> Mailing:
    """Write the plan down: from here on, the edition and the audience stay what they are.

    `kept` is what the archive will show of it, once it is being sent. With a `timing`, it waits for its time; `zone` is
    that of recipients who named none. Raises LedgerError when another process has
    begun to send the issue since the plan was made.
    """
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
        earlier=plan.earlier,
        kept=kept,
        timing=timing,
        zone=zone,
    )


def unfinished(
    database: Database, issue: str, now: datetime, *, at_once: bool = False, can_wait: bool = False
) -> tuple[Mailing, Tally]:
    """The issue's mailing that `resume` would go on with.

    Raises LedgerError when there is none, or when all that is left is to wait and nobody can. With `at_once`, those
    who were deferred do not wait for their time.
    """
    mailing, counts = what_is_left(database, issue)
    if mailing.state is MailingState.CANCELLED:
        raise LedgerError(
            Problem(
                f"the last mailing of this issue was cancelled, when {counts.accepted:,} of {counts.planned:,} had it",
                fix=f"to reach the others: newsletter publish {issue}{' --new-only' if counts.accepted else ''}",
            )
        )
    if mailing.state is MailingState.FINISHED:
        raise LedgerError(
            Problem(
                f"there is nothing to resume: {counts.accepted:,} of {counts.planned:,} have it, and nobody is left",
                fix=f"who did not get it: newsletter status {issue}"
                + (f"; those in doubt are settled by: newsletter reconcile {issue}" if counts.uncertain else ""),
            )
        )
    if at_once:
        make_due(database, mailing.id, int(now.timestamp()))
    due = next_due(database, mailing.id)
    if not can_wait and due is not None and due > now and counts.pending:
        waits = "is scheduled" if mailing.is_scheduled else "has reached all who are due"
        raise LedgerError(
            Problem(
                f"this mailing {waits}; {counts.pending:,} wait for {due:%Y-%m-%d %H:%M} UTC",
                fix=f"`newsletter run` sends it then; at once: newsletter schedule move {issue} --at now",
            )
        )
    if not can_wait and not counts.pending and due is not None and due > now:
        raise LedgerError(
            Problem(
                f"only those are left whom the server deferred ({counts.deferred:,}), and they are not due yet",
                fix=f"come back at {due:%Y-%m-%d %H:%M} UTC, or try at once: newsletter resume {issue} --now",
            )
        )
    return mailing, counts


def check_copy(database: Database, again: str) -> None:
    """That the database is not an old copy of the one that was here; `again` is the command that goes on all the same.

    Raises LedgerError when more happened here than it knows.
    """
    if is_old_copy(database):
        told = "more happened here than this database knows: it is an older copy of the one that was here"
        raise LedgerError(
            Problem(
                f"{told}. Readers may get an issue twice, and who has left since is on the list again",
                database.name,
                fix=f"put the newer one back; if there is none, see who has left or got it since, and then: {again}",
            )
        )


def check_fresh(database: Database, mailing: Mailing, host: str, now: datetime) -> None:
    """That the ledger can be trusted to know what was sent: it is not an old copy of one that has gone on elsewhere.

    Raises LedgerError when another machine was at work last, or when nothing was heard of the mailing for two days.
    """
    last_host, heard = last_sign_of_life(database, mailing.id)
    why = None
    if not database.dialect.on_a_server and last_host not in ("", host):
        why = f"this mailing was sent from another machine ({last_host}), and may have gone on there"
    elif now - heard > STALE_AFTER:
        days = (now - heard).days
        why = (
            f"nothing was heard of this mailing for {days} days: this may be an old copy of the database, from a backup"
        )
    if why:
        fix = f"if nobody was written to since from another copy: newsletter resume {mailing.issue} --force"
        raise LedgerError(Problem(why, fix=fix))


def same_text(database: Database, mailing: Mailing, rendered: Edition | None) -> Edition:
    """The edition that the mailing froze, if the issue still says the same.

    Raises LedgerError when it has changed since: some readers would get another text than others. `rendered` is None
    when the author has said to send what was planned.
    """
    if rendered is not None and rendered.fingerprint != mailing.fingerprint:
        what = "the letter (this issue, its theme, or what it shows of the settings) has changed"
        raise _changed(what, "readers would get different texts", mailing, rendered.path)
    return edition_of(database, mailing)


def same_sender(config: Config, mailing: Mailing, now: str, *, as_planned: bool) -> Config:
    """The settings with the sender that the mailing froze; `now` is who they name, as in the header.

    Raises LedgerError when they name another one since, unless the author has said to send as planned.
    """
    if now == mailing.sender:
        return config
    if not as_planned:
        raise _changed(
            f"the sender was {mailing.sender}, and is {now}",
            "readers would get the same letter from two senders",
            mailing,
            str(config.path),
        )
    name, _, address = mailing.sender.rpartition(" ")
    return replace(config, sender=replace(config.sender, name=name, email=address.strip("<>")))


def _changed(what: str, why_not: str, mailing: Mailing, path: str) -> LedgerError:
    since = f" (commit {mailing.commit[:10]})" if mailing.commit else ""
    return LedgerError(
        Problem(
            f"{what} since its sending began{since}: {why_not}",
            path,
            fix=f"undo the change, or send the rest what the others got: {on_as_planned(mailing.issue)}",
        )
    )


def on_as_planned(issue: str) -> str:
    """The command that sends the rest what the others got."""
    return f"newsletter resume {issue} --as-planned"
