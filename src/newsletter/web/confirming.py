"""Confirming: the link in the mail that who subscribes gets.

GET  /confirm/TOKEN   a page with one button; GET and HEAD change nothing
POST /confirm/TOKEN   confirms, once; the token is good for three days
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.actions.confirm import Confirmed, Deed, confirm
from newsletter.links import Links
from newsletter.web.parts import route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from newsletter.actions.confirm import Claim
    from newsletter.web.parts import Parts


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [
        route(parts, "/confirm/{token}", ask, name="confirm"),
        route(parts, "/confirm/{token}", confirmed, "POST", name="confirm"),
    ]


def ask(parts: Parts, request: Request) -> Response:
    """The page with the button."""
    claim = _claim(parts, request)
    person = parts.person(claim.subscriber)
    if person is None:  # forgotten since
        raise HTTPException(410)
    return parts.look.page("confirm.html.j2", parts.look.language(request, person), parts.prefix)


def confirmed(parts: Parts, request: Request) -> Response:
    """Let the person be a reader, and say so."""
    claim = _claim(parts, request)
    welcome = bool(parts.config.web.welcome)
    token = request.path_params["token"]
    with parts.write() as connection:
        came = confirm(connection, parts.database, claim, token, welcome=welcome, now=parts.now)
    if came is Confirmed.OLD:
        raise HTTPException(410)
    if came is Confirmed.DONE:
        parts.counters.people.labels("confirmed").inc()
        parts.wake()
    language = parts.look.language(request, parts.person(claim.subscriber))
    address = Links(parts.signer, parts.prefix, "", claim.subscriber, 0).preferences
    links = [(address, parts.look.say(language, "to_preferences"))]
    return parts.look.page("message.html.j2", language, parts.prefix, kind="confirmed", links=links)


def _claim(parts: Parts, request: Request) -> Claim:
    claim = parts.claim(request.path_params["token"], Deed.CONFIRM)
    if claim is None:
        raise HTTPException(410)
    return claim
