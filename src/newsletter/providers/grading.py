"""What a provider tells of a bounce, weighed against what the server itself said."""

from __future__ import annotations

import re

from newsletter.bounce import BounceClass, classify, rule_for
from newsletter.event import EventKind
from newsletter.outcome import parse_reply

# "550 5.1.1 …", "550-5.1.1 …", "smtp; 550 …", "x-unix; 550 …", "sent (250 2.0.0 OK …)"
_SPOKEN = re.compile(r"\s*(?:(?:smtp|x-[\w-]{1,30});\s*|[a-z ]{1,20}\()?([245]\d\d)[ -]+(.*)", re.DOTALL | re.I)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def reply_in(said: str, status: str = "") -> tuple[int, str]:
    """The code and the text of what a server said, as a provider quotes it; 0 where there is no code.

    `status` is the enhanced code, when it is told beside the text.
    """
    found = _SPOKEN.match(said)
    code, text = (int(found[1]), found[2]) if found else (0, said)
    if _ENHANCED.fullmatch(status) and not _ENHANCED.match(text):
        text = f"{status} {text}"
    return code, text


# Why a provider did not even try: the address is on its own list of those it does not write to, by what it says of it.
_KEPT_BACK: tuple[tuple[str, EventKind | BounceClass], ...] = (
    ("complain", EventKind.COMPLAINED),
    ("spam", EventKind.COMPLAINED),
    ("unsub", EventKind.UNSUBSCRIBED),
    ("bounce", BounceClass.HARD),  # it was proved bad there: our own rule would have done the same
)


def kept_back(why: str, unsaid: BounceClass) -> EventKind | BounceClass:
    """What it means that a provider did not try, since the address is on its list; `why` is what it says of that.

    `unsaid` is for what it does not say: HARD where hard bounces and complaints alone bring an address onto the list,
    since by our rules both would have ended it; BLOCK where people put it there by hand as well.
    """
    return next((meaning for word, meaning in _KEPT_BACK if word in why.lower()), unsaid)


def meant(kind: EventKind, found: EventKind | BounceClass) -> tuple[EventKind, BounceClass | None]:
    """An event as a table has it: of another kind than it is called, or of a class."""
    return (found, None) if isinstance(found, EventKind) else (kind, found)


def judge(code: int, text: str, *, hard: bool) -> BounceClass:
    """The class of a bounce that the provider calls hard or soft.

    What the server said counts more, where it says anything; and what the provider calls soft is never hard.
    """
    reply = parse_reply(code, [text[:1000]])
    if rule_for(reply) is None:
        return BounceClass.HARD if hard else BounceClass.SOFT
    found = classify(reply)
    return BounceClass.SOFT if found is BounceClass.HARD and not hard else found
