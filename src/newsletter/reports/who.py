"""Whom a report is about: by an id that we signed, and failing that by the address that it names.

    1  Original-Envelope-Id     what we said in MAIL FROM … ENVID= (RFC 3461 section 4.4)
    2  Message-ID               of the message that came back, or in In-Reply-To of an answer to it
    3  List-Unsubscribe         of the message that came back: some providers put their own Message-ID
    4  the return path          where the report was sent to (VERP)

An id that looks like ours and has another signature is forged, or another newsletter's: nothing is believed then, not
even the address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.links import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from newsletter.links import Signer
    from newsletter.reports.mime import Fields

# Where servers write to whom they delivered: Postfix, Exim, qmail, Dovecot, Fastmail; Received says "for <…>".
_DELIVERED_TO = (
    "to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to",
    "received", "original-mail-from", "return-path",
)  # fmt: skip
_ENVELOPE_ID = re.compile(r"[0-9]{1,10}\.[0-9]{1,13}\.[0-9a-f]{16}", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[0-9]{1,10}\.[0-9]{1,13}\.[0-9a-f]{16}@[^<>\s]{1,255}>", re.IGNORECASE)
_RETURN_PATH = re.compile(r"[^\s<>@,;:\"()]{1,64}\+[0-9a-f]{40}@[^\s<>@,;:\"()]{1,255}", re.IGNORECASE)
_UNSUBSCRIBE = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{36})>")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a report shows of us: the delivery that a good id names, or that an id was not good."""

    mailing: int = 0
    subscriber: int = 0
    forged: bool = False


def find(signer: Signer, report: Fields, returned: Iterable[Fields], group: Fields, words: str = "") -> Evidence:
    """Whom it is about.

    `report` is its own header, `returned` the headers of what came back, `group` the report's fields about the whole
    message, `words` a text in which the message may stand as it was. Numbers are 0 when nothing of ours is in it.
    """
    forged = False
    for known in _ids(signer, report, list(returned), group, words):
        if known is not None:
            return Evidence(*known)
        forged = True
    return Evidence(forged=forged)


def _ids(
    signer: Signer, report: Fields, returned: list[Fields], group: Fields, words: str
) -> Iterator[tuple[int, int] | None]:
    """Each id that looks like ours, read: None for one whose signature is not."""
    for text in _ENVELOPE_ID.findall(group.get("original-envelope-id")):
        yield signer.read_message_id(text)
    answered = (value for fields in returned for value in fields.all("message-id", "x-original-message-id"))
    for value in (*answered, *report.all("in-reply-to", "references"), words):
        for text in _MESSAGE_ID.findall(value):
            yield signer.read_message_id(text)
    for fields in returned:
        for token in _UNSUBSCRIBE.findall(fields.get("list-unsubscribe")):
            ticket = signer.read(token, Purpose.UNSUBSCRIBE)
            yield (ticket.mailing, ticket.subscriber) if ticket else None
    for fields in (report, group, *returned):
        for value in fields.all(*_DELIVERED_TO):
            for text in _RETURN_PATH.findall(value):
                yield signer.read_return_path(text)
