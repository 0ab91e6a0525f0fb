"""newsletter serve: the pages by which people join and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, Session, pass_session

if TYPE_CHECKING:
    from newsletter.inbox import Inbox
    from newsletter.web.serving import Serving


@click.command(cls=Command, epilog="Example: newsletter serve, then open the address that it prints")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0: to the network, too.")
@click.option("--port", type=int, default=8080, show_default=True, help="Where to listen; 0: a free port.")
@click.option("--inbox/--no-inbox", default=None,
              help="Run a mailbox here, and send there; default: if the transport leads to one.")  # fmt: skip
@pass_session
def command(session: Session, host: str, port: int, inbox: bool | None) -> ExitCode:
    """Serve the pages by which people subscribe, confirm, change their preferences and leave; and the archive.

    Only this machine is served unless --host says otherwise. Ctrl-C ends it: requests that are being answered and mails
    that are on their way are finished first, and what waits goes out at the next start.
    """
    import os

    from newsletter.web.serving import run

    def started(serving: Serving, box: Inbox | None) -> None:
        say = session.console.say
        say(f"The pages are at {serving.url}/  (Ctrl-C ends this.)")
        if box is not None and box.url:
            say(f"Mails go into a mailbox on this machine: read them at {box.url}")
        for note in serving.notes:
            say(note)

    waiting = run(session.config(), os.environ, host=host, port=port, inbox=inbox, ready=started)
    if waiting:
        session.console.say(f"Stopped. {count(waiting, 'notice')} will be sent at the next start.")
    return ExitCode.DONE
