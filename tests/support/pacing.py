"""Sending under limits, in tests: a list of so many people, and a sender for whom time passes as soon as it waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.actions.send import send
from newsletter.outcome import Accepted
from newsletter.transports.memory import MemoryTransport
from tests.support.clocks import Clock
from tests.support.sending import post_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.limits import Limits
    from newsletter.links import Links
    from newsletter.mailing import Mailing
    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.report import Tally
    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber


def put(database: Database, *addresses: str, joined: int = 0) -> None:
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO subscribers (email, canonical, joined) VALUES (?, ?, ?)",
            [(address, address, joined + number) for number, address in enumerate(addresses)],
        )


def people(number: int, domain: str = "example.org", name: str = "reader") -> list[str]:
    return [f"{name}{n}@{domain}" for n in range(number)]


class Round:
    """Sends through memory under a clock that nobody needs to wait for, and notes who was let go when."""

    def __init__(self, database: Database, answer: Callable[[str], Outcome] = lambda _: Accepted()) -> None:
        self.database = database
        self.clock = Clock()
        self.let_go: list[tuple[float, str]] = []
        self.sent: list[str] = []
        self._answer = answer

    def send(self, mailing: Mailing, limits: Limits | None, stop: Callable[[], bool] = lambda: False) -> Tally:
        post = post_for(self.database, mailing)

        def evaluate(recipient: Subscriber, links: Links) -> Sequence[str]:
            self.let_go.append((self.clock.seconds, recipient.email))
            return post.evaluate(recipient, links)

        def answer(message: Message) -> Outcome:
            self.sent.append(message.envelope.recipient)
            return self._answer(message.envelope.recipient)

        transport = MemoryTransport(keep=0, answer=answer, wait=self.clock.wait)
        noting = replace(post, evaluate=evaluate)
        return send(self.database, mailing, noting, transport, self.clock, limits=limits, stop=stop)

    def moments(self, domain: str = "") -> list[float]:
        return [at for at, who in self.let_go if who.endswith(domain)]
