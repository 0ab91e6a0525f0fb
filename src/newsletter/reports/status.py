"""Delivery status notifications (RFC 3464; RFC 6533 for addresses outside ASCII): who, what became of it, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

from newsletter.bounce import classify
from newsletter.event import EventKind
from newsletter.outcome import Reply
from newsletter.reports.mime import Fields, fields_in

if TYPE_CHECKING:
    from newsletter.bounce import BounceClass

# What an Action means (section 2.3.3). `relayed` and `expanded` are the last words of servers that say no more.
ACTIONS = {
    "failed": EventKind.BOUNCED,
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.DELIVERED,
    "expanded": EventKind.DELIVERED,
}
_MOST_RECIPIENTS = 50
_LONGEST_REPLY = 500  # characters

REPLY_CODE = re.compile(r"(?<![\d.-])([245][0-5]\d)(?=[ :-]|$)")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]\d)")
_VAGUE = re.compile(r"[245]\.(?:0\.0|\d\.0)")
_ADDRESS = re.compile(r"[^\s<>;,\"()\[\]]{1,320}@[^\s<>;,\"()\[\]]{1,255}")
_TYPED = re.compile(r"\s*[\w.-]+\s*;")
_MARKS = re.compile("[\u0300-\u036f]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a report says of one recipient."""

    kind: EventKind
    address: str  # as the report names it; "" when it does not
    reply: Reply

    @property
    def bounce(self) -> BounceClass | None:
        """The class of a bounce; None for what is none."""
        return classify(self.reply) if self.kind is EventKind.BOUNCED else None


def verdicts(text: str) -> tuple[Fields, list[Verdict]]:
    """The fields about the whole message, and what is said of each recipient, in a delivery-status part."""
    about: list[tuple[str, str]] = []
    found: list[Verdict] = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n"))[: _MOST_RECIPIENTS + 1]:
        fields = fields_in(block.encode("utf-8", "replace"))
        # Some servers leave out the empty line between the two kinds of groups.
        about += fields.pairs
        kind = ACTIONS.get(fields.get("action").split(" ")[0].strip().lower())
        if kind is not None:
            found.append(Verdict(kind, _recipient(fields), reply_of(fields)))
    return Fields(tuple(about)), found


def _recipient(fields: Fields) -> str:
    """Who it was in the end, which may be where the address that we wrote to forwards; else whom we wrote to."""
    for value in (fields.get("final-recipient"), fields.get("original-recipient")):
        if found := _ADDRESS.search(value[:1000]):
            return found[0]
    return ""


def reply_of(fields: Fields) -> Reply:
    """The refusal that a group of fields tells, as far as possible in the words of the server that refused."""
    said = reply_in(_TYPED.sub("", fields.get("diagnostic-code"), count=1))
    status = _ENHANCED.search(fields.get("status"))
    if status and (not said.enhanced or (_VAGUE.fullmatch(said.enhanced) and not _VAGUE.fullmatch(status[1]))):
        return Reply(said.code, status[1], said.text)
    return said


def reply_in(text: str) -> Reply:
    """The reply that a text repeats, such as `host mx.example.org said: 550 5.1.1 No such user (in reply to RCPT)`."""
    plain = _MARKS.sub("", normalize("NFKD", text[: 8 * _LONGEST_REPLY]))
    plain = " ".join(_UNPRINTABLE.sub(lambda found: " " if found[0].isspace() else "?", plain).split())
    code = REPLY_CODE.search(plain)
    rest = plain[code.end() :] if code else plain
    enhanced = _ENHANCED.search(rest[:80]) or _ENHANCED.search(plain)
    number, status = (int(code[1]) if code else 0), (enhanced[1] if enhanced else "")
    for mark in (f"{number}-{status}", f"{number} {status}", status):
        rest = rest.replace(mark, "") if mark.strip("0 -") else rest
    return Reply(number, status, " ".join(rest.strip(" -#()").split())[:_LONGEST_REPLY])
