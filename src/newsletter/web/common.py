"""What all pages need, and what those who run them ask for.

GET /style.css    the theme's colours and faces, light and dark
GET /healthz      200 "ok" while the list can be read, else 503
GET /metrics      counts for Prometheus; from this machine, or with the token
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from newsletter.web.parts import route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from newsletter.web.parts import Parts

# A proxy says that it is one, whether we were told of it or not.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    from newsletter.web.mailing_metrics import MailingMetrics

    parts.counters.registry.register(MailingMetrics(parts.database, lambda: parts.clock()))
    return [
        route(parts, "/style.css", style),
        route(parts, "/healthz", health),
        route(parts, "/metrics", metrics),
    ]


def style(parts: Parts, _: Request) -> Response:
    """The style sheet, the same for everybody until the server starts anew."""
    return Response(parts.look.style, media_type="text/css", headers={"Cache-Control": "public, max-age=300"})


def health(parts: Parts, _: Request) -> Response:
    """Whether the list can be read."""
    with parts.database.reading() as connection:
        connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    return PlainTextResponse("ok\n")


def metrics(parts: Parts, request: Request) -> Response:
    """Counts, for this machine or for who has the token. To everybody else the page is not there."""
    if not (_is_here(request) or _has_token(parts, request)):
        raise HTTPException(404)
    from prometheus_client import generate_latest

    return Response(generate_latest(parts.counters.registry), media_type="text/plain; version=0.0.4")


def _is_here(request: Request) -> bool:
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return address.is_loopback and not any(name in request.headers for name in _FORWARDED)


def _has_token(parts: Parts, request: Request) -> bool:
    token = parts.environ.get(parts.config.web.metrics_token_env or "", "")
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
