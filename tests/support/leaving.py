"""The doors by which zoe@example.org leaves a newsletter that is served, or is suppressed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.actions.forget import forget
from newsletter.actions.receive import Effect, receive
from newsletter.bounce import BounceClass
from newsletter.entry import Entry
from newsletter.event import Event, EventKind
from newsletter.outcome import Reply
from newsletter.store.imports import importing
from newsletter.suppression import Reason
from tests.support.sending import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.served import Served

ZOE = "zoe@example.org"


def by_one_click(served: Served) -> None:
    answer = served.post(_link(served), {"List-Unsubscribe": "One-Click"})
    assert answer.text == "You are unsubscribed.\n"


def by_page(served: Served) -> None:
    assert served.post(_link(served), {"page": "1"}).status_code == 200


def by_command(served: Served) -> None:
    assert served.people.unsubscribe(ZOE, now=served.parts.now, source="command line")


def by_complaint(served: Served) -> None:
    _report(served, EventKind.COMPLAINED, Effect.UNSUBSCRIBED)


def by_bounce(served: Served) -> None:
    _report(served, EventKind.BOUNCED, Effect.SUPPRESSED)


def by_list(served: Served) -> None:
    with importing(served.database, source="left.csv", now=served.parts.now) as importer:
        importer.take([Entry(2, ZOE, ZOE, leaves=Reason.UNSUBSCRIBED)])


def by_deleting_all(served: Served) -> None:
    person = served.people.get(ZOE)
    assert person
    assert "Everything is deleted" in served.post(f"{served.own_data(person)}/forget").text


def by_being_forgotten(served: Served) -> None:
    assert forget(served.database, [ZOE], now=served.parts.now).people == 1


DOORS: tuple[Callable[[Served], None], ...] = (
    by_one_click, by_page, by_command, by_complaint, by_bounce, by_list, by_deleting_all, by_being_forgotten,
)  # fmt: skip


def _link(served: Served) -> str:
    person = served.people.get(ZOE)
    assert person
    return served.path("unsubscribe", person)


def _report(served: Served, kind: EventKind, effect: Effect) -> None:
    person = served.people.get(ZOE)
    assert person
    mailing = plan(served.database, now=served.parts.now)
    hard = BounceClass.HARD if kind is EventKind.BOUNCED else None
    event = Event(
        kind=kind, id="report-1", source="dsn", bounce=hard, mailing=mailing.id, subscriber=person.id,
        reply=Reply(550, "5.1.1", "no such user"),
    )  # fmt: skip
    (told,) = receive(served.database, [event], served.parts.now)
    assert told.effect is effect
