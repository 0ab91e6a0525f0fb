"""newsletter publish: an issue to its readers, after a look at the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode, count, figure
from newsletter.cli.logs import log_option
from newsletter.cli.shell import Command, Session, jobs_option, json_option, pass_session, yes_option
from newsletter.cli.timing import timing_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.actions.plan import Plan
    from newsletter.config import Config
    from newsletter.edition import Edition, Pattern
    from newsletter.issue import Issue
    from newsletter.store.database import Database
    from newsletter.wiring.editions import Rendered


@click.command(
    cls=Command,
    epilog="Example: newsletter publish 2026-11-hello --segment 'tag:volunteer and city = Nantes' --dry-run",
)
@click.argument("issue")
@click.option("--segment", metavar="RULE", default="", help="Only to those in this segment: 'tag:member'.")
@click.option("--transport", "way", metavar="NAME", help="A transport of newsletter.toml; default: the one in use.")
@click.option("--new-only", is_flag=True, help="Of an issue that was sent: only to those who have none of it yet.")
@click.option("--dry-run", is_flag=True, help="Render, show the plan, and stop.")
@click.option("--force", is_flag=True, help="Go on although the database is an old copy, from a backup.")
@click.option("--detach", is_flag=True, help="Send nothing here: `newsletter worker` or `run` does, at once.")
@timing_options
@yes_option
@jobs_option
@json_option
@log_option
@pass_session
def command(
    session: Session,
    issue: str,
    segment: str,
    way: str | None,
    new_only: bool,
    dry_run: bool,
    force: bool,
    detach: bool,
    at: str | None,
    at_local: str | None,
    spread: str | None,
    yes: bool,
    jobs: int | None,
    as_json: bool,
) -> ExitCode:
    """Send ISSUE to its readers: render it, show the plan, ask, send, count.

    ISSUE is a file, or its name without .md. A second publish of the same issue sends nothing; --new-only reaches
    those who have joined since. Stopped half-way, `newsletter resume ISSUE` goes on. With a time, or --detach, nothing
    is sent here: text and readers are frozen, and `newsletter worker` or `newsletter run` sends it then.
    """
    import os
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.actions.plan import left_today, make_plan, seconds_expected
    from newsletter.actions.publish import check_address, check_copy, check_ready, check_settings, freeze, hear_refusals
    from newsletter.cli.sending import run, summary
    from newsletter.cli.timing import tell_waves, timing_of, words_for
    from newsletter.config_examples import still_examples
    from newsletter.report import Tally
    from newsletter.sources.git import revision
    from newsletter.store.clocks import clock_of
    from newsletter.store.life import accept_copy
    from newsletter.store.subscribers import Subscribers
    from newsletter.wiring.editions import for_archive, lay_out, load

    config = session.config()
    at = "now" if detach and not (at or at_local) else at
    timing = timing_of(config, at, at_local, spread, session.clock())
    path, written = load(config, issue)
    check_ready(written)
    check_settings(config, way)
    transport = wiring.transport(config, way, os.environ)
    name = config.chosen_transport(way).name
    with wiring.store(config) as database:
        if (clock := clock_of(database, session.clock)) is not session.clock:
            session.clock = clock
            timing = timing_of(config, at, at_local, spread, clock())
        if not force:
            check_copy(database, f"newsletter publish {written.key} --force")
        made = lay_out(config, written, database, warn=session.console.warn)
        edition = made.edition
        _read_through(session, config, path, written, made)
        check_address(database, written)
        kept = for_archive(config, written, database)
        known_of_way = wiring.fitting(config, edition, name)
        _try_out(config, edition, database, name)
        now = datetime.now(UTC)
        seconds_now = int(now.timestamp())
        plan = make_plan(
            database,
            written,
            edition,
            segment,
            language=config.language,
            new_only=new_only,
            vocabulary=Subscribers(database).vocabulary(config.fields, config.segments, now=seconds_now),
            now=seconds_now,
        )
        known = revision(path)
        if known and known.dirty:
            what = "is not in git yet" if known.untracked else "has changes that are not committed"
            session.console.warn(f"{written.path} {what}; the mailing will say so")
        seconds = seconds_expected(database, name, transport.capabilities, plan.recipients)
        limits = wiring.limits(config, way, transport)
        when, told = _time(seconds), ""
        if limits:
            today = session.clock().astimezone().date()
            left = left_today(database, limits, today)
            when = _time(max(seconds, limits.seconds_for(plan.recipients)))
            if left is not None and left < plan.recipients and timing is None:
                when = f"{figure(left)} of them today, the others on later days"
            told = limits.told(today)
        through = f"{name}, {when}"
        address = f"{config.base_url}/archive/{kept.form.slug}/" if kept else "kept out of it"
        _show(session, plan, str(wiring.sender(config)), str(known or "not in git"), address, through, told)
        for note in known_of_way:
            session.console.note(note)
        for problem in still_examples(config, config.chosen_transport(way)):
            session.console.warn(problem)
        people = count(plan.recipients, "recipient")
        question = f"Send to {people}?" if timing is None else f"Schedule for {people}, {words_for(timing)}?"
        if dry_run or not session.console.confirm(question, assume_yes=yes):
            session.console.say("Nothing was sent, and nothing recorded.")
            if as_json:
                state = "dry-run" if dry_run else "declined"
                session.console.print_json(summary(written.key, None, state, Tally(pending=plan.recipients), 0.0))
            return ExitCode.DONE
        accept_copy(database)
        hear_refusals(database, session.clock())
        mailing = freeze(
            database,
            plan,
            sender=str(wiring.sender(config)),
            transport=name,
            revision=known,
            now=session.clock(),
            kept=kept,
            timing=timing,
            zone=config.timezone,
        )
        if timing is not None:
            from newsletter.engines.procrastinate import announce

            announce(config.store_url, mailing, mailing.starts_at)
            session.console.say(
                "Scheduled. Nothing was sent yet; text and readers are frozen. `newsletter run`, or a worker, sends it:"
            )
            tell_waves(session, database, mailing, config)
            if as_json:
                counts = Tally(pending=plan.recipients)
                session.console.print_json(summary(written.key, mailing.id, mailing.standing, counts, 0.0))
            return ExitCode.DONE
        return run(session, config, database, mailing, edition, transport, name, jobs=jobs, as_json=as_json)


def _read_through(session: Session, config: Config, path: Path, issue: Issue, made: Rendered) -> None:
    """What `newsletter check` says without asking anybody. Raises IssueError when that is an error."""
    from newsletter.checks import check
    from newsletter.errors import IssueError, Problem
    from newsletter.wiring.manuscripts import manuscript_of

    manuscript = manuscript_of(config, path, issue, session.clock(), made=made).manuscript
    found = [each for each in check(manuscript) if not each.waived]
    if wrong := [each for each in found if each.severity.value == "error"]:
        raise IssueError(
            *(
                Problem(
                    f"{each.message} [{each.rule}]",
                    each.spot.path,
                    each.spot.line or None,
                    each.spot.column or None,
                    each.fix,
                )
                for each in wrong
            )
        )
    if doubtful := sum(each.severity.value == "warning" for each in found):
        session.console.note(f"{count(doubtful, 'warning')}: newsletter check {issue.key} tells more")


def _try_out(config: Config, edition: Edition, database: Database, way: str) -> None:
    """Compose one message before anything is frozen: what is wrong with the settings is no reader's fault."""
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.actions.stand_in import recipient_like
    from newsletter.errors import ConfigError, Problem
    from newsletter.store.keys import load_keys

    somebody = recipient_like(database, edition, None, None)
    try:
        post = wiring.post(config, edition, "trial", load_keys(database), through=way)
        post.message_for(somebody, datetime.now(UTC))
    except ValueError as error:
        fix = "check [newsletter] title and [sender]"
        raise ConfigError(Problem(f"no message can be composed: {error}", str(config.path), fix=fix)) from error


def _show(session: Session, plan: Plan, sender: str, revision: str, archive: str, through: str, limits: str) -> None:
    """The plan, as a person reads it before saying yes."""
    rows = [
        ("Issue", f"{plan.issue.path} ({revision})"),
        ("Subject", _readable(plan.edition.subject, plan.edition)),
        ("From", sender),
        ("To", count(plan.recipients, "recipient") + (f" in {plan.segment}" if plan.segment else "")),
        *(("", f"left out: {figure(number)} {why}") for why, number in plan.left_out.items()),
        *_carried(plan.edition),
        ("Archive", archive),
        ("Through", through),
        *([("Limits", limits)] if limits else []),
    ]
    for label, text in rows:
        session.console.say(f"{click.style(f'{label:>8}', dim=True)}  {text}")


def _time(seconds: float) -> str:
    from newsletter.cli.console import duration

    return f"in about {duration(seconds)}" if seconds >= 1 else "in a moment"


def _carried(edition: Edition) -> Iterator[tuple[str, str]]:
    """What the images make each message weigh, and what is attached to it."""
    if edition.pictures:
        weight = sum(len(each.content) for each in edition.pictures) / 1000
        yield "With", f"{count(len(edition.pictures), 'image')}, {figure(round(weight))} kB in each message"
    if edition.files:
        yield "" if edition.pictures else "With", f"attached: {', '.join(each.name for each in edition.files)}"


def _readable(pattern: Pattern, edition: Edition) -> str:
    """A pattern for a person to read, with its slots as the author wrote them."""
    from newsletter.edition import Slot

    out = []
    for part in pattern:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Slot):
            out.append(f"{{{{ {edition.expressions[part.index].sources[0]} }}}}")
        else:
            out.append("".join(f"[{_readable(branch, edition)}]" for branch in part.branches))
    return "".join(out)
