"""What the next hop answered for one recipient: a value with four cases (RFC 5321 section 4.2, RFC 3463).

Accepted    it has taken responsibility for the message
Deferred    not now: try again later (4xx)
Rejected    not ever, as it stands (5xx)
Uncertain   the content was sent and no answer came (RFC 1047): it may have been delivered; never retried by itself
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Reply(NamedTuple):
    """A server's reply: the three-digit code (0 when there was none), the enhanced status code, the text."""

    code: int
    enhanced: str = ""  # "5.1.1", or "" when the server gave none
    text: str = ""  # printable ASCII, at most 500 characters

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.code or "", self.enhanced, self.text) if part)


_TAKEN = Reply(250)


@dataclass(frozen=True, slots=True)
class Accepted:
    reply: Reply = _TAKEN


@dataclass(frozen=True, slots=True)
class Deferred:
    reply: Reply


@dataclass(frozen=True, slots=True)
class Rejected:
    reply: Reply


@dataclass(frozen=True, slots=True)
class Uncertain:
    reply: Reply


Outcome = Accepted | Deferred | Rejected | Uncertain

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")  # RFC 3463 section 2
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def parse_reply(code: int, lines: list[str]) -> Reply:
    """The reply that a server gave in one or more lines of text, made safe to store and to print.

    The text is hostile: it is cut to 500 characters, and what is not printable ASCII becomes `?`.
    """
    enhanced = ""
    texts = []
    for line in lines:
        if not (line.isascii() and line.isprintable()):
            line = _UNPRINTABLE.sub("?", line)
        line = line.strip()
        if match := _ENHANCED.match(line):
            enhanced = enhanced or match[1]
            line = line[match.end() :]
        if line:
            texts.append(line)
    return Reply(code, enhanced, " ".join(texts)[:500])


def outcome_of(reply: Reply) -> Outcome:
    """What a reply to RCPT, to DATA or to the final dot means for the recipient (RFC 5321 section 4.2.1)."""
    match reply.code // 100:
        case 2:
            return Accepted(reply)
        case 5:
            return Rejected(reply)
        case _:
            return Deferred(reply)
