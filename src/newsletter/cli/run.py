"""newsletter run: send what is scheduled when its time comes; or go on with one mailing until nobody is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.logs import log_option
from newsletter.cli.shell import Command, Session, force_option, jobs_option, json_option, pass_session

if TYPE_CHECKING:
    from newsletter.cli.console import ExitCode


@click.command(cls=Command, epilog="Example: newsletter publish 2026-11-hello --yes; newsletter run 2026-11-hello")
@click.argument("issue", required=False)
@click.option("--all", "everything", is_flag=True, help="All that is scheduled; the same as without ISSUE.")
@click.option("--until-done", is_flag=True, help="Without ISSUE: end when nothing is scheduled any more.")
@click.option(
    "--transport", "way", metavar="NAME", help="Go on through this transport; default: the one it began with."
)
@click.option("--as-planned", is_flag=True, help="Send the text that the others got, whatever the issue says now.")
@force_option
@jobs_option
@json_option
@log_option
@pass_session
def command(
    session: Session,
    issue: str | None,
    everything: bool,
    until_done: bool,
    way: str | None,
    as_planned: bool,
    force: bool,
    jobs: int | None,
    as_json: bool,
) -> ExitCode:
    """Send what is scheduled when its time comes, and stay; with ISSUE, stay until nobody of its mailing is left.

    Where `resume` ends and says when to come back, this waits: for the time of those who were deferred, for the next
    day when a daily limit is reached, for a server that has gone away. Ctrl-C ends it; nothing is lost by that.

    Several may run at once, on one database: each mailing is sent by one of them, and if that one dies, by another.
    """
    from newsletter.cli.webhooks import hear_what_waits

    hear_what_waits(session)
    if issue is None or everything:
        from newsletter.cli.runner import run_schedules

        if issue is not None:
            raise click.UsageError("--all is every scheduled mailing: leave ISSUE out")
        if way or as_planned or force or as_json:
            raise click.UsageError("--transport, --as-planned, --force and --json go with an ISSUE")
        return run_schedules(session, jobs=jobs, until_done=until_done)
    from newsletter.cli.resume import go_on

    return go_on(
        session, issue, way, as_planned=as_planned, force=force, jobs=jobs, as_json=as_json, until_nobody_is_left=True
    )
