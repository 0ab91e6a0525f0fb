"""newsletter cancel: end a mailing, wherever it is being sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode, figure
from newsletter.cli.shell import Command, Session, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database


@click.command(cls=Command, epilog="Example: newsletter cancel 2026-11-hello")
@click.argument("issue")
@yes_option
@json_option
@pass_session
def command(session: Session, issue: str, yes: bool, as_json: bool) -> ExitCode:
    """End the mailing of ISSUE for good, whoever sends it: who does not have it yet is skipped.

    It is heard within a second, and nobody can be called back who has it. `newsletter publish ISSUE --new-only` reaches
    the others later.
    """
    from newsletter.cli.schedule import opened
    from newsletter.store.mailings import tally_of

    with opened(session, issue) as (_, database, mailing):
        counts = tally_of(database, mailing.id)
        left = figure(counts.pending + counts.deferred)
        question = f"Cancel {mailing.issue}? {figure(counts.accepted)} have it, {left} will not get it."
        return cancel_mailing(session, database, mailing, question, yes=yes, as_json=as_json)


def cancel_mailing(
    session: Session, database: Database, mailing: Mailing, question: str, *, yes: bool, as_json: bool
) -> ExitCode:
    """Ask, cancel, and tell."""
    from newsletter.actions.halt import cancel
    from newsletter.cli.sending import summary
    from newsletter.store.mailings import tally_of

    if mailing.is_over or not session.console.confirm(question, assume_yes=yes):
        over = f"It is {mailing.state.value} already." if mailing.is_over else "Nothing was changed."
        session.console.say(over)
        counts, state = tally_of(database, mailing.id), mailing.standing
    else:
        counts, has_stopped = cancel(database, mailing, session.clock, session.wait)
        state = "cancelled" if has_stopped else "sending"
        skipped = figure(counts.skipped)
        session.console.say(f"Cancelled: {figure(counts.accepted)} have it, {skipped} are skipped.")
        if not has_stopped:
            session.console.say("Its sender waits for answers to what it has sent, and ends then.")
    if as_json:
        session.console.print_json(summary(mailing.issue, mailing.id, state, counts, 0.0))
    return ExitCode.DONE
