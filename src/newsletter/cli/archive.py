"""newsletter archive: what was sent, as pages that anybody may read."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session, yes_option


@click.group(cls=CommandGroup)
def command() -> None:
    """Show the issues that were sent as web pages and feeds, on any host."""


@command.command("build", cls=Command, epilog="Example: newsletter archive build public --check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--base-url", metavar="URL", default="", help="Where DIR will be found; default: base_url of the settings."
)
@click.option("--check", is_flag=True, help="Write nothing; say what would change, and end with 1 if something would.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would change.")
@json_option
@pass_session
def build(session: Session, folder: Path, base_url: str, check: bool, dry_run: bool, as_json: bool) -> ExitCode:
    """Write the archive into DIR as static files: pages, feeds, images, a sitemap.

    Only issues are in it whose sending has begun. A second run writes what has changed, and takes away what is no
    longer there; a file that this command has not written is never touched.
    """
    from urllib.parse import urlsplit

    from newsletter import wiring
    from newsletter.errors import ConfigError, Problem
    from newsletter.sources.static import changes_for, write

    parts = urlsplit(base_url)
    if base_url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise click.UsageError(f"--base-url {base_url}: write the whole address, such as https://example.org/letters")
    config = session.config()
    if not (base_url or config.base_url):
        fix = f"write base_url = … in {config.path.name}, or give --base-url"
        raise ConfigError(Problem("feeds and the sitemap need the address where readers find DIR", fix=fix))
    with wiring.store(config, create=False) as database:
        archive = wiring.archive(config, database, base_url)
        files = {path: file.content for path in archive.paths if (file := archive.file(path))}
        issues = len(archive.issues)
    changes = changes_for(folder, files)
    if not (check or dry_run):
        write(folder, files, changes)
    if as_json:
        session.console.print_json({"folder": str(folder), "issues": issues, **changes.as_dict()})
    else:
        for verb, paths in changes.told(done=not (check or dry_run)):
            for path in paths:
                session.console.note(f"{verb} {folder / path}")
        for path in changes.foreign:
            session.console.say(f"{folder / path} is not this program's, and was left as it is.")
        session.console.say(
            f"{count(issues, 'issue')} in {folder}: {len(changes.new)} files new, {len(changes.changed)} changed, "
            f"{len(changes.gone)} gone, {changes.same} as they were."
        )
    return ExitCode.PARTLY if check and changes.any else ExitCode.DONE


@command.command("withdraw", cls=Command, epilog="Example: newsletter archive withdraw 2026-11-hello")
@click.argument("issue")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@yes_option
@json_option
@pass_session
def withdraw(session: Session, issue: str, dry_run: bool, yes: bool, as_json: bool) -> ExitCode:
    """Take the page of ISSUE out of the archive, for good, after a question.

    Those who got the mail have it still. A folder that `build` wrote loses the page when it is built anew.
    """
    from newsletter import wiring
    from newsletter.actions.archive import shown
    from newsletter.issue import stem_of
    from newsletter.store.archive import withdraw as take_away

    key = stem_of(issue)
    with wiring.store(session.config(), create=False) as database:
        row = shown(database, key)
        session.console.say(f"/archive/{row.slug}, there since {row.at:%Y-%m-%d}")
        done = not dry_run and session.console.confirm("Take it out of the archive?", assume_yes=yes)
        if done:
            take_away(database, key)
    session.console.say("It is gone." if done else "Nothing was changed.")
    if as_json:
        session.console.print_json({"issue": key, "slug": row.slug, "withdrawn": done})
    return ExitCode.DONE
