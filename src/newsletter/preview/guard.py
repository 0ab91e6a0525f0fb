"""Who may talk to the preview: browsers that were sent here by this machine's own name and know the token.

The page and the mail have an origin each, which is a port of their own: what a mail's HTML could ever do, it does
where there is nothing to take. Names of other sites that were pointed here (DNS rebinding) are refused, and so are
their forms.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from newsletter.serving.guard import adding, is_from_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset(("GET", "HEAD"))
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware: asks for the host and for the token that begins each path, and adds HEADERS and a policy."""

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str], policy: str) -> None:
        self._app, self._token, self._hosts = app, token, hosts
        self._headers: Mapping[str, str] = {**HEADERS, "Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        await self._app(scope, receive, adding(self._headers, send))

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if headers.get("host", "").lower() not in self._hosts:
            return PlainTextResponse(
                "This preview answers at the address that it has printed, and at no other name.\n", 421
            )
        if not compare_digest(scope["path"].split("/")[1].encode(), self._token.encode()):
            return PlainTextResponse("Open the whole address that newsletter preview has printed.\n", 403)
        if scope["method"] not in SAFE_METHODS and not is_from_here(headers):
            return PlainTextResponse("Only the preview's own page may do this.\n", 403)
        return None
