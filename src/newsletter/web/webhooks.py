"""Webhooks: where providers tell what became of messages.

POST /webhooks/NAME   NAME is a transport's of newsletter.toml, or its provider's

    200   heard: on record, and what follows has followed; also for what says nothing to us, and for repeats
    401   not proved to be the provider's: nothing is kept
    404   no such transport
    413   more than 2 MB
    503   not now: the list cannot be written, or a secret is missing here; the provider tries again
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from newsletter import wiring
from newsletter.actions.hear import hear, understand
from newsletter.errors import ConfigError
from newsletter.providers import Forged, Hook
from newsletter.store.hooks import State
from newsletter.web.parts import route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from newsletter.actions.hear import Heard
    from newsletter.web.parts import Parts

log = logging.getLogger("newsletter.web")

# Passwords that stand in an address come as Basic auth, by some only when they are asked for.
_WHO = {"WWW-Authenticate": 'Basic realm="webhooks"'}


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    return [route(parts, "/webhooks/{name}", listen, "POST")]


def listen(parts: Parts, request: Request) -> Response:
    """Take in what a provider tells."""
    try:
        listener = wiring.listener(parts.config, request.path_params["name"], parts.environ, parts.keys)
        if listener is None:
            raise HTTPException(404)
        transport, provider, account = listener
        body: bytes = request.scope["body"]
        hook = Hook(dict(request.headers), body, parts.clock().timestamp(), dict(request.query_params))
        understood = understand(provider, account, hook)
        with parts.writing:
            heard = hear(parts.database, transport, understood, body, parts.now)
    except Forged as error:
        parts.counters.hooks.labels(transport, "refused").inc()
        # It may quote the stranger who called.
        why = str(error)[:200].encode("unicode_escape").decode()
        log.warning("a call at /webhooks/%s was refused: %s", transport, why)
        return PlainTextResponse("We do not know you.\n", 401, _WHO)
    except ConfigError as error:
        log.error("a webhook cannot be heard: %s", error)
        return PlainTextResponse("Not now.\n", 503, {"Retry-After": "300"})
    _count(parts, transport, heard)
    return PlainTextResponse("Heard.\n")


def hear_what_waits(parts: Parts) -> None:
    """Take in the calls that were kept when a process died before anything followed from them."""
    with parts.writing:
        for call, heard in wiring.hear_again(parts.config, parts.database, parts.environ, State.WAITING, parts.now):
            _count(parts, call.transport, heard)


def _count(parts: Parts, transport: str, heard: Heard) -> None:
    outcome = "failed" if heard.trouble else "repeated" if heard.is_repeat else "heard"
    parts.counters.hooks.labels(transport, outcome).inc()
    if heard.trouble:
        log.error("a call at /webhooks/%s %s; it is kept: see newsletter webhooks", transport, heard.trouble)
    for each in heard.consequences:
        parts.counters.events.labels(transport, each.event.kind.value, each.effect.value).inc()
