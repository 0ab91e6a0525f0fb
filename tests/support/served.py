"""The pages of a newsletter on a real port, and its list beside them.

with Served(tmp_path) as served:
    answer = served.get("/subscribe")
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import requests

from newsletter.actions.confirm import Claim, Deed, Tokens
from newsletter.actions.subscribe import admit
from newsletter.config import parse_config
from newsletter.inbox import Inbox
from newsletter.links import Links, Signer
from newsletter.providers import CATALOGUE
from newsletter.sources.themes import read_theme
from newsletter.store.database import open_database
from newsletter.store.keys import load_keys
from newsletter.store.notices import Kind, take
from newsletter.store.schema import metadata
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber
from newsletter.web.courier import Courier
from newsletter.web.parts import Parts
from newsletter.web.server import Server
from tests.support.stores import new_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from newsletter.inbox import ReceivedMessage

SETTINGS = """\
[newsletter]
title = "The Letter & Co"
language = "en"
base_url = "https://letter.example.org"
postal_address = "12 Lilac Street, Springfield"

[sender]
name = "Camille"
email = "camille@letter.example.org"

[transports.relay]
kind = "smtp"
host = "127.0.0.1"
port = 2525
security = "none"
"""


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    moment: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **how_long: int) -> None:
        self.moment += timedelta(**how_long)


class Served:
    """A newsletter whose pages are served while the `with` block runs, with a list of the kind that is in use."""

    def __init__(
        self,
        folder: Path,
        web: str = "",
        *,
        theme: str = "letter",
        settings: str = SETTINGS,
        mail: bool = False,
        environ: Mapping[str, str] | None = None,
        beside: Served | None = None,
    ) -> None:
        """With `mail`, a courier brings notices to the mailbox `inbox`; `beside` another one, with the same list."""
        self.clock = Clock()
        self.inbox = Inbox(folder / "inbox", http_port=None)
        self._running = ExitStack()
        if mail:
            self._running.enter_context(self.inbox)
            settings = settings.replace("port = 2525", f"port = {self.inbox.smtp_port}")
        self._mail = mail
        self.config = parse_config(f"{settings}\n[web]\n{web}\n", str(folder / "newsletter.toml"), CATALOGUE)
        url = beside.config.store_url if beside else self._running.enter_context(new_list(folder))
        self.config = replace(self.config, store_url=url)
        self.database = open_database(self.config.store_url, synchronous="OFF")
        self.parts = Parts(
            self.config, self.database, load_keys(self.database), read_theme(theme), clock=self.clock,
            environ={"METRICS": "a-token", **(environ or {})},
        )  # fmt: skip
        self.people = Subscribers(self.database)
        self.courier = Courier(self.parts)
        self.parts.wake = self.courier.wake
        self.server = Server()
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        self._running.callback(self.database.close)
        if self._mail:
            self._running.enter_context(self.courier)
        self.server.start(self.parts)
        self._running.callback(self.server.stop)
        self._running.callback(self.session.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def ask(self, method: str, path: str, **settings: Any) -> requests.Response:
        return self.session.request(method, f"{self.server.url}{path}", allow_redirects=False, timeout=10, **settings)

    def get(self, path: str, **settings: Any) -> requests.Response:
        return self.ask("GET", path, **settings)

    def post(self, path: str, data: Any = None, **settings: Any) -> requests.Response:
        return self.ask("POST", path, data=data, **settings)

    # ── Who is there

    def reader(self, email: str = "zoe@example.org", **known: Any) -> Subscriber:
        return self.people.add(Subscriber(email, **known), self.parts.now)

    def status(self, email: str = "zoe@example.org") -> Status | None:
        person = self.people.get(email)
        return person.status if person else None

    def work_without_sending(self) -> None:
        """Deal with the wishes that wait; the messages that follow from them stay where they are."""
        web = self.config.web
        for notice in take(self.database, 100, self.parts.now):
            if notice.kind is Kind.ASKED:
                with self.parts.write() as connection:
                    admit(connection, notice, confirm=web.confirm, welcome=bool(web.welcome), now=self.parts.now)

    def mailed(self, number: int) -> ReceivedMessage:
        """The latest of so many messages."""
        message = self.inbox.wait(number)[-1]
        assert self.courier.idle.wait(10)
        return message

    def links(self, message: ReceivedMessage) -> list[str]:
        """The paths of the links of ours in a message's text."""
        body = message.parsed.get_body(("plain",))
        assert body is not None
        return re.findall(r"https://letter\.example\.org(/[^\s>]+)", body.get_content())

    def path(self, page: str, person: Subscriber, mailing: int = 0, keys: dict[int, bytes] | None = None) -> str:
        """The path of a link that a message to this person carries."""
        links = Links(Signer(keys or self.parts.keys), "", "2026-11-hello", person.id, mailing)
        return str(getattr(links, page))

    def own_data(self, person: Subscriber, deed: Deed = Deed.OWN_DATA) -> str:
        """The path of the page that a mail to this person leads to, with a token for that deed or another one."""
        return f"/data/{Tokens(self.parts.keys, self.clock, deed).token(Claim(person.id, 1))}"

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with self.database.reading() as connection:
            return connection.execute(f"SELECT * FROM {table}").fetchall()

    def snapshot(self) -> list[str]:
        """All that the database holds, as text: the same before and after means that nothing was changed."""
        with self.database.reading() as connection:
            return [
                f"{table.name} {row}"
                for table in metadata.sorted_tables
                for row in connection.execute(f"SELECT * FROM {table.name} ORDER BY 1, 2")
            ]
