"""newsletter resume: go on with a mailing that was stopped, or try the deferred ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.doubt import on_uncertain_option
from newsletter.cli.logs import log_option
from newsletter.cli.shell import Command, Session, force_option, jobs_option, json_option, pass_session

if TYPE_CHECKING:
    from newsletter.cli.console import ExitCode
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.store.database import Database


@click.command(cls=Command, epilog="Example: newsletter resume 2026-11-hello")
@click.argument("issue")
@click.option(
    "--transport", "way", metavar="NAME", help="Go on through this transport; default: the one it began with."
)
@click.option("--now", "at_once", is_flag=True, help="Try the deferred ones at once, before their time.")
@click.option("--as-planned", is_flag=True, help="Send the text that the others got, whatever the issue says now.")
@on_uncertain_option
@force_option
@jobs_option
@json_option
@log_option
@pass_session
def command(
    session: Session,
    issue: str,
    way: str | None,
    at_once: bool,
    as_planned: bool,
    on_uncertain: str | None,
    force: bool,
    jobs: int | None,
    as_json: bool,
) -> ExitCode:
    """Go on with the mailing of ISSUE: to those who were not offered it yet, and to the deferred ones that are due.

    Nobody who was accepted, rejected or skipped is written to, and nobody who is uncertain unless you say so.
    """
    return go_on(
        session, issue, way, at_once=at_once, as_planned=as_planned, on_uncertain=on_uncertain, force=force,
        jobs=jobs, as_json=as_json,
    )  # fmt: skip


def go_on(
    session: Session,
    issue: str,
    way: str | None,
    *,
    at_once: bool = False,
    as_planned: bool,
    on_uncertain: str | None = "skip",
    force: bool,
    jobs: int | None,
    as_json: bool,
    until_nobody_is_left: bool = False,
) -> ExitCode:
    """What `resume` does, and `run`, which waits for those who are not due yet."""
    import os

    from newsletter import wiring
    from newsletter.actions.plan import not_published, what_is_left
    from newsletter.actions.presence import this_worker
    from newsletter.actions.publish import check_copy, check_fresh, check_settings, same_sender, same_text, unfinished
    from newsletter.cli.console import ExitCode
    from newsletter.cli.doubt import decide
    from newsletter.cli.sending import run
    from newsletter.errors import LedgerError
    from newsletter.issue import stem_of
    from newsletter.mailing import Wish
    from newsletter.store.clocks import clock_of
    from newsletter.store.life import accept_copy
    from newsletter.store.schedules import wish

    config = session.config()
    if not wiring.has_store(config):
        raise not_published(stem_of(issue))
    with wiring.store(config, create=False) as database:
        session.clock = clock_of(database, session.clock)
        moment = session.clock()
        if force:
            accept_copy(database)
        else:
            check_copy(database, f"newsletter resume {stem_of(issue)} --force")
            check_fresh(database, what_is_left(database, stem_of(issue))[0], this_worker().host, moment)
        decide(session, database, stem_of(issue), on_uncertain)
        mailing, _ = unfinished(database, stem_of(issue), moment, at_once=at_once, can_wait=until_nobody_is_left)
        name = way or (mailing.transport if mailing.transport in config.transports else config.transport)
        check_settings(config, name)
        config = same_sender(config, mailing, str(wiring.sender(config)), as_planned=as_planned)
        edition = same_text(database, mailing, None if as_planned else _now(config, issue, database))
        was_paused = mailing.wish is Wish.PAUSE and not until_nobody_is_left
        if was_paused:
            wish(database, mailing.id, Wish.NONE, int(moment.timestamp()))
        if way:  # the others went another way, about which all was said
            for note in wiring.fitting(config, edition, name):
                session.console.note(note)
        transport = wiring.transport(config, name, os.environ)
        try:
            return run(
                session, config, database, mailing, edition, transport, name, jobs=jobs, as_json=as_json,
                until_nobody_is_left=until_nobody_is_left,
            )  # fmt: skip
        except LedgerError:
            if not was_paused:
                raise
            session.console.say(f"Another process goes on with it: newsletter status {mailing.issue} --watch")
            return ExitCode.DONE


def _now(config: Config, issue: str, database: Database) -> Edition:
    """What the issue says now. One that is gone or broken stops nobody from sending what was planned."""
    from newsletter.actions.publish import on_as_planned
    from newsletter.errors import Problem, Refused
    from newsletter.wiring.editions import load, rendered

    try:
        return rendered(config, load(config, issue)[1], database)
    except Refused as error:
        told = Problem("so it cannot be compared with what the others got", fix=f"mend it, or: {on_as_planned(issue)}")
        raise type(error)(*error.problems, told) from error
