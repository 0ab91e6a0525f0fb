"""Link answers: what servers say to the links of an issue. A few at a time, each at most once a day.

HEAD first, as it costs a server least; GET where that is not understood. Redirections are followed one by one, and no
step leads to an address that only this machine or its network can reach: an issue may be a guest's.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from newsletter import __version__
from newsletter.manuscript import Answer
from newsletter.sources.images.cache import Entry, key_of
from newsletter.sources.images.guard import is_public, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from requests import Response, Session

    from newsletter.sources.images.cache import Cache
    from newsletter.sources.images.guard import Address

_AT_ONCE = 12
_STEPS = 8  # redirections
_FRESH = 24 * 3600  # seconds; of a link that was dead, a tenth of it
_NO_HEAD = frozenset({400, 403, 404, 405, 406, 429, 500, 501, 503})  # said to HEAD by servers that answer GET well
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Asking:
    """How servers are asked."""

    seconds: float = 10.0  # for one answer
    look_up: Callable[[str], tuple[Address, ...]] = look_up
    is_allowed: Callable[[Address], bool] = is_public
    clock: Callable[[], float] = time.time


def link_answers(hrefs: Iterable[str], cache: Cache, asking: Asking | None = None) -> dict[str, Answer]:
    """What became of each link of the web; others, and those that hold a slot, are not among the keys."""
    asking = asking or Asking()
    wanted = [
        href for href in dict.fromkeys(hrefs) if href.lower().startswith(("http://", "https://")) and "{{" not in href
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(lambda href: _kept(href, cache, asking), wanted), strict=True))


def _kept(href: str, cache: Cache, asking: Asking) -> Answer:
    """The answer of the last day, or a new one."""
    address = href.partition("#")[0]
    key, now = key_of(address), asking.clock()
    kept = cache.get("answers", key)
    if kept:
        facts = kept.facts
        fresh = _FRESH if 200 <= facts.get("status", 0) < 400 else _FRESH / 10
        if 0 <= now - facts.get("asked", 0) < fresh:
            return Answer(facts["status"], facts["moved_to"], facts["error"])
    answer = _ask(address, asking)
    if answer.status:  # a network that is away says nothing about the page
        facts = {"status": answer.status, "moved_to": answer.moved_to, "error": answer.error, "asked": now}
        cache.put("answers", key, Entry(facts, b""))
    return answer


def _ask(url: str, asking: Asking) -> Answer:
    from requests import RequestException, Session

    with Session() as session:
        session.trust_env = False  # no password from .netrc
        session.headers["User-Agent"] = f"Mozilla/5.0 (compatible; newsletter/{__version__}; link check)"
        here = url
        try:
            for _ in range(_STEPS):
                if refusal := _refusal(here, asking):
                    return Answer(0, error=refusal)
                answer = _one(session, here, asking)
                if answer.status_code not in _ELSEWHERE or "Location" not in answer.headers:
                    return Answer(answer.status_code, here if here != url else "")
                here = urljoin(here, answer.headers["Location"])
        except (RequestException, OSError, ValueError) as error:
            return Answer(0, error=_reason(error, asking))
    return Answer(0, error=f"it leads on more than {_STEPS} times")


def _one(session: Session, url: str, asking: Asking) -> Response:
    """A server's word on an address, without the page."""
    answer = session.head(url, timeout=asking.seconds, allow_redirects=False)
    if answer.status_code in _NO_HEAD:
        with session.get(url, timeout=asking.seconds, allow_redirects=False, stream=True) as answer:
            return answer
    return answer


def _refusal(url: str, asking: Asking) -> str:
    """Why an address is not asked; "" when it is."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"it leads to {url}"
    try:
        addresses = asking.look_up(parts.hostname)
    except OSError:
        return f"no host of the name {parts.hostname} is found"
    private = next((each for each in addresses if not asking.is_allowed(each)), None)
    return f"it leads to {private}, which is no address of the public Internet" if private else ""


def _reason(error: Exception, asking: Asking) -> str:
    from requests import Timeout
    from requests.exceptions import SSLError

    if isinstance(error, Timeout):
        return f"no answer within {asking.seconds:g} s"
    if isinstance(error, SSLError):
        return "its certificate is not valid"
    return "no connection"
