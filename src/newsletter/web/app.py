"""The pages, put together: each module's routes, behind the door."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from newsletter.errors import NewsletterError
from newsletter.web.door import Door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from newsletter.web.parts import Parts

# Each has `routes(parts) -> list[Route]`. What stands first is asked first.
MODULES = (
    "newsletter.web.leaving",  # /unsubscribe/TOKEN
    "newsletter.web.joining",  # / /subscribe /embed
    "newsletter.web.confirming",  # /confirm/TOKEN
    "newsletter.web.preferences",  # /preferences/TOKEN
    "newsletter.web.own_data",  # /data/TOKEN
    "newsletter.web.archive",  # /archive/ /sitemap.xml /robots.txt
    "newsletter.web.webhooks",  # /webhooks/NAME
    "newsletter.web.common",  # /style.css, /healthz, /metrics
)

# Handlers wait for the database and for nothing else: more threads would only wait for each other.
THREADS = 8


def app(parts: Parts) -> ASGIApp:
    """All pages as an ASGI application."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        from anyio.to_thread import current_default_thread_limiter

        current_default_thread_limiter().total_tokens = THREADS
        yield

    def failed(request: Request, error: Exception) -> Response:
        return error_page(parts, request, error)

    pages = Starlette(
        routes=[route for name in MODULES for route in import_module(name).routes(parts)],
        exception_handlers={HTTPException: failed, NewsletterError: failed, 500: failed},
        lifespan=lifespan,
    )
    pages.router.redirect_slashes = False
    return Door(pages, parts)


def error_page(parts: Parts, request: Request, error: Exception) -> Response:
    """What a visitor is told when a page cannot be shown."""
    status = (
        error.status_code if isinstance(error, HTTPException) else 503 if isinstance(error, NewsletterError) else 500
    )
    language = parts.look.language(request)
    kind = {404: "lost", 405: "lost", 410: "old", 429: "busy", 503: "later"}.get(status, "broken")
    answer = parts.look.page("message.html.j2", language, parts.prefix, status, kind=kind, links=())
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    if status in (429, 503):
        answer.headers.setdefault("Retry-After", "60")
    return answer
