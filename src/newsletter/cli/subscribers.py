"""newsletter subscribers: see and change the list."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from newsletter.cli.console import count, short_path
from newsletter.cli.import_list import import_
from newsletter.cli.privacy import expire, export_person, forget, scrub
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session
from newsletter.cli.subscriber import add, as_object, list_of, show, unsubscribe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.subscriber import Subscriber
    from newsletter.suppression import Reason


@click.group(cls=CommandGroup)
def command() -> None:
    """See and change the list of subscribers."""


@command.command("export", cls=Command)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option(
    "--suppressed", is_flag=True, help="Instead: every address that must not be written to, on the list or not."
)
@pass_session
def export(session: Session, output: Path | None, suppressed: bool) -> None:
    """Print the whole list as CSV, also who has left.

    An import takes it back unchanged. Cells that a spreadsheet would run as a formula begin with an apostrophe. To move
    to another database, take the suppressed addresses along, too: some were never on the list.
    """
    from newsletter.actions.export_subscribers import export_subscribers, export_suppressed

    with list_of(session) as subscribers:

        def write(file: TextIO) -> int:
            return (
                export_suppressed(subscribers.database, file) if suppressed else export_subscribers(subscribers, file)
            )

        if output is None:
            write(sys.stdout)
            return
        part = output.with_name(f"{output.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        # The mark at its beginning tells Excel that it is UTF-8.
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            number = write(file)
        part.replace(output)
    what = count(number, "suppressed address", "suppressed addresses") if suppressed else count(number, "subscriber")
    session.console.say(f"{what} in {short_path(output)}")


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


for one in (import_, add, show, unsubscribe, export_person, forget, expire, scrub):
    command.add_command(one)
