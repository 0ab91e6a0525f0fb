"""newsletter schedule: see, move, confirm and cancel what is scheduled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import CommandGroup, Session, json_option, pass_session, yes_option
from newsletter.cli.timing import timing_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from newsletter.config import Config
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    epilog="Example: newsletter schedule move 2026-11-hello --at '2026-12-01 09:00'",
)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> ExitCode | None:
    """List the mailings that wait for their time, or change one; `newsletter publish ISSUE --at TIME` schedules."""
    if ctx.invoked_subcommand is not None:
        return None
    return _list(ctx.ensure_object(Session), as_json=as_json)


def _list(session: Session, *, as_json: bool) -> ExitCode:
    from newsletter import wiring
    from newsletter.cli.timing import clock_of, tell_waves
    from newsletter.store.mailings import scheduled

    config = session.config()
    if not wiring.has_store(config):
        return _none(session, as_json=as_json)
    now = session.clock()
    with wiring.store(config, create=False) as database:
        mailings = scheduled(database)
        if as_json:
            session.console.print_json([_in_full(database, mailing, now) for mailing in mailings])
            return ExitCode.DONE
        if not mailings:
            return _none(session, as_json=False)
        for mailing in mailings:
            assert mailing.starts_at is not None
            begins = mailing.starts_at.astimezone(clock_of(config))
            state = _standing(mailing, now)
            session.console.say(f"{begins:%Y-%m-%d %H:%M %Z}  {mailing.issue}  {state}")
            if state == "missed":
                session.console.say(f"  it waits for your word: newsletter schedule confirm {mailing.issue}")
            elif mailing.local or mailing.spread:
                tell_waves(session, database, mailing, config)
    return ExitCode.DONE


def _none(session: Session, *, as_json: bool) -> ExitCode:
    if as_json:
        session.console.print_json([])
    else:
        session.console.say("Nothing is scheduled: newsletter publish ISSUE --at TIME")
    return ExitCode.DONE


def _standing(mailing: Mailing, now: datetime) -> str:
    from newsletter.actions.watch import is_missed

    return "missed" if is_missed(mailing, now) else mailing.standing


def _in_full(database: Database, mailing: Mailing, now: datetime) -> dict[str, Any]:
    from newsletter.store.mailings import tally_of
    from newsletter.store.schedules import waves

    counts = tally_of(database, mailing.id)
    return {
        "issue": mailing.issue,
        "mailing": mailing.id,
        "state": _standing(mailing, now),
        "starts_at": mailing.starts_at.isoformat() if mailing.starts_at else "",
        "local": mailing.local,
        "spread": mailing.spread,
        "planned": counts.planned,
        "pending": counts.pending,
        "waves": [{"at": wave.at.isoformat(), "recipients": wave.recipients} for wave in waves(database, mailing.id)],
    }


@command.command("move", epilog="Example: newsletter schedule move 2026-11-hello --at '2026-12-01 09:00'")
@click.argument("issue")
@timing_options
@json_option
@pass_session
def move(
    session: Session, issue: str, at: str | None, at_local: str | None, spread: str | None, as_json: bool
) -> ExitCode:
    """Give the mailing of ISSUE another time, as long as it has not begun. Its text and its readers stay."""
    from newsletter.cli.timing import tell_waves, timing_of
    from newsletter.engines.procrastinate import announce
    from newsletter.store.mailings import mailings_of
    from newsletter.store.schedules import move as move_it

    for config, database, mailing in _found(session, issue):
        timing = timing_of(config, at, at_local, spread, session.clock())
        if timing is None:
            raise click.UsageError("say when: --at TIME, --at-local HOUR, --spread TIME")
        move_it(database, mailing.id, timing, config.timezone, int(session.clock().timestamp()))
        changed = next(each for each in mailings_of(database, mailing.issue) if each.id == mailing.id)
        announce(config.store_url, changed, changed.starts_at)
        session.console.say(f"{mailing.issue} goes out at another time:")
        tell_waves(session, database, changed, config)
        if as_json:
            session.console.print_json(_in_full(database, changed, session.clock()))
    return ExitCode.DONE


@command.command("confirm", epilog="Example: newsletter schedule confirm 2026-11-hello")
@click.argument("issue")
@pass_session
def confirm(session: Session, issue: str) -> ExitCode:
    """Let the mailing of ISSUE, which has missed its time, begin now; `newsletter run` sends it."""
    from newsletter.store.schedules import confirm as confirm_it

    for _, database, mailing in _found(session, issue):
        confirm_it(database, mailing.id, int(session.clock().timestamp()))
        session.console.say(f"{mailing.issue} begins as soon as `newsletter run` sees it.")
    return ExitCode.DONE


@command.command("cancel", epilog="Example: newsletter schedule cancel 2026-11-hello")
@click.argument("issue")
@yes_option
@json_option
@pass_session
def cancel(session: Session, issue: str, yes: bool, as_json: bool) -> ExitCode:
    """Take the mailing of ISSUE off the schedule: nobody gets it. The issue can be published anew."""
    from newsletter.cli.cancel import cancel_mailing
    from newsletter.errors import LedgerError, Problem

    for _, database, mailing in _found(session, issue):
        if not mailing.is_scheduled:
            raise LedgerError(Problem("this mailing has begun", fix=f"newsletter cancel {mailing.issue}"))
        question = f"Cancel {mailing.issue}, which nobody has yet?"
        return cancel_mailing(session, database, mailing, question, yes=yes, as_json=as_json)
    return ExitCode.DONE


def _found(session: Session, issue: str) -> Iterator[tuple[Config, Database, Mailing]]:
    """The scheduled mailing of an issue. Raises LedgerError when there is none."""
    with opened(session, issue) as (config, database, mailing):
        if mailing.starts_at is None or mailing.is_over:
            from newsletter.errors import LedgerError, Problem

            raise LedgerError(
                Problem(f"no mailing of {mailing.issue} is scheduled", fix="what is: newsletter schedule")
            )
        yield config, database, mailing


def opened(session: Session, issue: str) -> AbstractContextManager[tuple[Config, Database, Mailing]]:
    """The settings, the store, and the issue's mailing that is not at its end, else its last one."""
    from contextlib import contextmanager

    from newsletter import wiring
    from newsletter.actions.plan import not_published, what_is_left
    from newsletter.issue import stem_of

    @contextmanager
    def parts() -> Iterator[tuple[Config, Database, Mailing]]:
        config = session.config()
        if not wiring.has_store(config):
            raise not_published(stem_of(issue))
        with wiring.store(config, create=False) as database:
            yield config, database, what_is_left(database, stem_of(issue))[0]

    return parts()
