"""Preferences: what people see and change of their own entry. The token in the address is all that lets them in.

GET  /preferences/TOKEN          the page; GET and HEAD change nothing
POST /preferences/TOKEN          do=save | pause | resume
GET  /preferences/TOKEN/export   all that is kept about the person, as a JSON file
GET  /preferences/TOKEN/forget   asks once more
POST /preferences/TOKEN/forget   deletes the person, and keeps only the seal of the address

A message may be forwarded, and the link with it: the page shows the address by its first letter and its domain.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from newsletter.actions.export_person import as_export, person_of
from newsletter.actions.forget import forget_in
from newsletter.actions.preferences import PAUSE_SECONDS, change, pause
from newsletter.links import Purpose, Ticket
from newsletter.render.words import base, long_date
from newsletter.store.forgetting import want_scrub
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, canonical
from newsletter.web.door import form_of
from newsletter.web.fields import answers, asked, public
from newsletter.web.look import LANGUAGES, NAMES, language_of
from newsletter.web.parts import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import Route

    from newsletter.store.database import Connection
    from newsletter.subscriber import Subscriber
    from newsletter.web.parts import Parts

_NAME_FIELDS = ("first_name", "last_name", "name")


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [
        route(parts, "/preferences/{token}", preferences),
        route(parts, "/preferences/{token}", changed, "POST"),
        route(parts, "/preferences/{token}/export", export),
        route(parts, "/preferences/{token}/forget", ask_to_forget),
        route(parts, "/preferences/{token}/forget", forgotten, "POST"),
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
        except KeyError:  # deleted a moment ago, from another window
            raise HTTPException(410) from None
    parts.counters.people.labels("changed").inc()
    ticket, person = _who(parts, request)
    return _page(parts, request, ticket, person, told={"save": "saved", "pause": "paused"}.get(what, "resumed"))


def export(parts: Parts, request: Request) -> Response:
    """All that is kept about the person."""
    _, person = _who(parts, request)
    found = person_of(Subscribers(parts.database), person.email)
    if found is None:  # deleted a moment ago, from another window
        raise HTTPException(410)
    told = as_export(found, parts.clock(), parts.config.fields, _language(parts, request, person))
    text = json.dumps(told, ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(f"{text}\n", media_type="application/json", headers=headers)


def ask_to_forget(parts: Parts, request: Request) -> Response:
    """The page that asks once more."""
    ticket, person = _who(parts, request)
    links = _links(parts, ticket)
    return parts.look.page("forget.html.j2", _language(parts, request, person), parts.prefix, links=links)


def forgotten(parts: Parts, request: Request) -> Response:
    """Delete the person."""
    _, person = _who(parts, request)
    language = _language(parts, request, person)
    with parts.write() as connection:
        forget_in(connection, person.id, canonical(person.email), now=parts.now)
        want_scrub(connection)  # once an hour, by the courier: it takes seconds, in which nobody can write
    parts.counters.people.labels("forgotten").inc()
    return parts.look.page("message.html.j2", language, parts.prefix, kind="forgotten", links=())


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
    language = _language(parts, request, person)
    local, _, domain = person.email.rpartition("@")
    known = {name: getattr(person, name) for name in _NAME_FIELDS} | dict(person.fields) | dict(said) | dict(unfit)
    paused = person.paused_until > parts.now
    current = base(person.language) or base(parts.config.language)
    return parts.look.page(
        "preferences.html.j2",
        language,
        parts.prefix,
        422 if unfit else 200,
        address=f"{local[:1]}…\u2060@{domain}",
        languages=[(tag, NAMES[tag]) for tag in LANGUAGES],
        current=current,
        fields=asked(parts.config, public(parts.config), language, known, unfit),
        topics=[(topic, topic in person.tags) for topic in parts.config.web.topics],
        paused=long_date(datetime.fromtimestamp(person.paused_until, UTC).date(), language) if paused else "",
        active=person.status is Status.ACTIVE,
        told=told,
        links=_links(parts, ticket),
    )


def _links(parts: Parts, ticket: Ticket) -> dict[str, str]:
    here = parts.signer.token(Ticket(Purpose.PREFERENCES, ticket.subscriber, ticket.mailing))
    leave = parts.signer.token(Ticket(Purpose.UNSUBSCRIBE, ticket.subscriber, ticket.mailing))
    return {
        "page": f"{parts.prefix}/preferences/{here}",
        "export": f"{parts.prefix}/preferences/{here}/export",
        "forget": f"{parts.prefix}/preferences/{here}/forget",
        "leave": f"{parts.prefix}/unsubscribe/{leave}",
    }


def _who(parts: Parts, request: Request) -> tuple[Ticket, Subscriber]:
    """Whom the token lets in."""
    ticket = parts.ticket(request.path_params["token"], Purpose.PREFERENCES)
    if ticket is None:
        raise HTTPException(404)
    person = Subscribers(parts.database).by_id(ticket.subscriber)
    if person is None:
        raise HTTPException(410)
    return ticket, person


def _language(parts: Parts, request: Request, person: Subscriber) -> str:
    return language_of(request, person.language, parts.config.language)
