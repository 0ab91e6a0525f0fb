"""newsletter retry: try the rejected deliveries of a mailing once more."""

from __future__ import annotations

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, Session, jobs_option, json_option, pass_session, yes_option


@click.command(cls=Command, epilog="Example: newsletter retry 2026-11-hello")
@click.argument("issue")
@click.option("--transport", "way", metavar="NAME", help="Through this transport; default: the one it began with.")
@yes_option
@jobs_option
@json_option
@pass_session
def command(session: Session, issue: str, way: str | None, yes: bool, jobs: int | None, as_json: bool) -> ExitCode:
    """Try the rejected deliveries of ISSUE once more, with the text that the others got.

    For refusals that were about us and are mended now: a wrong DNS record, a blocked address of the server. Those
    whose address was suppressed since stay out. Others of the mailing who are due get it, too; one that is paused is
    refused.
    """
    import os

    from newsletter import wiring
    from newsletter.actions.plan import what_is_left
    from newsletter.actions.publish import check_copy, same_sender
    from newsletter.cli.sending import run
    from newsletter.errors import LedgerError, Problem
    from newsletter.issue import stem_of
    from newsletter.store.amends import reopen_rejected
    from newsletter.store.clocks import clock_of
    from newsletter.store.mailings import edition_of, mailings_of, number_due, tally_of

    config = session.config()
    with wiring.store(config, create=False) as database:
        session.clock = clock_of(database, session.clock)
        key = stem_of(issue)
        check_copy(database, f"newsletter resume {key} --force")
        what_is_left(database, key)
        rejecting = [each for each in mailings_of(database, key) if tally_of(database, each.id).rejected]
        if not rejecting:
            session.console.say("No delivery of this issue was rejected.")
            return ExitCode.DONE
        mailing = rejecting[-1]
        if mailing.standing == "paused":
            fix = f"let it go on first: newsletter resume {key}"
            raise LedgerError(Problem("this mailing is paused: to retry would send to all who wait", fix=fix))
        question = (
            f"Try {count(tally_of(database, mailing.id).rejected, 'rejected delivery', 'rejected deliveries')} again"
        )
        if others := number_due(database, mailing.id, int(session.clock().timestamp())):
            question += f", and send to {count(others, 'other who waits', 'others who wait')}"
        if not session.console.confirm(f"{question}?", assume_yes=yes):
            session.console.say("Nothing was sent.")
            return ExitCode.DONE
        name = way or (mailing.transport if mailing.transport in config.transports else config.transport)
        config = same_sender(config, mailing, str(wiring.sender(config)), as_planned=True)
        edition = edition_of(database, mailing)
        for note in wiring.fitting(config, edition, name):
            session.console.note(note)
        transport = wiring.transport(config, name, os.environ)
        reopen_rejected(database, mailing.id, int(session.clock().timestamp()))
        return run(session, config, database, mailing, edition, transport, name, jobs=jobs, as_json=as_json)
