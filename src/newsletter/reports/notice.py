"""Notices in prose: bounces without a delivery-status part, as qmail and Exim write them, and automatic answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.event import EventKind
from newsletter.reports.status import REPLY_CODE, Verdict, reply_in

if TYPE_CHECKING:
    from newsletter.reports.mime import Fields

_DAEMON = re.compile(
    r"mailer-daemon|mail delivery (?:sub)?system|postmaster@|mail administrator|mdaemon|bounce-notification",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|problem)|failure (?:notice|delivery)|"
    r"mail delivery failed|returned (?:mail|to sender)|could not be delivered|not delivered|non remis|"
    r"n.a pas pu .tre (?:remis|distribu|livr)|.chec de (?:la )?(?:remise|distribution)|unzustellbar",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"delay|no action is|do not need to|will (?:continue|keep|be retried)|still (?:being )?tr(?:y|ied)|"
    r"retard|ne la renvoyez pas|warning: could not send",
    re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:\[?auto(?:matic|matique)?[ -]?(?:reply|response|r.ponse)|r.ponse automatique|out of (?:the )?office|"
    r"absen(?:t|ce)|vacation|abwesenheit|en vacances|cong.s)",
    re.IGNORECASE,
)
# Where the notice ends and the message that came back begins: qmail, Exim, sendmail, Exchange, Gmail.
_COPY = re.compile(
    r"\n-{2,} ?(?:below this line|this is a copy|the body of the message|original message|message header|"
    r"returned message|forwarded message|unsent message|message original)|\n(?:return-path|received|dkim-signature): ",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>;,:\"'()\[\]]{1,320}@[^\s<>;,:\"'()\[\]]{1,255}")
_NOTICE = 4000  # characters


def is_bounce(fields: Fields) -> bool:
    """Whether a message is a mail server's word about another message."""
    if fields.get("x-failed-recipients"):
        return True
    from_server = _DAEMON.search(fields.get("from")) or fields.get("return-path").strip() == "<>"
    return bool(from_server and _FAILURE.search(fields.subject))


def is_automatic(fields: Fields) -> bool:
    """Whether nobody wrote it by hand (RFC 3834 section 5, and older customs)."""
    submitted = fields.get("auto-submitted").split(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or fields.get("precedence").strip().lower() in ("auto_reply", "auto-reply")
        or any(fields.get(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation"))
        or _AUTOMATIC_SUBJECT.match(fields.subject) is not None
    )


def verdict(fields: Fields, words: str) -> Verdict:
    """What a notice says of its recipient."""
    prose = _COPY.split(f"\n{words}", maxsplit=1)[0][:_NOTICE]
    address = address_in(fields.get("x-failed-recipients")) or address_in(prose)
    # What the server said stands behind the address; before it are greetings and excuses.
    said = (prose.partition(address)[2] if address and address in prose else prose).strip(" >:\n")
    # It ends with its paragraph, and may have no number.
    numbered = REPLY_CODE.search(said)
    said = said[numbered.start() if numbered else 0 :].split("\n\n", 1)[0]
    is_delay = _DELAY.search(fields.subject) or (_DELAY.search(prose) and not _FAILURE.search(prose))
    kind = EventKind.DEFERRED if is_delay else EventKind.BOUNCED
    return Verdict(kind, address, reply_in(said))


def address_in(text: str) -> str:
    """The first address in a text; "" when there is none."""
    found = _ADDRESS.search(text[:_NOTICE])
    return found[0].strip(".") if found else ""
