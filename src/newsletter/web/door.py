"""The door: what every request passes before a page sees it, and what every answer carries when it leaves.

who      the visitor's address; X-Forwarded-For and X-Forwarded-Proto count from configured proxies only
where    the path below base_url's own, whether the proxy takes it off or not
how much a body of 64 kB at most, for webhooks 2 MB, read whole: handlers are ordinary functions, and find it in
         `scope["body"]`
out      the headers of HEADERS, unless the page says otherwise; a fault told without whose it was

Standards: Content Security Policy Level 3, RFC 6797 (HSTS), RFC 7239's older kin X-Forwarded-*.
"""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from time import perf_counter
from traceback import extract_tb
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from newsletter.web.parts import Parts

log = logging.getLogger("newsletter.web")
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # what a stranger sends is worth no line

LARGEST_BODY = 64 * 1024
LARGEST_HOOK = 2 * 1024 * 1024  # providers tell of many messages at once
_BODY_SECONDS = 30  # for a whole body
_MOST_FIELDS = 100
_LONGEST_TARGET = 4096  # path and query
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""What every answer carries unless it says otherwise."""
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_SECURE = [*_HEADERS, (b"strict-transport-security", b"max-age=31536000")]


class Door:
    """ASGI middleware around all pages."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._proxies = parts.config.web.proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        began = perf_counter()
        headers = Headers(scope=scope)
        scope = {**scope, **self._who(scope, headers), **self._where(scope), "body": b""}
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _completed(message["headers"], secure=scope["scheme"] == "https")
            await send(message)

        try:
            if refusal := await self._body(scope, headers, receive):
                await refusal(scope, receive, send_with_headers)
            else:
                await self._app(scope, _nothing_more, send_with_headers)
        except Exception as error:
            # Starlette has answered with 500 by now. The message of an error may hold an address: it stays out.
            last = extract_tb(error.__traceback__)[-1]
            log.error("a page failed: %s, in %s, line %s", type(error).__name__, last.filename, last.lineno)
        finally:
            page = _page(scope)
            counters = self._parts.counters
            counters.requests.labels(page, _method(scope), str(status)).inc()
            counters.seconds.observe(perf_counter() - began)

    def _who(self, scope: Scope, headers: Headers) -> Scope:
        """The visitor's address and scheme, as the last proxy that is ours tells them."""
        peer = (scope.get("client") or ("", 0))[0]
        if not self._trusted(peer):
            return {"client": (peer, 0), "scheme": scope["scheme"]}
        forwarded = [part.strip().strip("[]") for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
        client = peer
        for hop in reversed(forwarded):
            try:
                ip_address(hop)
            except ValueError:
                break
            client = hop
            if not self._trusted(hop):
                break
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        return {"client": (client, 0), "scheme": scheme if scheme in ("http", "https") else scope["scheme"]}

    def _trusted(self, address: str) -> bool:
        if not self._proxies:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)

    def _where(self, scope: Scope) -> Scope:
        """The path within the pages, when base_url has a path of its own."""
        prefix, path = self._parts.prefix, scope["path"]
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path[len(prefix) :] or "/"
        return {"path": path, "raw_path": path.encode(), "root_path": ""}

    async def _body(self, scope: Scope, headers: Headers, receive: Receive) -> PlainTextResponse | None:
        """Read the body into the scope; an answer when it is too large, or was not sent to its end."""
        if len(scope["raw_path"]) + len(scope.get("query_string", b"")) > _LONGEST_TARGET:
            return PlainTextResponse("This address is too long.\n", 414)
        largest = LARGEST_HOOK if scope["path"].startswith("/webhooks/") else LARGEST_BODY
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length[:20]) > largest:
            return PlainTextResponse("This is too much.\n", 413, {"Connection": "close"})
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                return await _read(scope, receive, largest)
        except TimeoutError:
            return PlainTextResponse("This took too long.\n", 408, {"Connection": "close"})


async def _read(scope: Scope, receive: Receive, largest: int) -> PlainTextResponse | None:
    """The body, into the scope; an answer when it is too large, or ends too early."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return PlainTextResponse("This is not all.\n", 400)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > largest:
            return PlainTextResponse("This is too much.\n", 413, {"Connection": "close"})
        more = message.get("more_body", False)
    scope["body"] = b"".join(chunks)
    return None


def _completed(headers: Iterable[tuple[bytes, bytes]], *, secure: bool) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those of HEADERS that it does not have."""
    said = dict(headers)
    missing = [pair for pair in (_SECURE if secure else _HEADERS) if pair[0] not in said]
    # A page that may be framed says so in its policy; the older header cannot say by whom.
    if b"frame-ancestors *" in said.get(b"content-security-policy", b""):
        missing = [pair for pair in missing if pair[0] != b"x-frame-options"]
    return [*headers, *missing]


async def _nothing_more() -> Message:
    """What a handler would receive: the body is in the scope already."""
    return {"type": "http.request", "body": b"", "more_body": False}


def _page(scope: Scope) -> str:
    """The name of the page that answered; never the path, which may hold a token."""
    route = scope.get("route")
    return str(getattr(route, "name", "") or "none")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"


def form_of(request: Request) -> dict[str, list[str]]:
    """What was sent: each field's values, in order. Urlencoded and multipart (RFC 7578); files are passed by.

    Whatever cannot be read is as if it had not been sent.
    """
    body: bytes = request.scope.get("body", b"")
    kind = request.headers.get("content-type", "")
    found: dict[str, list[str]] = {}
    for name, value in _fields(body, kind):
        found.setdefault(name, []).append(value)
    return found


def _fields(body: bytes, kind: str) -> list[tuple[str, str]]:
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(body, kind)
    try:
        text = body.decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except ValueError:
        return []


def _multipart(body: bytes, kind: str) -> list[tuple[str, str]]:
    from python_multipart import FormParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    found: list[tuple[str, str]] = []

    def on_field(field: object) -> None:
        name = getattr(field, "field_name", None) or b""
        value = getattr(field, "value", None) or b""
        if len(found) < _MOST_FIELDS:
            found.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))

    _, options = parse_options_header(kind)
    try:
        parser = FormParser("multipart/form-data", on_field, lambda _: None, boundary=options.get(b"boundary", b""))
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError, TypeError):
        return found
    return found
