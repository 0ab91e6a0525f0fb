"""Transports: the ways out. Each has one method, and its capabilities as data.

smtp    a mail server (also LMTP)          smtp.py ── smtp_run.py         one delivery over many connections
                                             ├── smtp_supply.py     what is on none of them
                                             ├── smtp_reach.py      how it comes by them ── smtp_opener.py
                                             │                      └── smtp_session.py   greeting, TLS, login
                                             └── smtp_connection.py ── smtp_dialogue.py   MAIL, RCPT, DATA, no I/O
                                                                       smtp_chunking.py   the same with BDAT
folder  .eml files                         folder.py
http    providers' APIs                    http.py ── newsletter.providers
                                             ├── http_batches.py    what goes into one request
                                             └── http_asking.py     the request, and its answer
memory  a list, for tests and measurements memory.py

offering.py     who is offered, while the ledger takes its moment
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.message import Message
    from newsletter.outcome import Outcome

    Messages = Iterator[Message | None]
    Offer = Callable[[Sequence[Message]], None]
    Results = list[tuple[Message, Outcome | None]]

# Seconds after which a transport asks again for a message, when it was told that none may be sent now.
PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a transport can do, for the plan to show and the sender to heed."""

    in_flight: int = 1  # deliveries that may be offered and unanswered at the same moment
    messages_per_second: float | None = None  # what to expect, for the plan's estimate; None: not known
    knows_repeats: int = 0  # seconds for which a batch may be offered again and is delivered once; 0: never
    provider: str = ""  # who knows them


class Paced(Iterator["Message | None"]):
    """Messages that come as fast as a limit allows.

    A transport that begins one anew, since a connection broke, asks with `pays_again` and the recipient's address
    whether it may go now; if not, it asks again after PAUSE at the latest.
    """

    def __init__(self, messages: Messages, pays_again: Callable[[str], bool]) -> None:
        self.pays_again = pays_again
        self._messages = messages

    def __next__(self) -> Message | None:
        return next(self._messages)


class Transport(Protocol):
    """A way out."""

    capabilities: Capabilities

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """Deliver messages, pulled one by one as there is room, and yield what became of them, in any order.

        None instead of a message says that none may be sent now: the transport goes on with what is under way, yields
        what became of it, and asks again after PAUSE at the latest.

        `offer` is called with each message once its content is about to be committed, and returns when that is on
        record; the outcomes yielded before the call may be put on record with it. A message that was pulled and for
        which no outcome was yielded was not delivered, unless it had been offered; None as its outcome says that it
        was certainly not taken after all. Raises TransportError when no delivery can go on, once what was under way
        has come to its end.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
