"""Leaving: the address in List-Unsubscribe, and the page behind the link in every message.

GET  /unsubscribe/TOKEN   a page with one button and one question; GET and HEAD change nothing, whoever sends them
POST /unsubscribe/TOKEN   ends the subscription: 200, at once, without a cookie, a login or a redirect

Standard: RFC 8058. Its POST carries `List-Unsubscribe=One-Click`, as multipart/form-data or urlencoded; any POST to the
address is taken for the wish that it is. A token never expires, and an older key still reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from newsletter.actions.leave import REASONS, leave_by_ticket
from newsletter.links import Purpose, Ticket
from newsletter.web.door import form_of
from newsletter.web.parts import route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from newsletter.web.parts import Parts


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [route(parts, "/unsubscribe/{token}", ask), route(parts, "/unsubscribe/{token}", leave, "POST")]


def ask(parts: Parts, request: Request) -> Response:
    """The page with the button."""
    ticket = _ticket(parts, request)
    return parts.look.page(
        "unsubscribe.html.j2",
        parts.look.language(request, parts.person(ticket.subscriber)),
        parts.prefix,
        reasons=REASONS,
    )


def leave(parts: Parts, request: Request) -> Response:
    """End it, and say so: in a word to a mail program, with a page to a person."""
    ticket = _ticket(parts, request)
    form = form_of(request)
    by_person = "page" in form
    reason = form.get("reason", [""])[0]
    with parts.write() as connection:
        left = leave_by_ticket(
            connection,
            ticket,
            now=parts.now,
            source="page" if by_person else "one-click",
            reason=reason,
            goodbye=parts.config.web.goodbye,
        )
    parts.settle()
    if left:
        parts.counters.people.labels("left").inc()
        if parts.config.web.goodbye:
            parts.wake()
    if not by_person:
        return PlainTextResponse("You are unsubscribed.\n")
    language = parts.look.language(request, parts.person(ticket.subscriber))
    return parts.look.page("message.html.j2", language, parts.prefix, kind="left", links=())


def _ticket(parts: Parts, request: Request) -> Ticket:
    ticket = parts.ticket(request.path_params["token"], Purpose.UNSUBSCRIBE)
    if ticket is None:
        raise HTTPException(404)
    return ticket
