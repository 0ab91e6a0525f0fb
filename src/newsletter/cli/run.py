"""newsletter run: go on with a mailing until nobody is left, however long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.shell import Command, Session, force_option, jobs_option, json_option, pass_session

if TYPE_CHECKING:
    from newsletter.cli.console import ExitCode


@click.command(cls=Command, epilog="Example: newsletter publish 2026-11-hello --yes; newsletter run 2026-11-hello")
@click.argument("issue")
@click.option(
    "--transport", "way", metavar="NAME", help="Go on through this transport; default: the one it began with."
)
@click.option("--as-planned", is_flag=True, help="Send the text that the others got, whatever the issue says now.")
@force_option
@jobs_option
@json_option
@pass_session
def command(
    session: Session, issue: str, way: str | None, as_planned: bool, force: bool, jobs: int | None, as_json: bool
) -> ExitCode:
    """Go on with the mailing of ISSUE, and stay until nobody is left.

    Where `resume` ends and says when to come back, this waits: for the time of those who were deferred, for the next
    day when a daily limit is reached, for a server that has gone away. Ctrl-C ends it; nothing is lost by that.
    """
    from newsletter.cli.resume import go_on

    return go_on(
        session, issue, way, as_planned=as_planned, force=force, jobs=jobs, as_json=as_json, until_nobody_is_left=True
    )
