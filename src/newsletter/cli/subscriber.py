"""newsletter subscribers add, show, unsubscribe: one person of the list."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.options import LANGUAGE
from newsletter.cli.shell import Command, Session, json_option, pass_session
from newsletter.errors import ListError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.subscribers import Subscribers
    from newsletter.subscriber import Subscriber
    from newsletter.suppression import Reason


@contextmanager
def list_of(session: Session, *, create: bool = False) -> Iterator[Subscribers]:
    """The list of this newsletter, open. Raises ConfigError and StoreError."""
    from newsletter import wiring
    from newsletter.store.subscribers import Subscribers

    with wiring.store(session.config(), create=create) as database:
        yield Subscribers(database)


def as_object(person: Subscriber, reason: Reason | None) -> dict[str, Any]:
    """A subscriber as JSON tells it."""
    from newsletter.actions.export_subscribers import written

    return {
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": person.name,
        "language": person.language,
        "status": person.status.value,
        "suppressed": reason.value if reason else "",
        "tags": list(person.tags),
        "fields": dict(person.fields),
        "joined": written(person.joined),
        "source": person.source,
        "time_zone": person.time_zone,
        "paused_until": _moment(person.paused_until),
        "last_active": _moment(person.last_active),
    }


def _moment(seconds: int) -> str:
    from datetime import UTC, datetime

    from newsletter.actions.export_subscribers import written

    return written(datetime.fromtimestamp(seconds, UTC)) if seconds else ""


@click.command(
    "add",
    cls=Command,
    epilog="Example: newsletter subscribers add ana@example.org --first-name Ana --field city=Nantes",
)
@click.argument("email")
@click.option("--first-name", default="", metavar="TEXT")
@click.option("--last-name", default="", metavar="TEXT")
@click.option("--name", default="", metavar="TEXT", help="The whole name, when it is not first and last.")
@click.option("--language", type=LANGUAGE, help="What the person reads.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be given several times.")
@click.option("--field", "fields", multiple=True, metavar="NAME=TEXT", help="May be given several times.")
@click.option("--consent", default="", metavar="TEXT", help="Where and when the person agreed: 'at the fair, 2026-06'.")
@pass_session
def add(
    session: Session,
    email: str,
    first_name: str,
    last_name: str,
    name: str,
    language: str | None,
    tags: tuple[str, ...],
    fields: tuple[str, ...],
    consent: str,
) -> None:
    """Put one person on the list, who has agreed to it."""
    from newsletter.consent import Consent, How
    from newsletter.sources.addresses import typed_address
    from newsletter.sources.list_advice import meant_domain
    from newsletter.sources.list_entries import clean
    from newsletter.sources.list_entries import tags as tags_in
    from newsletter.subscriber import Subscriber

    person = Subscriber(
        email=typed_address(email),
        first_name=clean(first_name),
        last_name=clean(last_name),
        name=clean(name),
        language=language or "",
        tags=tuple(dict.fromkeys(tag for text in tags for tag in tags_in(clean(text)))),
        fields=_typed(session, dict(map(_field, fields))),
        source="command line",
    )
    now = session.clock()
    agreed = Consent(0, now, How.COMMAND_LINE, source="command line", page=clean(consent))
    with list_of(session, create=True) as subscribers:
        added = subscribers.add(person, now=int(now.timestamp()), consent=agreed)
    session.console.say(f"{added.email} is on the list")
    local, _, domain = added.email.rpartition("@")
    if meant := meant_domain(domain):
        session.console.warn(f"{added.email}: did you mean {local}@{meant}?")


def _typed(session: Session, fields: dict[str, str]) -> dict[str, str]:
    """The values as fields of their types keep them. Raises UsageError for one that does not fit."""
    from newsletter.field import WrongValue

    kinds = session.config().fields
    for name, text in fields.items():
        try:
            fields[name] = kinds[name].read(text) if name in kinds else text
        except WrongValue as error:
            raise click.BadParameter(f"{name}: {error}; {error.fix}", param_hint="--field") from None
    return {name: text for name, text in fields.items() if text}


def _field(text: str) -> tuple[str, str]:
    from newsletter.sources.list_entries import clean
    from newsletter.sources.list_words import field_name

    name, sign, value = text.partition("=")
    if not sign or not field_name(name):
        raise click.BadParameter(f"{text!r} is not of the form NAME=TEXT, such as city=Nantes", param_hint="--field")
    return field_name(name), clean(value)


@click.command("show", cls=Command)
@click.argument("email")
@json_option
@pass_session
def show(session: Session, email: str, as_json: bool) -> None:
    """Tell EMAIL's whole story: the entry, what was agreed to, changed and sent, what came back, in order."""
    from newsletter.actions.export_person import history, person_of
    from newsletter.actions.export_subscribers import written
    from newsletter.sources.addresses import typed_address

    address = typed_address(email)
    with list_of(session) as subscribers:
        found = person_of(subscribers, address)
    if found is None:
        raise ListError(Problem(f"nobody with the address {email} is on the list"))
    suppression = found.suppression
    if found.subscriber is None:
        assert suppression is not None
        since = written(suppression.since)
        raise ListError(
            Problem(f"{email} is not on the list; it is suppressed since {since}: {suppression.reason.value}")
        )
    entry = as_object(found.subscriber, suppression.reason if suppression else None)
    if as_json:
        issues = [
            {"issue": each.issue, "state": each.state.name.lower(), "at": written(each.at)}
            for each in reversed(found.sent)
        ]
        session.console.print_json(entry | {"issues": issues} | history(found))
        return
    for key, value in entry.items():
        for text in _lines(value):
            session.console.result(f"{key:>12}  {text}")
            key = ""
    session.console.result("")
    for step in found.story:
        session.console.result(f"{written(step.at):<20}  {step.what:<13} {step.about}".rstrip())


def _lines(value: Any) -> list[str]:
    match value:
        case dict():
            return [f"{name}: {text}" for name, text in value.items()]
        case list():
            return [", ".join(value)] if value else []
        case _:
            return [value] if value else []


@click.command("unsubscribe", cls=Command)
@click.argument("email")
@pass_session
def unsubscribe(session: Session, email: str) -> None:
    """Take EMAIL off the list, for good: no import brings it back."""
    from newsletter.sources.addresses import typed_address

    address = typed_address(email)
    with list_of(session, create=True) as subscribers:
        person = subscribers.get(address)
        changed = subscribers.unsubscribe(address, now=int(time.time()), source="command line")
    if person is None:
        session.console.warn(f"{address} was not on the list; from now on no import can put it there")
    else:
        session.console.say(f"{person.email} {'gets nothing any more' if changed else 'had left already'}")
