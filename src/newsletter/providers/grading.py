"""What a provider tells of a bounce, weighed against what the server itself said."""

from __future__ import annotations

import re

from newsletter.bounce import BounceClass, classify, rule_for
from newsletter.outcome import parse_reply

# "550 5.1.1 …", "550-5.1.1 …", "smtp; 550 …", "sent (250 2.0.0 OK …)"
_SPOKEN = re.compile(r"\s*(?:smtp;\s*|[a-z ]{1,20}\()?([245]\d\d)[ -]+(.*)", re.DOTALL)
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


def judge(code: int, text: str, *, hard: bool) -> BounceClass:
    """The class of a bounce that the provider calls hard or soft.

    What the server said counts more, where it says anything; and what the provider calls soft is never hard.
    """
    reply = parse_reply(code, [text[:1000]])
    if rule_for(reply) is None:
        return BounceClass.HARD if hard else BounceClass.SOFT
    found = classify(reply)
    return BounceClass.SOFT if found is BounceClass.HARD and not hard else found
