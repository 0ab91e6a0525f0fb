"""newsletter subscribers export-person, forget, expire, scrub: what people may ask for, and what the law asks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode, count, figure, short_path
from newsletter.cli.shell import Command, Session, json_option, pass_session, yes_option
from newsletter.cli.subscriber import list_of
from newsletter.errors import ListError, Problem

if TYPE_CHECKING:
    from newsletter.actions.expire import Expiry

_DAYS = {"d": 1, "w": 7, "m": 30.4375, "y": 365.25}
_AGE = re.compile(r"(\d{1,4}) ?(d|w|m|y)(?:ays?|eeks?|onths?|ears?)?", re.IGNORECASE | re.ASCII)


class Age(click.ParamType[int]):
    """A time as in 3y, 18 months, 90d; in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a time. Raises UsageError."""
        if isinstance(value, int):
            return value
        found = _AGE.fullmatch(str(value).strip())
        if not found or not int(found[1]):
            self.fail(f"{value!r} is no time; write it as in 3y, 18m, 6w or 90d", param, ctx)
        return round(int(found[1]) * _DAYS[found[2].lower()] * 86_400)


@click.command(
    "export-person", cls=Command, epilog="Example: newsletter subscribers export-person ana@example.org -o ana.json"
)
@click.argument("email")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@pass_session
def export_person(session: Session, email: str, output: Path | None) -> None:
    """Print all that is kept about EMAIL as JSON, with what its words mean, for the person who asks.

    The entry, what was agreed to, what changed, what was sent and what came back. It is what articles 15 and 20 of the
    GDPR speak of; make sure that it goes to the person, and to nobody else.
    """
    import json

    from newsletter.actions.export_person import as_export, person_of
    from newsletter.sources.addresses import typed_address

    address = typed_address(email)
    config = session.config()
    with list_of(session) as subscribers:
        person = person_of(subscribers, address)
    if person is None:
        raise ListError(Problem(f"nothing is kept about {email}", fix="see newsletter subscribers list"))
    text = json.dumps(as_export(person, session.clock(), config.fields, config.language), ensure_ascii=False, indent=2)
    if output is None:
        session.console.result(text)
        return
    part = output.with_name(f"{output.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(f"{text}\n", encoding="utf-8")
    part.replace(output)
    session.console.say(f"All that is kept about {address} is in {short_path(output)}")


@click.command("forget", cls=Command, epilog="Example: newsletter subscribers forget ana@example.org")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@yes_option
@json_option
@pass_session
def forget(session: Session, emails: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> ExitCode:
    """Erase all that is kept about each EMAIL, for good.

    The entry, the consents, the changes and what servers said go, also from the free pages of the database file. What
    stays: that somebody got a mailing, as a number, and a keyed hash of the address, so that no import brings it back.
    The person can come back, by subscribing and confirming. This cannot be undone.
    """
    from dataclasses import asdict

    from newsletter.actions.forget import forget as forget_them
    from newsletter.sources.addresses import typed_address

    addresses = [typed_address(email) for email in emails]
    now = int(session.clock().timestamp())
    with list_of(session) as subscribers:
        known = forget_them(subscribers.database, addresses, now=now, dry_run=True)
        for address in known.unknown:
            session.console.warn(f"nothing is kept about {address}")
        number = known.people + known.addresses
        going = count(known.people, "person", "people") + (
            f", and {count(known.addresses, 'address', 'addresses')} that had left before" if known.addresses else ""
        )
        if number and not dry_run:
            if not session.console.confirm(f"Forget {going}, for good?", assume_yes=yes):
                session.console.say("Nothing was changed.")
                return ExitCode.DONE
            known = forget_them(subscribers.database, addresses, now=now)
    if as_json:
        session.console.print_json({**asdict(known), "dry_run": dry_run})
    if not number:
        return ExitCode.REFUSED
    session.console.say(f"Dry run, nothing was changed: {going} would go." if dry_run else f"Forgotten: {going}.")
    if not dry_run:
        _tell_traces(session, clean=known.clean, copies=known.copies)
    return ExitCode.DONE


def _tell_traces(session: Session, *, clean: bool, copies: tuple[str, ...]) -> None:
    if not clean:
        session.console.warn(
            Problem(
                "another process uses the database: deleted data may still be in its free pages",
                fix="when it has ended, run once more: newsletter subscribers scrub",
            )
        )
    if copies:
        session.console.warn(
            Problem(
                f"copies beside the database were made before, and still know them: {', '.join(copies)}",
                fix="delete them, and remember your own backups",
            )
        )


@click.command("scrub", cls=Command, epilog="Example: newsletter subscribers scrub, after many deletions")
@pass_session
def scrub(session: Session) -> ExitCode:
    """Write the database file anew, so that nothing of what was deleted is left in it.

    `forget` and `expire` do it by themselves; the page on which readers delete themselves leaves it to you.
    """
    from newsletter.store.forgetting import copies
    from newsletter.store.forgetting import scrub as scrub_file

    with list_of(session) as subscribers:
        clean = scrub_file(subscribers.database)
        _tell_traces(session, clean=clean, copies=tuple(copies(subscribers.database)))
    if clean:
        session.console.say("Nothing of what was deleted is left in the database file.")
    return ExitCode.DONE if clean else ExitCode.STOPPED


@click.command("expire", cls=Command, epilog="Example: newsletter subscribers expire --after 3y --dry-run")
@click.option("--after", type=Age(), default="3y", show_default=True, help="Who gave no sign of life for so long.")
@click.option("--pending-after", type=Age(), default="30d", show_default=True, help="Who did not confirm for so long.")
@click.option("--dry-run", is_flag=True, help="Say how many would go, and change nothing.")
@yes_option
@json_option
@pass_session
def expire(session: Session, after: int, pending_after: int, dry_run: bool, yes: bool, as_json: bool) -> ExitCode:
    """Delete whoever gave no sign of life for three years, and whoever asked to join and never confirmed.

    A sign of life is to join, to confirm, to come back, or to say something in the preferences: who opens or clicks is
    not known. Before their time, ask them: --dry-run prints the segment to write to. Of those who had left, a keyed
    hash stays, so that no import brings them back.
    """
    from dataclasses import asdict

    from newsletter.actions.expire import expire as expire_them
    from newsletter.actions.expire import expiry
    from newsletter.store.forgetting import copies

    now = int(session.clock().timestamp())
    with list_of(session) as subscribers:
        database = subscribers.database
        found = expiry(database, after=after, pending_after=pending_after, now=now)
        number = found.silent + found.unconfirmed
        _tell_expiry(session, found, after, dry_run=dry_run)
        if number and not dry_run:
            going = count(number, "person", "people")
            if not session.console.confirm(f"Delete {going}, for good?", assume_yes=yes):
                session.console.say("Nothing was changed.")
                return ExitCode.DONE
            with session.console.progress(number, "Deleting") as advance:
                found = expire_them(
                    database, after=after, pending_after=pending_after, now=now, progress=lambda steps: advance(steps)
                )
            session.console.say(f"Deleted: {going}.")
            _tell_traces(session, clean=found.clean, copies=tuple(copies(database)))
    if as_json:
        session.console.print_json({**asdict(found), "dry_run": dry_run})
    return ExitCode.DONE


def _tell_expiry(session: Session, found: Expiry, after: int, *, dry_run: bool) -> None:
    say = session.console.say
    if dry_run:
        say("Dry run, nothing is changed:")
    for number, what in (
        (found.silent, f"gave no sign of life for {_told(after)}"),
        (found.unconfirmed, "asked to join and never confirmed"),
        (found.soon, "will be silent for as long within 90 days"),
        (found.kept, "stay"),
    ):
        say(f"{figure(number):>9}  {what}")
    if found.soon:
        days = max(1, after // 86_400 - 90)
        session.console.note(
            f"Ask these whether they want to stay: newsletter publish ISSUE --segment "
            f"'last_active not in the last {days} days'"
        )


def _told(seconds: int) -> str:
    days = round(seconds / 86_400)
    years = round(days / 365.25, 1)
    return f"{years:g} years" if years > 1 else count(days, "day")
