"""newsletter resume: go on with a mailing that was stopped, or try the deferred ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.shell import Command, Session, json_option, pass_session

if TYPE_CHECKING:
    from newsletter.cli.console import ExitCode


@click.command(cls=Command, epilog="Example: newsletter resume 2026-11-hello")
@click.argument("issue")
@click.option(
    "--transport", "way", metavar="NAME", help="Go on through this transport; default: the one it began with."
)
@click.option("--now", "at_once", is_flag=True, help="Try the deferred ones at once, before their time.")
@click.option("--as-planned", is_flag=True, help="Send the text that the others got, whatever the issue says now.")
@json_option
@pass_session
def command(session: Session, issue: str, way: str | None, at_once: bool, as_planned: bool, as_json: bool) -> ExitCode:
    """Go on with the mailing of ISSUE: to those who were not offered it yet, and to the deferred ones that are due.

    Nobody who was accepted, rejected, skipped or is uncertain is written to.
    """
    import os
    from datetime import UTC, datetime
    from pathlib import Path

    from newsletter import wiring
    from newsletter.actions.publish import same_text, unfinished
    from newsletter.cli.issues import load, rendered
    from newsletter.cli.sending import run

    config = session.config()
    with wiring.store(config, create=False) as database:
        written = None if as_planned else load(config, issue)[1]
        key = written.key if written else Path(issue).stem
        mailing, _ = unfinished(database, key, datetime.now(UTC), at_once=at_once)
        edition = same_text(database, mailing, rendered(config, written, database) if written else None)
        name = way or (mailing.transport if mailing.transport in config.transports else None)
        transport = wiring.transport(config, name, os.environ)
        return run(session, config, database, mailing, edition, transport, as_json=as_json)
