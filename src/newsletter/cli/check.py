"""newsletter check: an issue, read by a careful editor before anybody else gets it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.findings import FORMATS
from newsletter.cli.shell import Command, Session, pass_session
from newsletter.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from newsletter.audience import Rule
    from newsletter.config import Config
    from newsletter.finding import Finding
    from newsletter.manuscript import Manuscript
    from newsletter.store.database import Database
    from newsletter.wiring.manuscripts import Read

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
@click.option("--spam", is_flag=True, help="Start SpamAssassin where no spamd answers; that takes seconds.")
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
    spam: bool,
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
    how = _How(segment, not offline, spam)
    findings, reader = _by_several(session, issues, how)
    if text := FORMATS["json" if as_json else form](findings):
        session.console.result(text)
    told = [each for each in findings if not each.waived]
    if form == "text" and not as_json:
        session.console.note(_summary(told, len(findings) - len(told)))
    session.console.note(_SPAM_READERS["nobody" if spam and not reader else reader])
    grave = {"error", "warning"} if strict else {"error"}
    return ExitCode.REFUSED if any(each.severity.value in grave for each in told) else ExitCode.DONE


class _How(NamedTuple):
    """How the issues are to be read."""

    segment: str
    online: bool
    spam: bool  # start SpamAssassin, where no spamd runs


class _Told(NamedTuple):
    """What there is to say, and which program looked for spam: a key of _SPAM_READERS."""

    findings: list[Finding]
    reader: str


# Who looked at the mail as a receiving server would; said, so that silence is not taken for more than it is.
_SPAM_READERS = {
    "spamd": "Read for spam by SpamAssassin's spamd, and by our own rules.",
    "spamassassin": "Read for spam by SpamAssassin, and by our own rules.",
    "nobody": "Read for spam by our own rules alone: neither spamd nor spamassassin could be asked.",
    "": "Read for spam by our own rules alone (no spamd answers; --spam starts SpamAssassin, which takes seconds).",
}


def _by_several(session: Session, issues: Sequence[str], how: _How) -> _Told:
    """What is to be said of the issues, in their order; many of them are read by several processes."""
    import os

    jobs = min(os.cpu_count() or 1, len(issues) // _ENOUGH)
    if jobs < 2:
        return _all_found(session, issues, how)
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    session.config()  # a mistake in it is told once
    # Each share opens the dictionary anew, and SpamAssassin's start is dearer still; of two each, none waits long.
    size = -(-len(issues) // (jobs if how.spam else 2 * jobs))
    shares = [issues[at : at + size] for at in range(0, len(issues), size)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = [pool.submit(_share, session.config_file, share, how) for share in shares]
        told = [future.result() for future in futures]
    return _Told([finding for each in told for finding in each.findings], min(each.reader for each in told))


def _share(config_file: Path | None, issues: Sequence[str], how: _How) -> _Told:
    """One process's share."""
    return _all_found(Session(config_file=config_file), issues, how)


def _all_found(session: Session, issues: Sequence[str], how: _How) -> _Told:
    from newsletter import wiring
    from newsletter.checks import check, unreadable
    from newsletter.segment import parse
    from newsletter.segment_values import Vocabulary
    from newsletter.sources.spam import spam_points
    from newsletter.store.subscribers import Subscribers

    config = session.config()
    now = int(session.clock().timestamp())
    with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
        known = Subscribers(database).vocabulary(config.fields, config.segments, now=now) if database else None
        rule = parse(how.segment, known or Vocabulary(segments=config.segments, now=now))
        opened = [_opened(session, config, name, database, rule, how) for name in issues]
    reads = [each for each in opened if not isinstance(each, NewsletterError)]
    unknown = _unknown_words(config, [each.manuscript for each in reads])
    judged = spam_points([each.message for each in reads], start=how.spam)
    points = iter(judged.points)
    findings: list[Finding] = []
    for name, each in zip(issues, opened, strict=True):
        findings += unreadable(each.problems, name)
        if not isinstance(each, NewsletterError):
            words = unknown[each.manuscript.language]
            findings += check(replace(each.manuscript, misspelt=words, spam=next(points)))
    return _Told(findings, judged.by)


def _unknown_words(config: Config, manuscripts: Sequence[Manuscript]) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """By language, the words that the dictionary does not know; it is opened once for all issues."""
    from newsletter.checks.spelling import spelt
    from newsletter.sources.spelling import misspelt

    texts: dict[str, list[str]] = {}
    for each in manuscripts:
        texts.setdefault(each.language, []).extend(passage.text for passage in spelt(each))
    return {language: misspelt(said, language, config.folder / "words.txt") for language, said in texts.items()}


def _opened(
    session: Session, config: Config, name: str, database: Database | None, rule: Rule, how: _How
) -> Read | NewsletterError:
    """An issue with all that is known of it, or what keeps it from being rendered."""
    from newsletter.errors import IssueError, ThemeError
    from newsletter.wiring.editions import load
    from newsletter.wiring.manuscripts import manuscript_of

    try:
        path, issue = load(config, name)
        return manuscript_of(config, path, issue, session.clock(), database, rule, online=how.online)
    except (IssueError, ThemeError) as error:
        return error


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
