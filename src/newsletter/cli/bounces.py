"""newsletter bounces: read what came back, and let nobody be written to in vain."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from newsletter.actions.bounces import Heard
    from newsletter.config import Config
    from newsletter.errors import Problem
    from newsletter.sources.intake import Intake


@click.command(cls=Command, epilog="Example: newsletter bounces, with [bounces] in newsletter.toml, once an hour")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@json_option
@pass_session
def command(session: Session, sources: tuple[Path, ...], dry_run: bool, as_json: bool) -> ExitCode:
    """Read bounces, complaints and wishes to leave, and do what follows from each.

    SOURCE is a Maildir, an mbox, a file with one message, or - for standard input, as from a mail server's alias.
    Without SOURCE, the mailbox below [bounces] in newsletter.toml is read. What was read is moved or marked, so that
    a second run finds only what is new; mail from people stays as it is, and nothing is ever answered.
    """
    import time

    from newsletter import wiring
    from newsletter.actions.bounces import Heard, read_bounces
    from newsletter.links import Signer
    from newsletter.store.keys import load_keys

    config = session.config()
    total = Heard()
    with _interruptible(), wiring.store(config, create=False) as database:
        signer = Signer(load_keys(database))
        for intake in _intakes(config, sources, dry_run=dry_run):
            try:
                heard = read_bounces(
                    intake, database, signer, lambda: int(time.time()),
                    only_proved=bool(config.sender.bounces), dry_run=dry_run,
                )  # fmt: skip
            finally:
                intake.close()
            _tell(session, intake.place, heard, dry_run=dry_run)
            total += heard
    if as_json:
        session.console.print_json(_report(total))
    if total.stumbled:
        session.console.warn(_trouble(total.stumbled))
        return ExitCode.BUG
    return ExitCode.DONE


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the work as Ctrl-C does, so that no mailbox stays locked; the first of them, once.

    What was read and is not put away then comes again, and is known.
    """
    from newsletter.serving.signals import handled

    def on_signal(_number: int, _frame: object) -> None:
        for number in wanted:
            signal.signal(number, signal.SIG_IGN)  # what is under way now is the end, in order
        raise KeyboardInterrupt

    with handled("SIGTERM", "SIGHUP", by=on_signal) as wanted:
        yield


def _intakes(config: Config, sources: Sequence[Path], *, dry_run: bool) -> Iterator[Intake]:
    """Each mailbox, opened when it is its turn."""
    import os

    from newsletter import wiring
    from newsletter.sources.intake import intake_at

    for source in sources:
        yield intake_at(None if str(source) == "-" else source)
    if not sources:
        yield wiring.bounces(config, os.environ, read_only=dry_run)


def _report(heard: Heard) -> dict[str, Any]:
    """What `--json` prints. `messages` is the sum of `kinds`."""
    from newsletter.actions.receive import Effect
    from newsletter.reports import ReportKind

    return {
        "messages": heard.messages,
        "kinds": {kind.value: heard.kinds[kind] for kind in ReportKind},
        "left": heard.left,
        "forged": heard.forged,
        "nobody": sum(each.effect is Effect.NOBODY for each in heard.consequences),
        "events": [
            {
                "email": each.email,
                "event": each.event.kind.value,
                "class": each.bounce.value if each.bounce else "",
                "effect": each.effect.value,
                "settled": each.settled.name.lower() if each.settled else "",
                "code": each.event.reply.code,
                "enhanced": each.event.reply.enhanced,
                "reply": each.event.reply.text,
            }
            for each in heard.consequences
            if each.effect is not Effect.NOBODY
        ],
    }


def _trouble(stumbled: Mapping[str, str]) -> Problem:
    """Which messages broke us, each with its kind of error."""
    from newsletter.cli.console import count
    from newsletter.errors import Problem

    shown = "".join(f"\n  {name}: {kind}" for name, kind in list(stumbled.items())[:_SHOWN])
    more = f"\n  … and {len(stumbled) - _SHOWN} more" if len(stumbled) > _SHOWN else ""
    return Problem(
        f"{count(len(stumbled), 'message')} could not be dealt with, and stay where they are:{shown}{more}",
        fix="this is a bug: please report it, with such a message, its addresses changed",
    )


# What became of an event, in the words of the last lines.
_EFFECTS = {
    "suppressed": "suppressed",
    "unsubscribed": "unsubscribed, for ever",
    "counted": "counted",
    "ignored": "ignored",
    "repeated": "heard before",
    "nobody": "about nobody on the list, or without proof",
}
_SHOWN = 20  # people, or messages, by name


def _tell(session: Session, place: str, heard: Heard, *, dry_run: bool) -> None:
    """What was found and what came of it, a line for each kind of thing."""
    from collections import Counter

    from newsletter.cli.console import count, figure

    say = session.console.say
    lines: Counter[str] = Counter()
    for each in heard.consequences:
        what = f"{each.bounce.value}: {each.bounce.meaning}" if each.bounce else each.event.kind.value
        lines[f"{what} → {_EFFECTS[each.effect.value]}"] += 1
    lines["uncertain deliveries settled"] = sum(each.settled is not None for each in heard.consequences)
    lines["left as they are: mail of people, and reports on others"] = heard.left
    lines["of these, with an id that somebody else signed"] = heard.forged
    say(f"{count(heard.messages, 'message')} in {place}{', and nothing is changed' if dry_run else ''}")
    for line, number in lines.items():
        if number:
            say(f"{figure(number):>10}  {line}")
    changed = [each for each in heard.consequences if each.effect.value in ("suppressed", "unsubscribed")]
    for each in changed[:_SHOWN]:
        say(f"  {each.email}  {each.effect.value}  {each.why}".rstrip())
    if len(changed) > _SHOWN:
        say(f"  … and {figure(len(changed) - _SHOWN)} more; --json lists all")
