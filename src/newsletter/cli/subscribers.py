"""newsletter subscribers: see and change the list."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode, count, figure, short_path
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session
from newsletter.cli.subscriber import add, as_object, list_of, show, unsubscribe
from newsletter.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.entry import ImportReport
    from newsletter.sources.csv_list import CsvList
    from newsletter.subscriber import Subscriber
    from newsletter.suppression import Reason

_SHOWN_PROBLEMS = 20
_WORTH_A_BAR = 2_000_000  # bytes of a list


@click.group(cls=CommandGroup)
def command() -> None:
    """See and change the list of subscribers."""


@command.command(
    "import", cls=Command, epilog="Example: newsletter subscribers import members.csv --dry-run    (FILE may be -)"
)
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Show what each column means and what would happen, and store nothing.")
@json_option
@pass_session
def import_(session: Session, file: str, dry_run: bool, as_json: bool) -> ExitCode:
    """Take a list from FILE, as CSV with a header.

    Known columns are email, first_name, last_name, name, language, tags, status and joined, under these or their usual
    names in other tools; every other column becomes a field. Nobody who has left comes back by an import, an empty cell
    erases nothing, and a wrong row stops no other.
    """
    from newsletter.actions.import_subscribers import import_subscribers
    from newsletter.sources.csv_list import open_list

    session.config()  # a mistake in it is told before a mistake in the list
    source = _standard_input() if file == "-" else open_list(Path(file))
    if dry_run:
        _show_columns(session, source)
    with list_of(session, create=True) as people, session.console.progress(_rows_about(file), "Importing") as advance:
        report = import_subscribers(people.database, source, now=int(time.time()), dry_run=dry_run, progress=advance)
    _show_report(session, source.name, report, dry_run=dry_run)
    if as_json:
        session.console.print_json(report.as_json())
    else:
        _show_problems(session, source.name, report)
    counts = report.counts
    return ExitCode.REFUSED if counts.rows and counts.rows == counts.invalid else ExitCode.DONE


def _standard_input() -> CsvList:
    from io import BytesIO

    from newsletter.sources.csv_list import CsvList

    content = sys.stdin.buffer.read()
    return CsvList(lambda: BytesIO(content), "standard input")


def _rows_about(file: str) -> int:
    """How many rows a long list has; 0 for a short one, which needs no bar."""
    path = Path(file)
    if file == "-" or path.stat().st_size < _WORTH_A_BAR:
        return 0
    with path.open("rb") as lines:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b""))


def _show_columns(session: Session, source: CsvList) -> None:
    meanings = [(position, name) for name, position in source.columns.known.items()]
    meanings += [(position, f"fields.{name}") for name, position in source.columns.fields.items()]
    for position, meaning in sorted(meanings):
        session.console.say(f"  {source.header[position] or '(no name)'} → {meaning}")


def _show_report(session: Session, name: str, report: ImportReport, *, dry_run: bool) -> None:
    counts = report.counts
    begins = "Dry run, nothing was stored: of" if dry_run else "Of"
    session.console.say(f"{begins} {count(counts.rows, 'row')} in {short_path(name)}:")
    for number, what in (
        (counts.added, "added"),
        (counts.updated, "updated"),
        (counts.unchanged, "known already, nothing new"),
        (counts.suppressed, "suppressed: left, bounced or blocked, here or there"),
        (counts.duplicates, "of an address that stands further up in the list"),
        (counts.invalid, "wrong, and not taken"),
    ):
        if number:
            session.console.say(f"{figure(number):>9}  {what}")


def _show_problems(session: Session, name: str, report: ImportReport) -> None:
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        who = f"{problem.email}: " if problem.email else ""
        session.console.warn(Problem(f"{who}{problem.reason}", name, problem.line))
    if (more := len(report.problems) - _SHOWN_PROBLEMS) > 0:
        session.console.note(f"… and {figure(more)} more; --json lists all of them.")


@command.command("export", cls=Command)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@pass_session
def export(session: Session, output: Path | None) -> None:
    """Print the whole list as CSV, also who has left.

    An import takes it back unchanged. Cells that a spreadsheet would run as a formula begin with an apostrophe.
    """
    from newsletter.actions.export_subscribers import export_subscribers

    with list_of(session) as subscribers:
        if output is None:
            export_subscribers(subscribers, sys.stdout)
            return
        part = output.with_name(f"{output.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        # The mark at its beginning tells Excel that it is UTF-8.
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            number = export_subscribers(subscribers, file)
        part.replace(output)
    session.console.say(f"{count(number, 'subscriber')} in {short_path(output)}")


@command.command("list", cls=Command)
@click.option("--segment", metavar="RULE", default="", help="Only those in this segment: 'city = Nantes'.")
@click.option(
    "--status", type=click.Choice(["active", "pending", "unsubscribed"]), help="Only those of whom this is true."
)
@json_option
@pass_session
def list_(session: Session, segment: str, status: str | None, as_json: bool) -> None:
    """List who is on the list, also who has left."""
    from newsletter.segment import parse
    from newsletter.subscriber import Status

    config = session.config()
    with list_of(session) as subscribers:
        rule = parse(segment, subscribers.vocabulary(config.fields, config.segments, now=int(time.time())))
        found = subscribers.iterate(rule, status=Status(status) if status else None, language=config.language)
        number = (_list_json if as_json else _list_lines)(session, found)
    session.console.note(count(number, "subscriber"))


def _list_json(session: Session, found: Iterator[tuple[Subscriber, Reason | None]]) -> int:
    """An array, written piece by piece: a long list does not have to fit into memory."""
    import json

    number = 0
    for number, (person, reason) in enumerate(found, start=1):
        text = json.dumps(as_object(person, reason), ensure_ascii=False)
        session.console.result(f"{'[' if number == 1 else ','} {text}")
    session.console.result("]" if number else "[]")
    return number


def _list_lines(session: Session, found: Iterator[tuple[Subscriber, Reason | None]]) -> int:
    number = 0
    for person, reason in found:
        number += 1
        state = reason.value if reason else person.status.value
        line = f"{person.email:<36} {state:<12} {person.display_name}"
        session.console.result(line + (f"  ({', '.join(person.tags)})" if person.tags else ""))
    return number


for one in (add, show, unsubscribe):
    command.add_command(one)
