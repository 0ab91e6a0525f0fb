"""Who may talk to the page: only browsers that were sent to this machine by its own name, and only its own forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))
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
        elif scope["method"] not in SAFE_METHODS and not _is_from_here(headers):
            refusal = PlainTextResponse("Only this mailbox's own page may change it.\n", 403)
            await refusal(scope, receive, send)
        else:

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answer = MutableHeaders(scope=message)
                    for name, value in HEADERS.items():
                        answer.setdefault(name, value)
                await send(message)

            await self._app(scope, receive, send_with_headers)


def _is_loopback(host: str) -> bool:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:\d+)?", host)
    return found is not None and found[1].lower() in LOOPBACK_NAMES


def _is_from_here(headers: Headers) -> bool:
    """Was it sent by our page, or by something that is no browser?

    Fetch metadata says it best (https://www.w3.org/TR/fetch-metadata/); a browser too old for it says Origin.
    """
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin == f"http://{headers['host']}"
