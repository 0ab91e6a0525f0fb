"""newsletter pause: let a mailing that is being sent, or scheduled, wait."""

from __future__ import annotations

import click

from newsletter.cli.console import ExitCode, figure
from newsletter.cli.shell import Command, Session, json_option, pass_session


@click.command(cls=Command, epilog="Example: newsletter pause 2026-11-hello; newsletter resume 2026-11-hello")
@click.argument("issue")
@json_option
@pass_session
def command(session: Session, issue: str, as_json: bool) -> ExitCode:
    """Let the mailing of ISSUE wait, whoever sends it: nobody more gets it until `newsletter resume ISSUE`.

    It is heard within a second. What is under way then is finished, so that no delivery is uncertain.
    """
    from newsletter.actions.halt import pause
    from newsletter.cli.schedule import opened
    from newsletter.cli.sending import summary

    with opened(session, issue) as (_, database, mailing):
        counts, has_stopped = pause(database, mailing, session.clock, session.wait)
        wait = figure(counts.pending + counts.deferred)
        session.console.say(f"Paused: {figure(counts.accepted)} of {figure(counts.planned)} have it, {wait} wait.")
        if not has_stopped:
            session.console.say("Its sender waits for answers to what it has sent, and stops then.")
        session.console.say(f"To go on: newsletter resume {mailing.issue}")
        if as_json:
            session.console.print_json(summary(mailing.issue, mailing.id, "paused", counts, 0.0))
    return ExitCode.DONE
