"""The mail's own origin: its HTML, which is hostile until proven otherwise, and the small page that frames it.

GET /TOKEN/              the mail alone, made anew with each save: for a telephone
GET /TOKEN/frame         the page that measures the mail, and shows the next one without a flash
GET /TOKEN/mail          the mail's HTML                   ?as= &width= &colours= &images= &program= &mark= &remote=
GET /TOKEN/web           its page in the archive
GET /TOKEN/pictures/…    an image that travels inside the message, by its digest
GET /TOKEN/events        a line with each new state: its number, and whether it is stale

The mail is framed with `sandbox` and served with the same in its Content Security Policy (Level 3): no script runs in
it, no form is sent, and it leads nowhere but into a new window. Images come from here and from `data:`; images from the
web are loaded only where the address says `remote=on`.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from newsletter.errors import NewsletterError
from newsletter.inbox.reading import with_links_in_new_tabs
from newsletter.preview import people, views
from newsletter.preview.guard import Guard
from newsletter.preview.pages import asset, page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from newsletter.preview.proof import Studio
    from newsletter.preview.watching import Hub

# Our page reads the height of the mail and where the mark is; that it is of one origin with it lets no script run.
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; "


def app(studio: Studio, hub: Hub, token: str, hosts: frozenset[str], ancestors: str) -> Starlette:
    """The mail's pages; `ancestors` is the origin of the page that may frame them."""
    framed = f"frame-ancestors 'self' {ancestors}"
    policy = f"{_POLICY}script-src 'self'; style-src 'self'; frame-src 'self'; connect-src 'self'; {framed}"
    routes = [
        Route("/", alone),
        Route("/frame", frame),
        Route("/mail", mail),
        Route("/web", web),
        Route("/pictures/{digest}", picture),
        Route("/events", events),
        Route("/{name:str}", asset),
    ]
    made = Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[Middleware(Guard, token=token, hosts=hosts, policy=policy)],
    )
    made.state.studio, made.state.hub, made.state.token = studio, hub, token
    made.state.ancestors, made.state.framed = ancestors, framed
    return made


def alone(_request: Request) -> Response:
    return page("frame.html.j2", ancestors="", sandbox=SANDBOX, live=True)


def frame(request: Request) -> Response:
    return page("frame.html.j2", ancestors=request.app.state.ancestors, sandbox=SANDBOX, live=False)


def mail(request: Request) -> Response:
    studio: Studio = request.app.state.studio
    proof, look = studio.state.proof, views.Look.said(request.query_params)
    if proof is None:
        return _framed(request, _said("Nothing to show yet."))
    try:
        # Who is on the list is nobody's business in the network.
        said = request.query_params.get("as", "") if _is_here(request) else people.SOMEBODY
        reader = people.reader(studio.tools, proof, said)
        html = views.mail(proof, reader, look)
    except (NewsletterError, ValueError) as error:
        return _framed(request, _said(str(error)))
    for each in proof.edition.pictures:
        html = html.replace(f"cid:{each.content_id}", f"/{request.app.state.token}/pictures/{each.digest}")
    return _framed(request, with_links_in_new_tabs(html))


def web(request: Request) -> Response:
    studio: Studio = request.app.state.studio
    if studio.state.proof is None:
        return _framed(request, _said("Nothing to show yet."))
    try:
        return _framed(request, with_links_in_new_tabs(studio.tools.web(studio.state.proof)))
    except NewsletterError as error:
        return _framed(request, _said(str(error)))


def picture(request: Request) -> Response:
    proof = request.app.state.studio.state.proof
    for each in proof.edition.pictures if proof else ():
        if each.digest == request.path_params["digest"]:
            headers = {
                "Cache-Control": "private, max-age=3600",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            }
            return Response(each.content, media_type=each.type, headers=headers)
    return Response("There is no such picture.\n", 404)


def events(request: Request) -> Response:
    hub: Hub = request.app.state.hub

    async def lines() -> AsyncIterator[str]:
        yield "retry: 500\n\n"
        async for told in hub.states():
            yield f"data: {told}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _is_here(request: Request) -> bool:
    """Whether it is this machine that asks."""
    from ipaddress import ip_address

    return request.client is not None and ip_address(request.client.host).is_loopback


def _framed(request: Request, html: str) -> HTMLResponse:
    state = request.app.state
    here = f"{request.url.scheme}://{request.headers['host']}/{state.token}/pictures/"
    images = f"{here} data:" + (" https: http:" if request.query_params.get("remote") == "on" else "")
    policy = f"{_POLICY}img-src {images}; style-src 'unsafe-inline'; {state.framed}; sandbox {SANDBOX}"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _said(words: str) -> str:
    """A message in place of the mail."""
    look = "font:1rem/1.5 system-ui,sans-serif;padding:2rem;white-space:pre-wrap;color:#444"
    head = '<!doctype html><html lang="en"><head><title>Preview</title></head>'
    return f'{head}<body style="{look}">{escape(words)}</body></html>'
