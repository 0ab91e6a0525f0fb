"""newsletter preview: the issue as readers will see it, on a page that follows each save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, pass_session

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.preview.server import Preview

EPILOG = """Examples:

\b
  newsletter preview 2026-11-hello
  newsletter preview --editor "vscode://file/{path}:{line}"
  newsletter preview 2026-11-hello --snapshot review --against main
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("issue", required=False)
@click.option("--port", type=int, default=0, metavar="N", help="Where the page is; default: any free port.")
@click.option("--no-open", is_flag=True, help="Only print the page's address, and open no browser.")
@click.option("--lan", is_flag=True, help="Show the mail to telephones in this network, too; the page has a QR code.")
@click.option(
    "--editor", metavar="URL", default="", help="Lines are links into your editor: vscode://file/{path}:{line}"
)
@click.option("--snapshot", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write the views as pictures and a page into this folder, and end.")  # fmt: skip
@click.option("--against", metavar="REV", help="With --snapshot: show what differs from this git revision.")
@pass_session
def command(
    session: Session,
    issue: str | None,
    port: int,
    no_open: bool,
    lan: bool,
    editor: str,
    snapshot: Path | None,
    against: str | None,
) -> ExitCode:
    """Show ISSUE on a page of this machine, and again with each save; without ISSUE, the newest one.

    Phone, desktop, dark, images off, plain text, the line in the inbox; as any subscriber; with what the checks found.
    Nothing is sent unless you press the button for a test. Ctrl-C ends it.
    """
    if against and not snapshot:
        raise click.UsageError("--against compares pictures, and needs --snapshot DIR")
    from newsletter.preview.tools import tools_for
    from newsletter.sources.issues import find_issue

    config = session.config()
    # A name that is wrong now stays wrong: the page would wait for it for ever.
    name = str(find_issue(issue, config.issues)) if issue else _newest(config)
    tools = tools_for(session.config, session.clock, name)
    if snapshot is not None:
        from newsletter.preview.snapshot import take

        for note in take(tools, snapshot, against):
            session.console.note(note)
        return ExitCode.DONE
    from newsletter.preview.server import Options, Preview

    def started(preview: Preview) -> None:
        session.console.say(f"The preview is at {preview.url}  (Ctrl-C ends this.)")
        if preview.phone:
            session.console.say(f"On a telephone in this network: {preview.phone}")
        if not no_open:
            click.launch(preview.url)

    Preview(tools, Path(config.path), Options(port, lan, editor)).serve(started)
    return ExitCode.DONE


def _newest(config: Config) -> str:
    """The issue that was saved last. Raises IssueError when there is none."""
    from newsletter.errors import IssueError, Problem
    from newsletter.sources.issues import list_issues

    files = list_issues(config.issues)
    if not files:
        fix = "newsletter new begins one"
        raise IssueError(Problem("there is no issue yet", str(config.issues), fix=fix))
    return str(max(files, key=lambda path: path.stat().st_mtime))
