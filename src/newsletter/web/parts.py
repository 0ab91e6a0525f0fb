"""What the handlers of the pages are handed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.actions.confirm import Claim, Deed, Tokens
from newsletter.links import Purpose, Signer, Ticket
from newsletter.store import life
from newsletter.store.keys import load_keys, newest_key
from newsletter.store.mailings import joined_after
from newsletter.store.subscribers import Subscribers
from newsletter.web.counters import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from newsletter.config import Config
    from newsletter.render.theme import Theme
    from newsletter.store.database import Connection, Database
    from newsletter.subscriber import Subscriber
    from newsletter.web.look import Look

    Page = Callable[["Parts", Request], Response]


_COUNT_EVERY = 1.0  # seconds


def _now() -> datetime:
    return datetime.now(UTC)


class Together:
    """Lets threads that want the same thing done have it done once, for all who asked before it began."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._begun = 0
        self._done = 0

    def do(self, work: Callable[[], object]) -> None:
        """Return when it was done from the beginning to the end since now."""
        enough = self._begun + 1  # what is under way may have begun too early for us
        with self._turn:
            if self._done < enough:
                self._begun += 1
                work()
                self._done = self._begun


@dataclass
class Parts:
    """The newsletter behind the pages. One for a server; its handlers share it between threads."""

    config: Config
    database: Database
    keys: Mapping[int, bytes]  # of links, as `store.keys.load_keys` gives them
    theme: Theme
    clock: Callable[[], datetime] = field(default=_now)
    wake: Callable[[], object] = field(default=lambda: None)  # tells whoever sends notices that there are some
    environ: Mapping[str, str] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    # One writer at a time: SQLite's own way of waiting is to sleep, which a visitor would notice.
    writing: Lock = field(default_factory=Lock)
    settling: Together = field(default_factory=Together)
    _count_again: float = 0.0

    def __post_init__(self) -> None:
        """Make what reads tokens."""
        self.signer = Signer(self.keys)
        self.tokens = {deed: Tokens(self.keys, self.clock, deed) for deed in Deed}

    def ticket(self, token: str, purpose: Purpose) -> Ticket | None:
        """What a token in an address says; None when it is not ours, or made for something else."""
        ticket = self.signer.read(token, purpose)
        if ticket is None and self._has_new_keys():
            ticket = self.signer.read(token, purpose)
        return None if ticket and joined_after(self.database, ticket.subscriber, ticket.mailing) else ticket

    def claim(self, token: str, deed: Deed) -> Claim | None:
        """What a token says that was mailed for this deed; None when it is not ours, or too old."""
        claim = self.tokens[deed].read(token)
        return self.tokens[deed].read(token) if claim is None and self._has_new_keys() else claim

    def person(self, number: int) -> Subscriber | None:
        """The person with a number; None when there is none, or not any more."""
        return Subscribers(self.database).by_id(number)

    def _has_new_keys(self) -> bool:
        """Whether keys were added since the server began; if so, they are read."""
        if newest_key(self.database) in self.keys:
            return False
        self.keys = load_keys(self.database)
        self.__post_init__()
        return True

    @cached_property
    def look(self) -> Look:
        """The templates, in the theme's colours."""
        from newsletter.web.look import Look

        return Look(self.config, self.theme)

    @cached_property
    def prefix(self) -> str:
        """The path of base_url: what stands before every path when the pages live below a larger site."""
        return urlsplit(self.config.base_url).path.rstrip("/")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; one at a time."""
        with self.writing, self.database.transaction() as connection:
            yield connection

    def settle(self) -> None:
        """Return when what was committed survives a power cut: before a page says that somebody is off the list.

        A disk takes milliseconds for it, and no longer for all who wait than for one. That an old copy can be known by
        it is seen to once a second: a copy is seldom made between two who leave in the same one.
        """
        if not self.database.dialect.on_a_server:  # which has done so at each commit
            self.settling.do(self._settle)

    def _settle(self) -> None:
        if monotonic() < self._count_again:
            self.database.write_through()
            return
        life.settle(self.database)
        self._count_again = monotonic() + _COUNT_EVERY

    @property
    def now(self) -> int:
        """UTC seconds since 1970."""
        return int(self.clock().timestamp())


def route(parts: Parts, path: str, page: Page, *methods: str, name: str = "") -> Route:
    """A path, and the function that answers there. GET brings HEAD along; without methods it is GET."""
    from starlette.routing import Route

    handler: Any = partial(page, parts)
    return Route(path, handler, methods=list(methods) or ["GET"], name=name or page.__name__)
