"""The page of the mailbox: a list, one message in four views, and the same as JSON for scripts.

GET  /                              the list, newest first                    ?page=2
GET  /messages/KEY                  one message                               ?show= &width= &images= &colours=
GET  /messages/KEY/html             its HTML alone, for the frame
GET  /messages/KEY/parts/N          one MIME part, such as an image that the HTML names by cid:
GET  /messages/KEY/raw              the message as it came, to be saved as .eml
POST /empty   DELETE /api/messages  delete every message
GET  /api/messages                  {"total", "messages": [...]}              ?limit= &offset=
GET  /api/messages/KEY              the same for one, with headers, html, text and parts

A message is hostile until it is escaped. Its HTML gets a sandboxed frame, where nothing runs and nothing but
images is loaded (Content Security Policy Level 3). The page answers to the names of this machine only, or any
web site could read it by pointing its own name here (DNS rebinding), and lets no other site press its buttons.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from newsletter.inbox import phrases, reading
from newsletter.inbox.guard import Guard

if TYPE_CHECKING:
    from starlette.requests import Request

    from newsletter.inbox.maildir import Maildir, ReceivedMessage

PAGE_SIZE = 50
SOURCE_SHOWN = 1_000_000
# The first of each is the default.
VIEWS = {"html": "HTML", "text": "Text", "headers": "Headers", "source": "Source"}
WIDTHS = {"700": "700", "390": "390", "320": "320"}
IMAGES = {"on": "Images", "off": "No images"}
COLOURS = {"light": "Light", "dark": "Dark"}
CHOICES = {"show": VIEWS, "width": WIDTHS, "images": IMAGES, "colours": COLOURS}
# What a browser may show by itself; everything else is offered as a file.
SHOWN_IMAGES = frozenset(f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "svg+xml", "webp"))

_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def app(maildir: Maildir, smtp: dict[str, object]) -> Starlette:
    """The page as an ASGI application; `smtp` (host, port, security) is what it tells visitors to send to."""
    made = Starlette(
        routes=[
            Route("/", list_page),
            Route("/empty", empty_and_return, methods=["POST"]),
            Route("/style.css", stylesheet),
            Route("/messages/{key}", message_page),
            Route("/messages/{key}/html", message_html),
            Route("/messages/{key}/parts/{number:int}", message_part),
            Route("/messages/{key}/raw", message_raw),
            Route("/api/messages", api_list, methods=["GET"]),
            Route("/api/messages", api_empty, methods=["DELETE"]),
            Route("/api/messages/{key}", api_message),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: error_page, 500: error_page},
    )
    made.state.maildir = maildir
    made.state.smtp = smtp
    # A message never changes and its key is never used again. Summaries are small; messages are not kept.
    made.state.summary = lru_cache(maxsize=5_000)(lambda key: _summary(maildir.read(key)))
    made.state.templates = phrases.templates()
    return made


def list_page(request: Request) -> Response:
    keys = request.app.state.maildir.in_order()[::-1]
    pages = max(1, -(-len(keys) // PAGE_SIZE))
    page = min(max(1, _number(request, "page", 1)), pages)
    shown = _summaries(request, keys[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    return _page(request, "list.html.j2", messages=shown, total=len(keys), page=page, pages=pages, page_size=PAGE_SIZE)


def message_page(request: Request) -> Response:
    received = _message(request)
    read = reading.read(received.raw)
    chosen = {name: _choice(request, name, table) for name, table in CHOICES.items()}
    if "show" not in request.query_params and read.html is None:
        chosen["show"] = "text"
    newer, older = _neighbours(request.app.state.maildir.in_order(), received.key)

    def address(key: str = received.key, **changes: str) -> str:
        return _address(key, {**chosen, **changes})

    return _page(
        request,
        "message.html.j2",
        message=received,
        summary=request.app.state.summary(received.key),
        read=read,
        text=phrases.with_links(read.text) if read.text is not None else None,
        source=received.raw[:SOURCE_SHOWN].decode("utf-8", "replace"),
        source_cut=len(received.raw) > SOURCE_SHOWN,
        files=[part for part in read.parts if part.attached or part.filename],
        newer=newer,
        older=older,
        address=address,
        choices=CHOICES,
        sandbox=_SANDBOX,
        **chosen,
    )


def message_html(request: Request) -> Response:
    """The HTML part for the frame: cid: images linked, links to open beside; else as it came."""
    received = _message(request)
    read = reading.read(received.raw)
    if read.html is None:
        raise HTTPException(404, "This message has no HTML part.")
    parts = f"/messages/{phrases.in_url(received.key)}/parts"
    html = reading.with_parts_linked(read.html, read.parts, lambda part: f"{parts}/{part.number}")
    images = f"data: https: {request.url.scheme}://{request.headers['host']}{parts}/"
    if _choice(request, "images", IMAGES) == "off":
        images = "'none'"
    policy = (
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors 'self'; sandbox {_SANDBOX}"
    )
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(reading.with_links_in_new_tabs(html), headers=headers)


def message_part(request: Request) -> Response:
    parts = reading.read(_message(request).raw).parts
    number = request.path_params["number"]
    if not 1 <= number <= len(parts):
        raise HTTPException(404, f"This message has {len(parts)} parts.")
    part = parts[number - 1]
    shown = part.content_type in SHOWN_IMAGES and not part.attached
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Referrer-Policy": "no-referrer",
        "Content-Disposition": "inline" if shown else phrases.as_file(part.filename or f"part-{number}"),
    }
    return Response(
        part.content, media_type=part.content_type if shown else "application/octet-stream", headers=headers
    )


def message_raw(request: Request) -> Response:
    received = _message(request)
    headers = {"Content-Disposition": phrases.as_file(f"{received.key}.eml")}
    return Response(received.raw, media_type="message/rfc822", headers=headers)


def empty_and_return(request: Request) -> Response:
    request.app.state.maildir.empty()
    return RedirectResponse("/", 303)


def stylesheet(_request: Request) -> Response:
    return Response((phrases.PAGES / "style.css").read_bytes(), media_type="text/css; charset=utf-8")


def api_list(request: Request) -> Response:
    keys = request.app.state.maildir.in_order()[::-1]
    start = max(0, _number(request, "offset", 0))
    end = start + max(0, _number(request, "limit", len(keys)))
    return JSONResponse({"total": len(keys), "messages": _summaries(request, keys[start:end])})


def api_message(request: Request) -> Response:
    received = _message(request)
    read = reading.read(received.raw)
    return JSONResponse(
        {
            **request.app.state.summary(received.key),
            "headers": read.headers,
            "html": read.html,
            "text": read.text,
            "parts": [
                {
                    "number": part.number,
                    "content_type": part.content_type,
                    "filename": part.filename,
                    "content_id": part.content_id,
                    "size": len(part.content),
                }
                for part in read.parts
            ],
        }
    )


def api_empty(request: Request) -> Response:
    return JSONResponse({"deleted": request.app.state.maildir.empty()})


def error_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = error.detail if isinstance(error, HTTPException) else "The mailbox tripped over this; its log says how."
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": reason}, status)
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse(f"{reason}\n", status)
    page = _page(request, "error.html.j2", reason=reason)
    page.status_code = status
    return page


def _page(request: Request, template: str, **context: Any) -> HTMLResponse:
    state = request.app.state
    return HTMLResponse(state.templates.get_template(template).render(smtp=state.smtp, **context))


def _message(request: Request) -> ReceivedMessage:
    try:
        message: ReceivedMessage = request.app.state.maildir.read(request.path_params["key"])
    except KeyError:
        raise HTTPException(404, "This message is not here (any more).") from None
    return message


def _summaries(request: Request, keys: list[str]) -> list[dict[str, Any]]:
    found = []
    for key in keys:
        try:
            found.append(request.app.state.summary(key))
        except KeyError:  # emptied meanwhile
            continue
    return found


def _summary(received: ReceivedMessage) -> dict[str, Any]:
    read = reading.read(received.raw)
    from_name, from_address = reading.name_and_address(read.header("From"))
    to_name, to_address = reading.name_and_address(read.header("To"))
    return {
        "key": received.key,
        "received": received.received.isoformat(),
        "sender": received.sender,
        "recipients": list(received.recipients),
        "from": {"name": from_name, "email": from_address or received.sender},
        "to": {"name": to_name, "email": to_address or ", ".join(received.recipients)},
        "subject": read.subject,
        "snippet": read.snippet,
        "size": len(received.raw),
    }


def _neighbours(keys: list[str], key: str) -> tuple[str | None, str | None]:
    """The keys of the next newer and the next older message."""
    at = keys.index(key) if key in keys else None
    if at is None:
        return None, None
    return (keys[at + 1] if at + 1 < len(keys) else None), (keys[at - 1] if at else None)


def _choice(request: Request, name: str, table: dict[str, str]) -> str:
    asked = request.query_params.get(name, "")
    return asked if asked in table else next(iter(table))


def _number(request: Request, name: str, default: int) -> int:
    asked = request.query_params.get(name, "")
    return int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else default


def _address(key: str, chosen: dict[str, str]) -> str:
    said = {name: value for name, value in chosen.items() if name == "show" or value != next(iter(CHOICES[name]))}
    return f"/messages/{phrases.in_url(key)}?{urlencode(said)}"
