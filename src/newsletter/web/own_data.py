"""Own data: all that is kept about a person, for who reads their mailbox. The preferences mail the way here.

GET  /data/TOKEN          the page; the token is good for a day, and GET and HEAD change nothing
GET  /data/TOKEN/export   all that is kept, as a JSON file
GET  /data/TOKEN/forget   asks once more
POST /data/TOKEN/forget   deletes the person, and keeps only the seal of the address
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from newsletter.actions.confirm import Deed
from newsletter.actions.export_person import as_export, person_of
from newsletter.actions.forget import forget_in
from newsletter.store.forgetting import want_scrub
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import canonical
from newsletter.web.parts import route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from newsletter.subscriber import Subscriber
    from newsletter.web.parts import Parts


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [
        route(parts, "/data/{token}", own_data),
        route(parts, "/data/{token}/export", export),
        route(parts, "/data/{token}/forget", ask_to_forget),
        route(parts, "/data/{token}/forget", forgotten, "POST"),
    ]


def own_data(parts: Parts, request: Request) -> Response:
    """What can be done."""
    return _page(parts, request, _who(parts, request), "data.html.j2")


def export(parts: Parts, request: Request) -> Response:
    """All that is kept about the person."""
    person = _who(parts, request)
    found = person_of(Subscribers(parts.database), person.email)
    if found is None:  # deleted a moment ago, from another window
        raise HTTPException(410)
    told = as_export(found, parts.clock(), parts.config.fields, parts.look.language(request, person))
    text = json.dumps(told, ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(f"{text}\n", media_type="application/json", headers=headers)


def ask_to_forget(parts: Parts, request: Request) -> Response:
    """The page that asks once more."""
    return _page(parts, request, _who(parts, request), "forget.html.j2")


def forgotten(parts: Parts, request: Request) -> Response:
    """Delete the person."""
    person = _who(parts, request)
    language = parts.look.language(request, person)
    with parts.write() as connection:
        forget_in(connection, person.id, canonical(person.email), now=parts.now)
        want_scrub(connection)  # once an hour, by the courier: it takes seconds, in which nobody can write
    parts.settle()
    parts.counters.people.labels("forgotten").inc()
    return parts.look.page("message.html.j2", language, parts.prefix, kind="forgotten", links=())


def _page(parts: Parts, request: Request, person: Subscriber, template: str) -> Response:
    here = f"{parts.prefix}/data/{request.path_params['token']}"
    links = {"page": here, "export": f"{here}/export", "forget": f"{here}/forget"}
    language = parts.look.language(request, person)
    return parts.look.page(template, language, parts.prefix, address=person.email, links=links)


def _who(parts: Parts, request: Request) -> Subscriber:
    """Whom the token lets in."""
    claim = parts.claim(request.path_params["token"], Deed.OWN_DATA)
    person = parts.person(claim.subscriber) if claim else None
    if person is None:
        raise HTTPException(410)
    return person
