"""The archive on the web: each published issue, the index, the feeds, the images. What it answers is `actions.archive`.

GET  /archive/                 the newest issues; /archive leads there
GET  /archive/-/<year>/        those of a year that are not all there
GET  /archive/<slug>/          an issue; /archive/<slug>, as mails have it, leads there
GET  /archive/feed.xml         and atom.xml, feed.json
GET  /archive/-/files/<name>   images and calendars
GET  /sitemap.xml              and robots.txt

Pages are made once and kept, until another issue is published. Who has one already hears 304 (RFC 9110 section 13).
"""

from __future__ import annotations

import gzip
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from threading import Lock
from time import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from newsletter.actions.archive import MISSING, File
from newsletter.render.web import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from newsletter.actions.archive import Archive
    from newsletter.web.parts import Parts

LOOK_AGAIN = 1.0  # seconds after which the store is asked whether something was published
_WORTH_PACKING = ("text/", "application/")
_KEPT = 256  # packed files


class Shelf:
    """The archive for a server: it looks for new issues now and then, and packs what it hands out."""

    def __init__(self, archive: Archive, look_again: float = LOOK_AGAIN, clock: Callable[[], float] = time) -> None:
        self._archive = archive
        self._look_again = look_again
        self._clock = clock
        self._looked = clock()
        self._lock = Lock()
        self.packed = lru_cache(maxsize=_KEPT)(_packed)

    def is_fresh(self) -> bool:
        """Whether the store was asked a moment ago."""
        return abs(self._clock() - self._looked) < self._look_again  # clocks are put back, too

    def file(self, path: str) -> File | None:
        """The file at a path, after a look at the store if it is time for one."""
        if not self.is_fresh():
            with self._lock:
                if not self.is_fresh():
                    self._archive.refresh()
                    self._looked = self._clock()
        return self._archive.file(path)


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    from newsletter import wiring

    archive = wiring.archive(parts.config, parts.database)
    return shelf_routes(Shelf(archive, clock=lambda: parts.clock().timestamp()))


def shelf_routes(shelf: Shelf) -> list[Route]:
    """The same for an archive that is at hand."""

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        return await _answered(request, shelf, f"{ARCHIVE}/{path}")

    async def beside(request: Request) -> Response:
        return await _answered(request, shelf, request.url.path.lstrip("/"))

    async def home(request: Request) -> Response:  # noqa: ARG001
        return RedirectResponse(f"{ARCHIVE}/", 308)

    return [
        Route(f"/{ARCHIVE}", home, name="archive"),
        Route(f"/{ARCHIVE}/{{path:path}}", page, name="archive"),
        Route("/sitemap.xml", beside, name="sitemap"),
        Route("/robots.txt", beside, name="robots"),
    ]


async def _answered(request: Request, shelf: Shelf, path: str) -> Response:
    """The answer, at once when nothing has to be asked for; else from a thread, for the store may keep one waiting."""
    if shelf.is_fresh() and (found := shelf._archive.kept(path)):
        return _answer(request, shelf, found)
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(_looked_up, request, shelf, path)


def _looked_up(request: Request, shelf: Shelf, path: str) -> Response:
    found = shelf.file(path)
    if found is not None:
        return _answer(request, shelf, found)
    # A mail's link has no slash at its end. Where it leads is known, so nobody can be led astray.
    if not path.endswith("/") and shelf.file(f"{path}/") is not None:
        return RedirectResponse(f"{quote(path.rpartition('/')[2], safe='~')}/", 308)
    missing = shelf.file(MISSING)
    assert missing is not None
    headers = {"Content-Security-Policy": missing.policy, "Cache-Control": "no-store"}
    return Response(missing.content, 404, headers, missing.type)


def _answer(request: Request, shelf: Shelf, file: File) -> Response:
    headers = {"Cache-Control": file.caching, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.changed:
        headers["Last-Modified"] = format_datetime(file.changed, usegmt=True)
    if file.policy:
        headers["Content-Security-Policy"] = file.policy
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    packs = file.type.startswith(_WORTH_PACKING) and "gzip" in request.headers.get("accept-encoding", "")
    if packs:
        headers["ETag"] = _packed_etag(file)  # other octets, another name
    if _has_it(request, file):
        return Response(status_code=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(shelf.packed(file.content) if packs else file.content, 200, headers, file.type)


def _packed_etag(file: File) -> str:
    return f'{file.etag[:-1]}-gzip"'


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _has_it(request: Request, file: File) -> bool:
    """Whether the browser's copy is still good (RFC 9110 section 13.2.2)."""
    if wanted := request.headers.get("if-none-match"):
        known = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        return not known.isdisjoint(("*", file.etag, _packed_etag(file)))
    since = request.headers.get("if-modified-since")
    if not since or not file.changed:
        return False
    try:
        return file.changed <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False
