"""How a run comes by its connections: the first one, more, fewer, and back to a server that has gone away."""

from __future__ import annotations

import re
from time import sleep
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Reply
from newsletter.transports.smtp_opener import Opener
from newsletter.transports.smtp_session import open_session

if TYPE_CHECKING:
    import selectors
    import socket
    from collections.abc import Iterator

    from newsletter.transports.smtp_envelope import Features
    from newsletter.transports.smtp_session import Server

# Seconds to wait before each new try to reach a server that has gone away. Its restart takes seconds, not minutes.
RECONNECT_AFTER = (0.0, 0.2, 1.0, 3.0, 10.0)
# A server that says so is right: from here on there is one connection fewer. OFR_104 is how Orange says it.
_TOO_MANY = re.compile(
    r"too many (?:\S+ ){0,2}(?:connect|session)|(?:connect|session)\S* (?:\S+ ){0,3}(?:limit|exceed)"
    r"|concurren|simultan|_104\b",
    re.IGNORECASE,
)


class Reach:
    """The server, and how many connections it grants."""

    def __init__(
        self, server: Server, selector: selectors.BaseSelector, most: int, reconnect_after: tuple[float, ...]
    ) -> None:
        """Have at most `most` connections; the selector reports `opener` when `arrived` should be asked."""
        self.opener = Opener(server, selector)
        self._server = server
        self._most = most
        self._reconnect_after = reconnect_after
        self._greeted = False
        self._failures = 0  # to come back after all connections were lost, since something got done
        self._trouble = False  # a connection was lost since something got done
        self._last_words = Reply(0)

    def something_got_done(self) -> None:
        """The server has dealt with a message: what was broken is whole again."""
        self._failures, self._trouble = 0, False

    def lost_one(self, reason: Reply) -> None:
        """A connection broke."""
        self._trouble, self._last_words = True, reason

    def heed(self, reply: Reply, connections: int) -> None:
        """One connection fewer, if that is what the server asks for in closing one of so many."""
        if _TOO_MANY.search(reply.text):
            self._most = max(1, min(self._most, connections) - 1)

    def has_room(self, live: int, leaving: int) -> bool:
        """Whether to open another connection beside the `live` ones and those that are `leaving`.

        Not while connections break: then one at a time, with patience, until something gets done.
        As many at a time as there are already: mail for two readers is sent before ten connections are open.
        """
        return len(self.opener) < live and not self._trouble and live + leaving + len(self.opener) < self._most

    def arrived(self, live: int) -> Iterator[tuple[socket.socket, Features]]:
        """The connections that were opened meanwhile."""
        for session in self.opener.arrived():
            if session:
                self._greeted = True
                yield session
            elif live:
                # The server takes no more connections than it has given us: do with those.
                self._most = live

    def open(self) -> tuple[socket.socket, Features] | None:
        """The first connection, or the first after all were lost, with patience; None: ask again.

        Raises TransportError when the server cannot be reached, or not any more.
        """
        if self._greeted:
            if self._failures >= len(self._reconnect_after):
                problem = Problem(
                    f"every connection to the mail server {self._server.address} breaks off, the last one with: "
                    f"{self._last_words}",
                    fix="look at its log; `newsletter resume` goes on with those who did not get it",
                )
                raise TransportError(problem)
            sleep(self._reconnect_after[self._failures])
            self._failures += 1
        try:
            session = open_session(self._server)
        except TransportError:
            if not self._greeted or self._failures >= len(self._reconnect_after):
                raise
            return None
        self._greeted = True
        return session
