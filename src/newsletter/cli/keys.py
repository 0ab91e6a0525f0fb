"""newsletter keys: the secrets that links are signed with."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session, yes_option


@click.group(cls=CommandGroup)
def command() -> None:
    """See and change the keys that sign the links in messages. They live in the database, and are never shown."""


@command.command("list", cls=Command, epilog="Example: newsletter keys list")
@json_option
@pass_session
def list_keys(session: Session, as_json: bool) -> ExitCode:
    """List the keys by number, with the day on which each was made. The last one signs, all of them are accepted."""
    from newsletter import wiring
    from newsletter.store.keys import keys_known, load_keys

    with wiring.store(session.config()) as database:
        load_keys(database)
        keys = [(number, datetime.fromtimestamp(made, UTC)) for number, made in keys_known(database)]
    if as_json:
        session.console.print_json([{"number": number, "made": made.isoformat()} for number, made in keys])
        return ExitCode.DONE
    for number, made in keys:
        signs = "  signs" if number == keys[-1][0] else ""
        session.console.say(f"{number:3}  {made:%Y-%m-%d}{signs}")
    return ExitCode.DONE


@command.command("rotate", cls=Command, epilog="Example: newsletter keys rotate")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@yes_option
@json_option
@pass_session
def rotate(session: Session, dry_run: bool, yes: bool, as_json: bool) -> ExitCode:
    """Make a new key, which signs from now on. Links in old messages go on working: their keys stay.

    A server that runs takes the new key by itself. No key can be taken away: a link by which people leave never ends.
    """
    from newsletter import wiring
    from newsletter.store.keys import add_key, keys_known, load_keys

    with wiring.store(session.config()) as database:
        load_keys(database)
        known = len(keys_known(database))
        if dry_run or not session.console.confirm(f"Now: {count(known, 'key')}. Add one?", assume_yes=yes):
            if as_json:
                session.console.print_json({"number": known, "keys": known})
            session.console.say(f"Nothing was changed: {count(known, 'key')}.")
            return ExitCode.DONE
        number = add_key(database)
    if as_json:
        session.console.print_json({"number": number, "keys": known + 1})
    session.console.say(f"Key {number} signs from now on; the older ones still open their links.")
    return ExitCode.DONE
