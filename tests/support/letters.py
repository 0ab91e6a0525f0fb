"""Plain messages for tests of transports, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.message import Envelope, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.outcome import Outcome
    from newsletter.transports import Results


def recipient(number: int) -> str:
    return f"reader{number}@example.org"


def letter(
    number: int, body: bytes = b"Good day.\r\n", to: str | None = None, sender: str = "letter@example.org"
) -> Message:
    """A message whose key is the number; a recipient outside ASCII stands in its To as well."""
    to = to or recipient(number)
    head = (
        f"From: The letter <letter@example.org>\r\nTo: {to}\r\nSubject: Hello {number}\r\n"
        f"Message-ID: <{number}.x@example.org>\r\n\r\n"
    )
    return Message(number, Envelope(sender, to), f"<{number}.x@example.org>", (head.encode(), body))


def letters(number: int) -> list[Message]:
    return [letter(each) for each in range(number)]


def no_offer(_messages: Sequence[Message]) -> None:
    """An offer that is always on record."""


def outcomes(results: Iterator[Results]) -> dict[int, Outcome | None]:
    """What became of each message; none may be told of twice."""
    told: dict[int, Outcome | None] = {}
    for batch in results:
        for each, outcome in batch:
            assert each.key not in told
            told[each.key] = outcome
    return told
