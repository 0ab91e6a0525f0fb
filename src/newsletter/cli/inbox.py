"""newsletter inbox: a mailbox on this machine, to see what readers would get."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, pass_session


@click.command(cls=Command, epilog="Example: newsletter inbox, and in another window: newsletter publish 2026-11-hello")
@click.option("--maildir", type=click.Path(path_type=Path, file_okay=False), default=Path("inbox"), show_default=True,
              help="Where messages are kept.")  # fmt: skip
@click.option("--smtp-port", type=int, default=2525, show_default=True, help="Where mail is taken; 0: a free port.")
@click.option("--http-port", type=int, default=8025, show_default=True, help="Where the page is; 0: a free port.")
@pass_session
def command(session: Session, maildir: Path, smtp_port: int, http_port: int) -> ExitCode:
    """Run a mailbox on this machine: a mail server on loopback that keeps all it gets, and a page that shows it.

    Nothing leaves this machine. Ctrl-C ends it; the messages stay in the folder.
    """
    from newsletter.inbox import Inbox

    def started(inbox: Inbox) -> None:
        session.console.say(f"Mail is taken on {inbox.host}:{inbox.smtp_port}, and kept in {inbox.maildir}.")
        session.console.say(f"Read it at {inbox.url}  (Ctrl-C ends this.)")

    Inbox(maildir, smtp_port=smtp_port, http_port=http_port).serve(started)
    return ExitCode.DONE
