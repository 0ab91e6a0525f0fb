"""newsletter subscribers import: take a list from a file."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode, count, figure, short_path
from newsletter.cli.shell import Command, Session, json_option, pass_session, yes_option
from newsletter.cli.subscriber import list_of
from newsletter.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.entry import ImportReport, RowProblem
    from newsletter.sources.list_files import SubscriberList, Table
    from newsletter.sources.list_rejects import Rejects

_SHOWN_PROBLEMS = 20
_SHOWN_ROWS = 10
_SHOWN_CELL = 40  # characters


@click.command(
    "import",
    cls=Command,
    epilog="Examples: newsletter subscribers import members.xlsx --dry-run    "
    'newsletter subscribers import members.csv --map "Ville=fields.city" --map "Notes=-"    (FILE may be -)',
)
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Show what each column means and what would happen, and store nothing.")
@click.option(
    "--rows", "all_rows", is_flag=True, help="With --dry-run: show what would become of every row, not of the first."
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="COLUMN=MEANING",
    help="What a column means: email, tags, fields.city …, or - to leave it out. May be given several times.",
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the rows that are wrong. Default: beside the list, as NAME.rejected.csv.",
)
@yes_option
@json_option
@pass_session
def import_(
    session: Session,
    file: str,
    dry_run: bool,
    all_rows: bool,
    mapping: tuple[str, ...],
    rejects: Path | None,
    yes: bool,
    as_json: bool,
) -> ExitCode:
    """Take a list from FILE: CSV, a workbook, vCards, or a zip of them.

    The exports of Mailchimp, Substack, Buttondown, Ghost, Kit, beehiiv, Brevo, Keila and listmonk are known by their
    columns. Known columns are email, first_name, last_name, name, language, time_zone, tags, status and joined, under
    these or their usual names; every other column becomes a field. Nobody who has left comes back by an import, an
    empty cell erases nothing, and a wrong row stops no other.
    """
    from newsletter.actions.import_subscribers import MOST_TOLD, import_subscribers
    from newsletter.sources.list_columns import read_mapping

    if all_rows and not dry_run:
        raise click.UsageError("--rows goes with --dry-run")
    config = session.config()  # a mistake in it is told before a mistake in the list
    with _opened(file, read_mapping(mapping)) as source:
        _show_source(session, source, keep_network=config.web.keep_network)
        shown = _columns(source) if dry_run else []
        _show_columns(session, source, shown)
        rejected = _rejects(session, source, file, rejects, dry_run=dry_run, yes=yes)
        tell = 0 if not dry_run else MOST_TOLD if all_rows or as_json else _SHOWN_ROWS
        kept = False
        try:
            with list_of(session, create=True) as people, session.console.progress(source.about(), "Importing") as done:
                report = import_subscribers(
                    people.database,
                    source,
                    now=int(time.time()),
                    dry_run=dry_run,
                    progress=done,
                    reject=rejected.add if rejected else None,
                    tell=tell,
                    types=config.fields,
                    keep_network=config.web.keep_network,
                )
            kept = True
        finally:
            if rejected:
                rejected.close(keep=kept)
    _show_report(session, source.name, report, dry_run=dry_run)
    if as_json:
        extra = {"columns": shown, "outcomes": [_outcome(each) for each in report.outcomes]} if dry_run else {}
        written = str(rejected.path) if rejected and rejected.rows else ""
        session.console.print_json(report.as_json() | {"rejects": written} | extra)
    else:
        _show_rows(session, report)
        _show_problems(session, source.name, report, rejected)
    counts = report.counts
    return ExitCode.REFUSED if counts.rows and counts.rows == counts.invalid else ExitCode.DONE


@contextmanager
def _opened(file: str, mapping: Mapping[str, str]) -> Iterator[SubscriberList]:
    """The list in a file. Standard input and pipes can be read only once: they are kept in a file meanwhile."""
    import shutil
    import tempfile

    from newsletter.sources.list_files import open_list

    path = Path(file)
    if file != "-" and (path.is_file() or path.is_dir() or not path.exists()):
        with open_list(path, mapping) as source:
            yield source
        return
    with tempfile.TemporaryDirectory(prefix="newsletter-") as folder:
        copy = Path(folder) / "list"
        with copy.open("wb") as written, nullcontext(sys.stdin.buffer) if file == "-" else path.open("rb") as pipe:
            shutil.copyfileobj(pipe, written)
        with open_list(copy, mapping, "standard input" if file == "-" else file) as source:
            yield source


def _rejects(
    session: Session, source: SubscriberList, file: str, path: Path | None, *, dry_run: bool, yes: bool
) -> Rejects | None:
    """Where to write rejected rows: where the author says, asked before anything is overwritten; else beside."""
    from newsletter.sources.list_rejects import Rejects, free_name

    if path is None:
        return Rejects(free_name(Path(file)), source) if Path(file).is_file() and not dry_run else None
    if path.exists() and not session.console.confirm(
        f"{short_path(path)} is there already. Write over it?", assume_yes=yes
    ):
        raise click.Abort
    return Rejects(path, source)


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _show_source(session: Session, source: SubscriberList, *, keep_network: bool) -> None:
    """Say what is not plain to see: whose export it is, which sheet was read, which files of a zip."""
    if source.vendor:
        session.console.say(f"This is an export of {source.vendor}.")
    for table in source.tables:
        if table.part:
            session.console.say(f"  {table.part}: {table.how}")
    if source.left_alone:
        shown = ", ".join(source.left_alone[:8]) + (" …" if len(source.left_alone) > 8 else "")
        session.console.say(f"  Not read: {shown}")
    if not keep_network and any(table.columns.all("consent.network") for table in source.tables):
        session.console.say("  Not kept: from where people signed up, since `[web] keep_network` is not set.")


def _columns(source: SubscriberList) -> list[dict[str, str]]:
    """Each column with its meaning and the first thing that stands in it."""
    shown = []
    for table in source.tables:
        examples = _examples(table)
        for position, (title, meaning) in enumerate(zip(table.header, table.columns.meanings(), strict=True)):
            told = {"column": title, "meaning": meaning, "example": examples[position][:_SHOWN_CELL]}
            shown.append(told | {"part": table.part} if table.part else told)
    return shown


def _examples(table: Table) -> list[str]:
    from itertools import islice

    examples = [""] * len(table.header)
    for _, cells in islice(table.rows(), 50):
        if isinstance(cells, list):
            found = zip(examples, cells, strict=False)
            examples[: len(cells)] = [" ".join((old or new).split()) for old, new in found]
    return examples


def _show_columns(session: Session, source: SubscriberList, shown: list[dict[str, str]]) -> None:
    if not shown:
        return
    left = max(len(each["column"] or "(no name)") + len(each["meaning"]) for each in shown) + 3
    part = ""
    for each in shown:
        if len(source.tables) > 1 and each.get("part", "") != part:
            part = each["part"]
            session.console.say(f"  {part}:")
        meaning = each["meaning"] if each["meaning"] != "-" else "- (not read)"
        line = f"{each['column'] or '(no name)'} → {meaning}"
        session.console.say(f"  {line:<{left + 2}}{each['example']}".rstrip())


def _show_report(session: Session, name: str, report: ImportReport, *, dry_run: bool) -> None:
    counts, advice = report.counts, report.advice
    begins = "Dry run, nothing was stored: of" if dry_run else "Of"
    if not counts.rows:
        session.console.warn(Problem("below the names of the columns, this list has no row", short_path(name)))
        return
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
    for number, what in (
        (advice.role, "of an office, such as info@: has a person there said yes?"),
        (advice.disposable, "at a service that gives addresses away for an hour"),
        (advice.typos, "with a slip in the domain, as it seems"),
    ):
        if number:
            session.console.note(f"Worth a look: {figure(number)} {what}")


def _outcome(outcome: Any) -> dict[str, Any]:
    told = {"line": outcome.line, "email": outcome.email, "outcome": outcome.verdict.value}
    return told | {"part": outcome.part} if outcome.part else told


def _show_rows(session: Session, report: ImportReport) -> None:
    for row in report.outcomes:
        session.console.result(f"{row.line:>7}  {row.verdict.value:<10} {row.email or '(no address)'}")
    if report.outcomes and (more := report.counts.rows - len(report.outcomes)):
        session.console.note(f"… and {count(more, 'more row')}; --rows shows them.")


def _show_problems(session: Session, name: str, report: ImportReport, rejected: Rejects | None) -> None:
    _warn(session, name, report.problems)
    if (more := len(report.problems) - _SHOWN_PROBLEMS) > 0:
        session.console.note(f"… and {figure(more)} more; --json lists all of them.")
    _warn(session, name, report.warnings)
    if (more := len(report.warnings) - _SHOWN_PROBLEMS) > 0:
        session.console.note(f"… and {figure(more)} more slips; --json lists all of them.")
    if report.left_out:
        session.console.note(f"{figure(report.left_out)} further ones were too many to keep.")
    if rejected and rejected.rows:
        them = "it" if rejected.rows == 1 else "them"
        session.console.say(
            f"{count(rejected.rows, 'wrong row')} in {short_path(rejected.path)}: "
            f"mend {them} there, and import that file"
        )


def _warn(session: Session, name: str, told: tuple[RowProblem, ...]) -> None:
    for problem in told[:_SHOWN_PROBLEMS]:
        who = f"{problem.email}: " if problem.email else ""
        place = f"{name} ({problem.part})" if problem.part else name
        session.console.warn(Problem(f"{who}{problem.reason}", place, problem.line))
