"""Whether a request was sent by our own page, and what every answer carries; for ASGI middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import Message, Send

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def is_from_here(headers: Headers, sites: Collection[str] = ("same-origin",)) -> bool:
    """Was it sent by our page, or by something that is no browser?

    Fetch metadata says it best (https://www.w3.org/TR/fetch-metadata/), with one of `sites`; a browser too old for it
    says Origin.
    """
    if site := headers.get("sec-fetch-site"):
        return site in sites
    origin = headers.get("origin")
    return origin is None or origin == f"http://{headers['host']}"


def adding(headers: Mapping[str, str], send: Send) -> Send:
    """What sends the same, with these headers wherever the answer has not its own."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            for name, value in headers.items():
                answer.setdefault(name, value)
        await send(message)

    return send_with_headers
