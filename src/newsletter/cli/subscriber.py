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
    }


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
) -> None:
    """Put one person on the list, who has agreed to it."""
    from newsletter.sources.list_entries import clean
    from newsletter.sources.list_entries import tags as tags_in
    from newsletter.subscriber import Subscriber

    person = Subscriber(
        email=_address(email),
        first_name=clean(first_name),
        last_name=clean(last_name),
        name=clean(name),
        language=language or "",
        tags=tuple(dict.fromkeys(tag for text in tags for tag in tags_in(clean(text)))),
        fields=dict(map(_field, fields)),
        source="command line",
    )
    with list_of(session, create=True) as subscribers:
        added = subscribers.add(person, now=int(time.time()))
    session.console.say(f"{added.email} is on the list")


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
    """Tell all that is known about EMAIL: the entry, and which issues it got."""
    from newsletter.actions.export_subscribers import written

    address = _address(email)
    with list_of(session) as subscribers:
        person, suppression = subscribers.get(address), subscribers.suppression(address)
        history = subscribers.history(person) if person else []
    if person is None:
        if suppression is None:
            raise ListError(Problem(f"nobody with the address {email} is on the list"))
        since = written(suppression.since)
        raise ListError(
            Problem(f"{email} is not on the list; it is suppressed since {since}: {suppression.reason.value}")
        )
    issues = [
        {"issue": receipt.issue, "state": receipt.state.name.lower(), "at": written(receipt.at)} for receipt in history
    ]
    entry = as_object(person, suppression.reason if suppression else None) | {"issues": issues}
    if as_json:
        session.console.print_json(entry)
        return
    for key, value in entry.items():
        for text in _lines(value):
            session.console.result(f"{key:>11}  {text}")
            key = ""


def _lines(value: Any) -> list[str]:
    match value:
        case dict():
            return [f"{name}: {text}" for name, text in value.items()]
        case [{}, *_]:
            return [f"{each['issue']}: {each['state']}, {each['at']}" for each in value]
        case list():
            return [", ".join(value)] if value else []
        case _:
            return [value] if value else []


@click.command("unsubscribe", cls=Command)
@click.argument("email")
@pass_session
def unsubscribe(session: Session, email: str) -> None:
    """Take EMAIL off the list, for good: no import brings it back."""
    address = _address(email)
    with list_of(session, create=True) as subscribers:
        person = subscribers.get(address)
        changed = subscribers.unsubscribe(address, now=int(time.time()), source="command line")
    if person is None:
        session.console.warn(f"{address} was not on the list; from now on no import can put it there")
    else:
        session.console.say(f"{person.email} {'gets nothing any more' if changed else 'had left already'}")


def _address(email: str) -> str:
    from newsletter.sources.addresses import valid_address

    try:
        return valid_address(email.strip())
    except ListError as error:
        problem = error.problems[0]
        raise ListError(Problem(f"the address {email!r} {problem.message}", fix=problem.fix)) from None
