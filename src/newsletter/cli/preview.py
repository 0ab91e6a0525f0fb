"""newsletter preview: the issue as readers will see it, on a page that follows each save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, pass_session

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.preview.proof import Proof, Tools
    from newsletter.preview.server import Preview
    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber

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
    name = issue or _newest(session.config())
    tools = tools_of(session, name)
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

    settings = session.config().path
    Preview(tools, Path(settings), Options(port, lan, editor)).serve(started)
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


def tools_of(session: Session, name: str) -> Tools:
    """What the preview borrows from the other commands, for the issue of that name."""
    from newsletter.cli.people import recipient_like
    from newsletter.preview.proof import Proof, Tools

    def proof(config: Config, place: str, database: Database | None) -> Proof:
        from newsletter.checks import check
        from newsletter.cli.check import broken
        from newsletter.cli.issues import load
        from newsletter.cli.manuscripts import manuscript_of

        path, written = load(config, place)
        found = manuscript_of(config, path, written, session.clock(), database)
        findings = (*broken(found.problems, name), *check(found.manuscript))
        return Proof(config, path, written, found.edition, found.manuscript, found.problems, findings)

    def read() -> Proof:
        from contextlib import nullcontext

        from newsletter import wiring

        config = session.config()
        with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
            return proof(config, name, database)

    def read_at(folder: Path) -> Proof:
        import os

        from newsletter.cli.issues import load
        from newsletter.sources.settings import load_config

        now = session.config()
        inside = load(now, name)[0].resolve().relative_to(now.folder.resolve())
        cache = folder / ".cache"  # images that were fetched before
        if (now.folder / ".cache").is_dir() and not cache.exists():
            cache.symlink_to((now.folder / ".cache").resolve())
        then = load_config(folder, folder / now.path.name, os.environ)
        return proof(then, str(folder / inside), None)

    def sample(edition: Edition) -> Subscriber:
        return recipient_like(None, edition, None, None)

    return Tools(read, read_at, sample, _web, _send)


def _web(proof: Proof) -> str:
    from newsletter.cli.render import as_web_page

    return as_web_page(proof.config, proof.issue, None)


def _send(proof: Proof, person: Subscriber, address: str) -> str:
    """A test to this address, through the transport in use: what became of it."""
    import os
    from dataclasses import replace
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.actions.publish import check_settings
    from newsletter.actions.test import send_test
    from newsletter.errors import IssueError
    from newsletter.outcome import Accepted
    from newsletter.sources.addresses import valid_address
    from newsletter.store.keys import load_keys

    config = proof.config
    if proof.problems:
        raise IssueError(*proof.problems)
    check_settings(config, None)
    transport, way = wiring.transport(config, None, os.environ), config.chosen_transport(None).name
    wiring.fitting(config, proof.edition, way)
    recipient = replace(person, email=valid_address(address), id=0)
    with wiring.store(config) as database:
        post = wiring.post(config, proof.edition, proof.issue.slug, load_keys(database), test=True, through=way)
    (outcome,) = send_test(post, transport, [recipient], datetime.now(UTC))
    if isinstance(outcome, Accepted):
        return f"Sent to {recipient.email}."
    return f"{type(outcome).__name__}: {outcome.reply}"
