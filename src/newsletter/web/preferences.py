"""Preferences: what people see and change of their own entry. The token in the address is all that lets them in.

GET  /preferences/TOKEN          the page; GET and HEAD change nothing
POST /preferences/TOKEN          do=save | pause | resume | data

A message may be forwarded, and the link with it: the page shows the address by its first letter and its domain, and
mails the way to all that is kept about the person (newsletter.web.own_data).
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.actions.own_data import ask as ask_for_own_data
from newsletter.actions.preferences import PAUSE_SECONDS, change, pause
from newsletter.links import Links, Purpose, Ticket
from newsletter.render.words import base, long_date
from newsletter.subscriber import Status
from newsletter.web.door import form_of
from newsletter.web.fields import answers, asked, public
from newsletter.web.look import LANGUAGES, NAMES
from newsletter.web.parts import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from newsletter.store.database import Connection
    from newsletter.subscriber import Subscriber
    from newsletter.web.parts import Parts

_TOLD = {"save": "saved", "pause": "paused", "data": "data"}
_NAME_FIELDS = ("first_name", "last_name", "name")


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [
        route(parts, "/preferences/{token}", preferences),
        route(parts, "/preferences/{token}", changed, "POST"),
    ]


def preferences(parts: Parts, request: Request) -> Response:
    """The page."""
    ticket, person = _who(parts, request)
    return _page(parts, request, ticket, person)


def changed(parts: Parts, request: Request) -> Response:
    """Store what was said, and show the page with it."""
    ticket, person = _who(parts, request)
    form = form_of(request)
    what = form.get("do", ["save"])[0]
    fitting, unfit = answers(parts.config, public(parts.config), form)
    if what == "save" and unfit:
        return _page(parts, request, ticket, person, said=fitting, unfit=unfit)
    with parts.write() as connection:
        try:
            if what == "save":
                _save(parts, connection, person, form, fitting)
            elif what in ("pause", "resume"):
                until = parts.now + PAUSE_SECONDS if what == "pause" else 0
                pause(connection, person, until=until, now=parts.now)
            elif what == "data":
                ask_for_own_data(connection, person.id, parts.now)
        except KeyError:  # deleted a moment ago, from another window
            raise HTTPException(410) from None
    if what == "data":
        parts.wake()  # and the answer is the same when there were enough of these messages today
    else:
        parts.counters.people.labels("changed").inc()
    ticket, person = _who(parts, request)
    return _page(parts, request, ticket, person, told=_TOLD.get(what, "resumed"))


def _save(
    parts: Parts, connection: Connection, person: Subscriber, form: dict[str, list[str]], fields: Mapping[str, str]
) -> None:
    language = form.get("language", [""])[0]
    change(
        connection,
        person,
        language=language if language in LANGUAGES else person.language,
        # A field that is not in the form stays as it is: half a form must not wipe the other half.
        fields=fields,
        topics=parts.config.web.topics if "topics" in form else (),
        chosen={topic for topic in form.get("topic", []) if topic in parts.config.web.topics},
        now=parts.now,
    )


def _page(
    parts: Parts,
    request: Request,
    ticket: Ticket,
    person: Subscriber,
    told: str = "",
    *,
    said: Mapping[str, str] = MappingProxyType({}),
    unfit: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    language = parts.look.language(request, person)
    known = {name: getattr(person, name) for name in _NAME_FIELDS} | dict(person.fields) | dict(said) | dict(unfit)
    paused = person.paused_until > parts.now
    current = base(person.language) or base(parts.config.language)
    return parts.look.page(
        "preferences.html.j2",
        language,
        parts.prefix,
        422 if unfit else 200,
        address=masked(person.email),
        languages=[(tag, NAMES[tag]) for tag in LANGUAGES],
        current=current,
        fields=asked(parts.config, public(parts.config), language, known, unfit),
        topics=[(topic, topic in person.tags) for topic in parts.config.web.topics],
        paused=long_date(datetime.fromtimestamp(person.paused_until, UTC).date(), language) if paused else "",
        active=person.status is Status.ACTIVE,
        told=told,
        links={"leave": Links(parts.signer, parts.prefix, "", ticket.subscriber, ticket.mailing).unsubscribe},
    )


def masked(email: str) -> str:
    """An address for a page that others may see, too: its first letter and its domain."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…\u2060@{domain}"


def _who(parts: Parts, request: Request) -> tuple[Ticket, Subscriber]:
    """Whom the token lets in."""
    ticket = parts.ticket(request.path_params["token"], Purpose.PREFERENCES)
    if ticket is None:
        raise HTTPException(404)
    person = parts.person(ticket.subscriber)
    if person is None:
        raise HTTPException(410)
    return ticket, person
