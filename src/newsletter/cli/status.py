"""newsletter status: where mailings stand, and who did not get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, json_option, pass_session

if TYPE_CHECKING:
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

_COLUMNS = ("email", "state", "code", "enhanced", "reply", "attempts", "next_attempt")


@click.command(cls=Command, epilog="Example: newsletter status 2026-11-hello --csv > who-did-not-get-it.csv")
@click.argument("issue", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print who did not get it as CSV, and nothing else.")
@json_option
@pass_session
def command(session: Session, issue: str | None, as_csv: bool, as_json: bool) -> ExitCode:
    """Show where the mailings of ISSUE stand, and who did not get it and why; without ISSUE, all mailings."""
    from newsletter import wiring
    from newsletter.store.mailings import mailings_of

    if as_csv and not issue:
        raise click.UsageError("--csv lists who did not get an issue: name the ISSUE")
    config = session.config()
    with wiring.store(config, create=False) as database:
        if issue is None:
            return _all(session, database, as_json=as_json)
        from pathlib import Path

        from newsletter.actions.plan import what_is_left

        key = Path(issue).stem
        what_is_left(database, key)
        mailings = mailings_of(database, key)
        if as_csv:
            return _csv(session, database, mailings)
        return _one(session, database, mailings, as_json=as_json)


def _all(session: Session, database: Database, *, as_json: bool) -> ExitCode:
    from newsletter.cli.console import figure
    from newsletter.cli.sending import summary
    from newsletter.store.mailings import mailings_of, tally_of

    mailings = mailings_of(database)
    if as_json:
        session.console.print_json(
            [summary(m.issue, m.id, m.state.value, tally_of(database, m.id), _seconds(m)) for m in mailings]
        )
        return ExitCode.DONE
    if not mailings:
        session.console.say("Nothing was published yet: newsletter publish ISSUE")
    for mailing in mailings:
        counts = tally_of(database, mailing.id)
        others = [
            f"{figure(number)} {name}"
            for name in ("deferred", "rejected", "skipped", "uncertain", "pending")
            if (number := getattr(counts, name))
        ]
        session.console.say(
            f"{mailing.planned_at.astimezone():%Y-%m-%d %H:%M}  {mailing.issue}  {mailing.state.value}  "
            f"{figure(counts.accepted)} of {figure(counts.planned)} accepted"
            + (f" ({', '.join(others)})" if others else "")
        )
    return ExitCode.DONE


def _one(session: Session, database: Database, mailings: list[Mailing], *, as_json: bool) -> ExitCode:
    from newsletter.cli.sending import summary, tell
    from newsletter.store.mailings import next_retry, tally_of, undelivered

    last = mailings[-1]
    if as_json:
        counts = tally_of(database, last.id)
        session.console.print_json(
            summary(last.issue, last.id, last.state.value, counts, _seconds(last))
            | {
                "commit": last.commit,
                "modified": last.modified,
                "undelivered": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(database, [last])],
            }
        )
        return ExitCode.DONE
    for mailing in mailings:
        version = mailing.commit[:10] or "not in git"
        session.console.say(
            f"{mailing.title} · {mailing.state.value} · planned {mailing.planned_at.astimezone():%Y-%m-%d %H:%M} · "
            f"{version}{' with changes that were not committed' if mailing.modified else ''}"
        )
        tell(session, mailing.issue, tally_of(database, mailing.id), None, next_retry(database, mailing.id))
        for who in undelivered(database, mailing.id):
            answer = " ".join(str(part) for part in (who.code or "", who.enhanced, who.reply) if part)
            session.console.say(f"  {who.email}  {who.state.name.lower()}  {answer}".rstrip())
    return ExitCode.DONE


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


def _rows(database: Database, mailings: list[Mailing]) -> list[tuple[str, str, int, str, str, int, str]]:
    from newsletter.store.mailings import undelivered

    return [
        (
            who.email,
            who.state.name.lower(),
            who.code,
            who.enhanced,
            who.reply,
            who.attempts,
            who.next_at.isoformat() if who.next_at else "",
        )
        for mailing in mailings
        for who in undelivered(database, mailing.id)
    ]


def _seconds(mailing: Mailing) -> float:
    return (mailing.finished_at - mailing.planned_at).total_seconds() if mailing.finished_at else 0.0
