"""newsletter status: where mailings stand, and who did not get one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, Session, json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

_COLUMNS = ("mailing", "email", "state", "code", "enhanced", "reply", "attempts", "next_attempt")
_SHOWN = 50  # people; a longer list is for a file


@click.command(cls=Command, epilog="Example: newsletter status 2026-11-hello --csv > who-did-not-get-it.csv")
@click.argument("issue", required=False)
@click.option("--watch", is_flag=True, help="Show how it goes, anew each second, until its end or Ctrl-C.")
@click.option("--csv", "as_csv", is_flag=True, help="Print who did not get it as CSV, and nothing else.")
@json_option
@pass_session
def command(session: Session, issue: str | None, watch: bool, as_csv: bool, as_json: bool) -> ExitCode:
    """Show where the mailings of ISSUE stand, and who did not get it and why; without ISSUE, all mailings."""
    from newsletter import wiring
    from newsletter.actions.plan import not_published, what_is_left
    from newsletter.issue import stem_of
    from newsletter.store.mailings import mailings_of

    if as_csv and as_json:
        raise click.UsageError("--csv and --json cannot both be printed: choose one")
    if watch and (as_csv or as_json):
        raise click.UsageError("--watch is for people: leave --csv and --json away")
    if as_csv and not issue:
        raise click.UsageError("--csv lists who did not get an issue: name the ISSUE")
    config = session.config()
    if not wiring.has_store(config):
        if issue is not None:
            raise not_published(stem_of(issue))
        return _all(session, None, as_json=as_json)
    with wiring.store(config, create=False) as database:
        if issue is None and watch and (known := mailings_of(database)):
            issue = next((each for each in reversed(known) if not each.is_over), known[-1]).issue
        if issue is None:
            return _all(session, database, as_json=as_json)
        key = stem_of(issue)
        if watch:
            from newsletter.cli.watching import watch_mailing

            return watch_mailing(session, database, key)
        what_is_left(database, key)
        mailings = mailings_of(database, key)
        if as_csv:
            return _csv(session, database, mailings)
        return _one(session, database, mailings, as_json=as_json)


def _all(session: Session, database: Database | None, *, as_json: bool) -> ExitCode:
    from newsletter.cli.console import figure
    from newsletter.cli.sending import summary
    from newsletter.store.mailings import mailings_of, tally_of

    known = [(each, tally_of(database, each.id)) for each in mailings_of(database)] if database else []
    if as_json:
        session.console.print_json([summary(m.issue, m.id, m.standing, counts, _seconds(m)) for m, counts in known])
        return ExitCode.DONE
    if not known:
        session.console.say("Nothing was published yet: newsletter publish ISSUE")
    for mailing, counts in known:
        others = [
            f"{figure(number)} {name}"
            for name in ("deferred", "rejected", "skipped", "uncertain", "pending")
            if (number := getattr(counts, name))
        ]
        session.console.say(
            f"{mailing.planned_at.astimezone():%Y-%m-%d %H:%M}  {mailing.issue}  {mailing.standing}  "
            f"{figure(counts.accepted)} of {figure(counts.planned)} accepted"
            + (f" ({', '.join(others)})" if others else "")
        )
    return ExitCode.DONE


def _one(session: Session, database: Database, mailings: list[Mailing], *, as_json: bool) -> ExitCode:
    from newsletter.actions.presence import at_work
    from newsletter.cli.sending import tell
    from newsletter.mailing import MailingState
    from newsletter.store.clocks import clock_of
    from newsletter.store.mailings import next_retry, tally_of

    if as_json:
        told = [_in_full(database, mailing) for mailing in mailings]
        session.console.print_json(told[-1] | {"mailings": told})
        return ExitCode.DONE
    now = clock_of(database, session.clock)()
    for mailing in mailings:
        session.console.say(
            f"{mailing.title} · {mailing.standing} · planned {mailing.planned_at.astimezone():%Y-%m-%d %H:%M} · "
            f"{_version(mailing)}"
        )
        counts = tally_of(database, mailing.id)
        senders = len(at_work(database, mailing.id, int(now.timestamp())))
        goes_on = _by_itself(database, mailing, senders, now)
        tell(session, mailing.issue, counts, None, next_retry(database, mailing.id), goes_on)
        if counts.is_settled and mailing.state is MailingState.SENDING and not senders:
            session.console.say(f"To bring it to its end: newsletter resume {mailing.issue}")
        _tell_what_was_heard(session, database, mailing)
        _tell_who(session, database, mailing)
    return ExitCode.DONE


def _by_itself(database: Database, mailing: Mailing, senders: int, now: datetime) -> str:
    """How a mailing goes on while its author does nothing; "" if it does not."""
    from newsletter.mailing import Wish
    from newsletter.store.mailings import next_due

    if senders:
        return f"{count(senders, 'process is', 'processes are')} sending it: newsletter status {mailing.issue} --watch"
    due = next_due(database, mailing.id) if mailing.starts_at and mailing.wish is Wish.NONE else None
    if due and due > now:
        return f"The next are due at {due.astimezone():%Y-%m-%d %H:%M}: `newsletter run`, or a worker, sends it then."
    return ""


def _in_full(database: Database, mailing: Mailing) -> dict[str, Any]:
    """All that `--json` says of one mailing."""
    from newsletter.bounce import BounceClass
    from newsletter.cli.sending import summary
    from newsletter.store.events import came_back
    from newsletter.store.mailings import tally_of

    heard = came_back(database, mailing.id)
    counts = tally_of(database, mailing.id)
    return summary(mailing.issue, mailing.id, mailing.standing, counts, _seconds(mailing)) | {
        "commit": mailing.commit,
        "modified": mailing.modified,
        "heard": {each.value: heard.get(each, 0) for each in BounceClass},
        "undelivered": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(database, [mailing])],
    }


def _version(mailing: Mailing) -> str:
    if not mailing.commit:
        return "not in git"
    return mailing.commit[:12] + (", with changes that were not committed" if mailing.modified else "")


def _tell_what_was_heard(session: Session, database: Database, mailing: Mailing) -> None:
    """Why messages were refused or came back, in classes, and how many complained."""
    from newsletter.cli.console import figure
    from newsletter.store.events import came_back

    heard = sorted(came_back(database, mailing.id).items(), key=lambda item: -item[1])
    if heard:
        session.console.say("Refused or come back:")
    for bounce, number in heard:
        session.console.say(f"{figure(number):>10}  {bounce.value}: {bounce.meaning} ({bounce.action})")


def _tell_who(session: Session, database: Database, mailing: Mailing) -> None:
    """Who got an answer that is not yes; who got none yet is only counted."""
    from newsletter.cli.console import figure
    from newsletter.delivery import State
    from newsletter.store.mailings import undelivered

    number = 0
    for who in undelivered(database, mailing.id):
        if who.state in (State.PENDING, State.CLAIMED, State.OFFERED):
            continue
        number += 1
        if number == 1:
            session.console.say("Who did not get it:")
        if number <= _SHOWN:
            answer = " ".join(str(part) for part in (who.code or "", who.enhanced, who.reply) if part)
            session.console.say(f"  {who.email}  {who.state.name.lower()}  {answer}".rstrip())
    if number > _SHOWN:
        session.console.say(
            f"  … and {figure(number - _SHOWN)} more; all of them: newsletter status {mailing.issue} --csv"
        )


def _csv(session: Session, database: Database, mailings: list[Mailing]) -> ExitCode:
    import csv
    import io

    from newsletter.sources.list_entries import guarded

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(database, mailings):
        writer.writerow([guarded(str(cell)) for cell in row])
    session.console.result(out.getvalue().rstrip("\n"))
    return ExitCode.DONE


def _rows(database: Database, mailings: list[Mailing]) -> Iterator[tuple[int, str, str, int, str, str, int, str]]:
    """Who did not get it, in all mailings of an issue, in the order of _COLUMNS."""
    from newsletter.delivery import State
    from newsletter.store.mailings import undelivered

    for mailing in mailings:
        for who in undelivered(database, mailing.id):
            due = who.next_at if who.state is State.DEFERRED else None
            yield (
                mailing.id,
                who.email,
                "pending" if who.state in (State.CLAIMED, State.OFFERED) else who.state.name.lower(),
                who.code,
                who.enhanced,
                who.reply,
                who.attempts,
                due.isoformat() if due else "",
            )


def _seconds(mailing: Mailing) -> float:
    return (mailing.finished_at - mailing.planned_at).total_seconds() if mailing.finished_at else 0.0
