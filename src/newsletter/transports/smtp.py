"""The SMTP transport: what it can do, and on which terms (RFC 5321). One delivery of messages is smtp_run.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.transports import PAUSE, Capabilities
from newsletter.transports.smtp_dialogue import PATIENCE
from newsletter.transports.smtp_reach import RECONNECT_AFTER
from newsletter.transports.smtp_run import Run, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.transports import Messages, Offer, Results
    from newsletter.transports.smtp_dialogue import Step
    from newsletter.transports.smtp_session import Server


class SmtpTransport:
    """Delivers to one mail server over up to `connections` connections."""

    def __init__(
        self,
        server: Server,
        connections: int = 10,
        reconnect_after: tuple[float, ...] = RECONNECT_AFTER,
        *,
        max_messages: int | None = None,
        window: int = 1,
        patience: Mapping[Step, float] = PATIENCE,
        pause: float = PAUSE,
    ) -> None:
        """Open nothing yet.

        `reconnect_after` are the seconds between tries to reach a server that has gone away, `patience` those to wait
        for each reply, `pause` those until the next look for a message when none may be sent. After `max_messages` a
        connection is replaced; None for never. `window` messages are on their way over one connection at the same
        time if the server has CHUNKING.
        """
        self.capabilities = Capabilities(in_flight=connections * window, messages_per_second=None)
        self._server = server
        self._terms = Terms(connections, max_messages, window, reconnect_after, patience, pause)

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """See Transport. Ends when `messages` ends and each has its outcome. No message, no connection."""
        run = Run(self._server, self._terms, messages, offer)
        try:
            yield from run.rounds()
        except BaseException:
            run.break_off()
            raise
        run.close()

    def close(self) -> None:
        """Nothing is kept between deliveries."""
