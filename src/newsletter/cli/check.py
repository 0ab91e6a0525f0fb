"""newsletter check: an issue, read by a careful editor before anybody else gets it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.findings import FORMATS
from newsletter.cli.shell import Command, Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.audience import Rule
    from newsletter.config import Config
    from newsletter.errors import Problem
    from newsletter.finding import Finding
    from newsletter.store.database import Database

_ENOUGH = 8  # issues for a process to be worth its start

EPILOG = """Examples:

\b
  newsletter check 2026-11-hello
  newsletter check issues/*.md --strict --format github      in a workflow of GitHub
  newsletter check --explain link-empty
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("issues", nargs=-1, metavar="ISSUE…")
@click.option("--format", "form", type=click.Choice([*FORMATS]), default="text", show_default=True, help="Which form.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Take a warning for an error.")
@click.option("--offline", is_flag=True, help="Ask no server whether links still lead somewhere.")
@click.option("--segment", metavar="RULE", default="", help="For those in this segment: 'tag:member'.")
@click.option("--explain", metavar="RULE", help="Say why a rule is there, with a bad and a good example.")
@pass_session
def command(
    session: Session,
    issues: tuple[str, ...],
    form: str,
    as_json: bool,
    strict: bool,
    offline: bool,
    segment: str,
    explain: str | None,
) -> ExitCode:
    """Read each ISSUE as a careful editor would, and tell what readers would stumble over.

    Nothing is sent. An error stops `newsletter publish`; a warning is told; a note is a hint. An issue waives a rule
    in its front matter, with the reason: `waive:`, and below it `  link-insecure: the museum has no https`.
    """
    if explain:
        session.console.result(_explained(explain))
        return ExitCode.DONE
    if not issues:
        raise click.UsageError("name an ISSUE; or --explain RULE")
    findings = _by_several(session, issues, segment, online=not offline)
    if text := FORMATS["json" if as_json else form](findings):
        session.console.result(text)
    told = [each for each in findings if not each.waived]
    if form == "text" and not as_json:
        session.console.note(_summary(told, len(findings) - len(told)))
    grave = {"error", "warning"} if strict else {"error"}
    return ExitCode.REFUSED if any(each.severity.value in grave for each in told) else ExitCode.DONE


def _by_several(session: Session, issues: Sequence[str], segment: str, *, online: bool) -> list[Finding]:
    """What is to be said of the issues, in their order; many of them are read by several processes."""
    import os

    jobs = min(os.cpu_count() or 1, len(issues) // _ENOUGH)
    if jobs < 2:
        return _all_found(session, issues, segment, online=online)
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    session.config()  # a mistake in it is told once
    shares = [issues[at : at + _ENOUGH // 2] for at in range(0, len(issues), _ENOUGH // 2)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = [pool.submit(_share, session.config_file, share, segment, online) for share in shares]
        return [finding for future in futures for finding in future.result()]


def _share(config_file: Path | None, issues: Sequence[str], segment: str, online: bool) -> list[Finding]:
    """One process's share."""
    return _all_found(Session(config_file=config_file), issues, segment, online=online)


def _all_found(session: Session, issues: Sequence[str], segment: str, *, online: bool) -> list[Finding]:
    from newsletter import wiring
    from newsletter.segment import parse
    from newsletter.segment_values import Vocabulary
    from newsletter.store.subscribers import Subscribers

    config = session.config()
    now = int(session.clock().timestamp())
    with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
        known = Subscribers(database).vocabulary(config.fields, config.segments, now=now) if database else None
        rule = parse(segment, known or Vocabulary(segments=config.segments, now=now))
        return [finding for name in issues for finding in _found(session, config, name, database, rule, online=online)]


def _found(
    session: Session, config: Config, name: str, database: Database | None, rule: Rule, *, online: bool
) -> Sequence[Finding]:
    """What is to be said of one issue; what keeps it from being rendered is told as findings, too."""
    from newsletter.checks import check
    from newsletter.cli.issues import load
    from newsletter.cli.manuscripts import manuscript_of
    from newsletter.errors import IssueError, ThemeError

    try:
        path, issue = load(config, name)
        read = manuscript_of(config, path, issue, session.clock(), database, rule, online=online, thorough=True)
        return [*broken(read.problems, name), *check(read.manuscript)]
    except (IssueError, ThemeError) as error:
        return broken(error.problems, name)


def broken(problems: Sequence[Problem], name: str) -> list[Finding]:
    """What stops the issue from being rendered at all, as findings of the rule `readable`."""
    from newsletter.finding import Finding, Severity, Spot

    return [
        Finding("readable", Severity.ERROR, Spot(p.path or name, p.line or 0, p.column or 0), p.message, p.fix or "")
        for p in problems
    ]


def _explained(name: str) -> str:
    from newsletter.checks import rules
    from newsletter.errors import did_you_mean

    by_id = {rule.id: rule for rule in rules()}
    rule = by_id.get(name.replace("_", "-"))
    if rule is None:
        raise click.BadParameter(f"there is no rule {name!r}; {did_you_mean(name, by_id)}", param_hint="--explain")
    heading = click.style(f"{rule.id} ({rule.severity.value}): {rule.title}", bold=True)
    return f"{heading}\n\n{rule.explanation}"


def _summary(told: Sequence[Finding], waived: int) -> str:
    counts = [
        count(number, word)
        for word in ("error", "warning", "note")
        if (number := sum(each.severity.value == word for each in told))
    ]
    text = ", ".join(counts) or "Nothing to say"
    return f"{text}; {count(waived, 'finding')} waived" if waived else text
