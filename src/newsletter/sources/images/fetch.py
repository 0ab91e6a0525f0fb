"""Fetch: an image from the web, for authors who name one by its address. It is asked for once an hour at most.

https or http · public addresses only, at each step · 3 redirects · 5 MB · 5 seconds in all · images only

A server that cannot be reached, or has a bad moment, does not hinder who has fetched the image before.
Standards: RFC 9110 (validators, redirects), RFC 9111 (a copy that is used while the server is away).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin, urlsplit

from newsletter import __version__
from newsletter.errors import IssueError, Problem
from newsletter.sources.images.cache import Entry, key_of
from newsletter.sources.images.guard import is_public, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from requests import Response

    from newsletter.sources.images.cache import Cache
    from newsletter.sources.images.guard import Address

LARGEST = 5_000_000  # bytes
_REDIRECTS = 3
_FRESH_SECONDS = 3600
_AT_ONCE = 65_536  # bytes
_ADDRESSES = 4  # of one host that are tried: the first may be an IPv6 address on a network without IPv6
_VALIDATORS = ("ETag", "Last-Modified")
IMAGE, DESCRIPTION = "image/", "application/json"  # what may be asked for; how its Content-Type begins
_ELSEWHERE = {301, 302, 303, 307, 308}
_SAVE_IT = "save the image beside the issue, and name that file"


@dataclass(frozen=True, slots=True)
class Web:
    """How the web is reached."""

    look_up: Callable[[str], tuple[Address, ...]] = look_up
    is_allowed: Callable[[Address], bool] = is_public
    clock: Callable[[], float] = time.time
    seconds: float = 5.0
    authorities: str | bool = True  # a file of certificates to trust, or those of the certifi package


@dataclass(frozen=True, slots=True)
class Fetched:
    """An image's content, and what its author should know about it."""

    content: bytes
    note: str = ""


class _AwayError(Exception):
    """The server cannot be reached, or cannot answer now."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes = b""


def fetch(url: str, cache: Cache, web: Web, kind: str = IMAGE) -> Fetched:
    """The image, or what a service says of a video, at the address; from the cache if that is fresh.

    Raises IssueError, without a place, whose message goes on after the image's address ("… answers 404").
    """
    key, now = key_of(url), web.clock()
    kept = cache.get("fetched", key)
    if kept and 0 <= now - kept.facts.get("checked", 0) < _FRESH_SECONDS:
        return Fetched(kept.content)
    try:
        answer = _within(web, lambda: _follow(url, kept.facts if kept else {}, web, kind))
    except _AwayError as error:
        if kept:
            day = time.strftime("%Y-%m-%d", time.gmtime(kept.facts.get("checked", 0)))
            return Fetched(kept.content, f"{error}; the copy of {day} is used")
        _refuse(str(error), f"see that this machine is online, and that the address is right; or {_SAVE_IT}")
    facts = {"url": url, "checked": now} | {
        name: answer.headers[name] for name in _VALIDATORS if name in answer.headers
    }
    entry = Entry(facts, answer.content)
    if kept and answer.status == HTTPStatus.NOT_MODIFIED:
        entry = Entry({**kept.facts, **facts}, kept.content)
    cache.put("fetched", key, entry)
    return Fetched(entry.content)


def forget(url: str, cache: Cache) -> None:
    """Let go of an image that turned out to be none, so that the next try asks again."""
    cache.forget("fetched", key_of(url))


def _refuse(message: str, fix: str) -> NoReturn:
    raise IssueError(Problem(message, fix=fix))


def _late(web: Web) -> str:
    return f"did not arrive within {web.seconds:g} seconds"


def _within(web: Web, work: Callable[[], _Answer]) -> _Answer:
    """What the work comes to, if it does within the time.

    In a thread that is left behind if it does not: neither a name server's silence nor a server that sends a byte
    now and then can be cut short in any other way.
    """
    results: list[_Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run, name="fetch an image", daemon=True)
    thread.start()
    thread.join(web.seconds)
    if errors:
        raise errors[0]
    if not results:
        raise _AwayError(_late(web))
    return results[0]


def _follow(url: str, kept: Mapping[str, str], web: Web, kind: str) -> _Answer:
    """The answer to a request, and to the requests that it leads to."""
    until = time.monotonic() + web.seconds
    for _ in range(1 + _REDIRECTS):
        parts = _checked(url)
        answer = _ask(parts, kept, web, until, kind)
        if answer.status not in _ELSEWHERE or "Location" not in answer.headers:
            return _sound(answer, bool(kept), kind)
        url = _joined(url, answer.headers["Location"])
    _refuse(f"leads on more than {_REDIRECTS} times", f"name the address where the image is; or {_SAVE_IT}")


def _joined(base: str, to: str) -> str:
    try:
        return urljoin(base, to)
    except ValueError:  # no address: said when it is looked at
        return to


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ascii_host(parts), parts.port
    except ValueError:
        _refuse(f"is no web address, or leads to none: {url}", "write it in full: https://example.org/photo.jpg")
    if parts.scheme not in ("https", "http"):
        _refuse(f"leads to {parts.scheme}:, and only https: and http: are fetched", _SAVE_IT)
    if parts.username is not None:
        _refuse("holds a user name or password", _SAVE_IT)
    if not parts.hostname:
        _refuse("names no host", "write it in full: https://example.org/photo.jpg")
    return parts


def _ascii_host(parts: SplitResult) -> str:
    """The host as name servers and certificates write it. Raises ValueError for what cannot be one."""
    host = parts.hostname or ""
    return host if ":" in host else host.encode("idna").decode()


def _sound(answer: _Answer, is_kept: bool, wanted: str) -> _Answer:
    """The answer, if it is what was wanted. Raises IssueError for what is not, _AwayError for a bad moment."""
    status = answer.status
    if status == HTTPStatus.NOT_MODIFIED and is_kept:
        return answer
    if status != HTTPStatus.OK:
        name = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        told = f"answers {status} {name}".strip()
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _AwayError(told)
        _refuse(told, f"open the address in a browser to see what is there; or {_SAVE_IT}")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if wanted != IMAGE and not kind.startswith(wanted):
        _refuse(f"is not told of by its service, which answers {kind or 'nothing'}", _SAVE_IT)
    if wanted != IMAGE:
        return answer
    if kind == "text/html":
        _refuse("is a web page, not an image", "name the address of the image itself, which ends in .jpg or .png")
    if not kind.startswith("image/"):
        _refuse(f"is called {kind or 'nothing'} by its server, not an image", _SAVE_IT)
    return answer


def _ask(parts: SplitResult, kept: Mapping[str, str], web: Web, until: float, kind: str) -> _Answer:
    """Ask one address, after judging all that the host has. Raises _AwayError when none of them can be reached."""
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    host = _ascii_host(parts)
    try:
        addresses = web.look_up(host)
    except OSError as error:
        raise _AwayError(f"cannot be fetched: no host of the name {host} is found ({_reason(error)})") from None
    for address in addresses:
        if not web.is_allowed(address):
            _refuse(f"leads to {address}, which is no address of the public Internet", _SAVE_IT)
    why: Exception | None = None
    for address in addresses[:_ADDRESSES]:
        try:
            return _get(parts, address, kept, web, until, kind)
        except (RequestException, HTTPError, OSError) as error:
            why = error
        if time.monotonic() > until:
            raise _AwayError(_late(web))
    raise _AwayError(f"cannot be fetched: {_reason(why)}")


def _get(parts: SplitResult, address: Address, kept: Mapping[str, str], web: Web, until: float, kind: str) -> _Answer:
    """One request to one address, whatever its host's name may mean to others."""
    from requests import Request
    from requests.adapters import HTTPAdapter

    host = _ascii_host(parts)

    class Named(HTTPAdapter):
        """Connects to an address, and holds the certificate against the host's name."""

        def init_poolmanager(self, *arguments: object, **settings: object) -> None:
            super().init_poolmanager(*arguments, server_hostname=host, assert_hostname=host, **settings)  # type: ignore[arg-type]

    place = f"[{address}]" if address.version == 6 else str(address)
    port = f":{parts.port}" if parts.port else ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Host": (f"[{host}]" if ":" in host else host) + port,
        "User-Agent": f"newsletter/{__version__}",
        "Accept": "image/*" if kind == IMAGE else kind,
        "Accept-Encoding": "identity",  # what is counted is what arrives
        "If-None-Match": kept.get("ETag", ""),
        "If-Modified-Since": kept.get("Last-Modified", ""),
    }
    asked = Request(
        "GET", f"{parts.scheme}://{place}{port}{path}", {name: text for name, text in headers.items() if text}
    )
    # The adapter alone, without a session around it: no cookies, no password from .netrc, no proxy that would look the
    # name up again, no thought about redirects.
    adapter = Named()
    try:
        left = max(0.1, until - time.monotonic())
        with adapter.send(asked.prepare(), stream=True, timeout=left, verify=web.authorities) as answer:
            content = _body(answer, until) if answer.status_code == HTTPStatus.OK else b""
            return _Answer(answer.status_code, answer.headers, content)
    finally:
        adapter.close()


def _body(answer: Response, until: float) -> bytes:
    """The body, up to the limits. What its headers promise is not believed, except for the worse."""
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > LARGEST:
        _too_large()
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        _refuse("comes compressed, which was not asked for", _SAVE_IT)
    content = bytearray()
    # read1 returns what has arrived, so that the clock is looked at even when little does.
    while chunk := answer.raw.read1(_AT_ONCE):
        content += chunk
        if len(content) > LARGEST:
            _too_large()
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)


def _too_large() -> NoReturn:
    _refuse(f"is larger than {LARGEST // 1_000_000} MB", f"{_SAVE_IT}, which may be larger and is made smaller here")


def _reason(error: Exception | None) -> str:
    """An error in few words: the innermost that says something."""
    while error is not None:
        inner = error.__cause__ or error.__context__
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
        if not isinstance(inner, Exception):
            break
        error = inner
    return str(error).partition("(Caused by")[0].strip()[:200] or type(error).__name__
