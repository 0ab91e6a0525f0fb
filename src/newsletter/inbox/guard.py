"""Who may talk to the page: only browsers that were sent to this machine by its own name, and only its own forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from newsletter.serving.guard import LOOPBACK, adding, is_from_here

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries unless it says otherwise."""


class Guard:
    """ASGI middleware: refuses foreign names and foreign forms, and adds HEADERS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        if not _is_loopback(headers.get("host", "")):
            refusal = PlainTextResponse("This mailbox answers to localhost and 127.0.0.1 only.\n", 421)
            await refusal(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS and not is_from_here(headers, ("same-origin", "none")):
            refusal = PlainTextResponse("Only this mailbox's own page may change it.\n", 403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, adding(HEADERS, send))


def _is_loopback(host: str) -> bool:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:\d+)?", host)
    return found is not None and found[1].lower() in LOOPBACK
