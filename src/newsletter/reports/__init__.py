"""Reports: what is heard of a delivery by mail, read from bytes that anybody may have sent.

    mime.py     header fields, parts, text
    status.py   a delivery status notification: RFC 3464
    notice.py   a bounce without one: qmail, Exim, and who writes prose
    who.py      whom it is about: our signed ids first

                                              ┌ multipart/report, delivery-status ──▶ bounced, deferred, delivered
    raw ─▶ read_message ─▶ the first that fits┤ multipart/report, feedback-report ──▶ complained     (RFC 5965)
                                              ├ subject "unsubscribe <token>" ──────▶ unsubscribed   (RFC 2369)
                                              ├ a notice of a mailer daemon ────────▶ bounced, deferred
                                              └ an automatic answer (RFC 3834) ─────▶ bounced, class auto

Nothing is ever answered. Nothing raises: what cannot be read is no report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.links import Purpose
from newsletter.reports import notice, status
from newsletter.reports.mime import Fields, Part, read_message
from newsletter.reports.status import Verdict
from newsletter.reports.who import Evidence, find

if TYPE_CHECKING:
    from newsletter.links import Signer

_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_UNSUBSCRIBE = re.compile(r"\s*unsubscribe\s+([A-Za-z0-9_-]{36})\s*", re.IGNORECASE)
# What a feedback report calls itself (RFC 5965 section 7.3) that is a reader's complaint; not-spam is the opposite,
# and the others do not come from readers.
_COMPLAINTS = frozenset({"abuse", "fraud", "miscategorized"})


class ReportKind(Enum):
    """What a message turned out to be."""

    BOUNCE = "bounce"  # a report on deliveries, good or bad
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO = "auto"  # an automatic answer
    OTHER = "other"  # a person's mail, or nothing that is known here


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one message."""

    kind: ReportKind
    events: tuple[Event, ...] = ()
    forged: bool = False  # an id in it looks like ours and is not: another newsletter's, or an attempt


def events_in(raw: bytes, signer: Signer) -> list[Event]:
    """The events that a message tells of; none when it is no report, or speaks of nobody."""
    return list(read_report(raw, signer).events)


def read_report(raw: bytes, signer: Signer) -> Reading:
    """What a message is, and the events that it tells of. Any bytes may be handed in."""
    message = read_message(raw)
    leaves = list(message.leaves())
    returned = [_header_of(part) for part in leaves if part.fields.type in _RETURNED]
    for part in leaves:
        if part.fields.type in _STATUS:
            about, verdicts = status.verdicts(part.text)
            if verdicts:
                who = find(signer, message.fields, returned, about)
                return _bounce(message, who, verdicts)
        if part.fields.type == "message/feedback-report":
            about, _ = status.verdicts(part.text)
            who = find(signer, message.fields, returned, about)
            return _feedback(message, who, about)
    if any(fields.get("x-hmxmroriginalrecipient") for fields in returned):
        # Outlook.com's complaints of before it wrote feedback reports, which still come.
        return _complaint(message, find(signer, message.fields, returned, Fields()), returned[0])
    if reading := _unsubscribe(message, signer):
        return reading
    if notice.is_bounce(message.fields):
        words = "\n".join(part.text for part in leaves[:4])
        who = find(signer, message.fields, returned, Fields(), words)
        return _bounce(message, who, [notice.verdict(message.fields, words)])
    if notice.is_automatic(message.fields):
        who = find(signer, message.fields, returned, Fields())
        event = _event(message, who, Verdict(EventKind.BOUNCED, "", status.reply_in("")), "mail", BounceClass.AUTO)
        return Reading(ReportKind.AUTO, (event,) if event.is_proved else (), who.forged)
    return Reading(ReportKind.OTHER)


def _header_of(part: Part) -> Fields:
    """The header of the message that a part holds."""
    return read_message(part.text.lstrip("\n").encode("utf-8", "replace")).fields


def _bounce(message: Part, who: Evidence, verdicts: list[Verdict]) -> Reading:
    if who.forged:
        return Reading(ReportKind.BOUNCE, forged=True)
    events = [_event(message, who, verdict, "dsn", verdict.bounce, number) for number, verdict in enumerate(verdicts)]
    return Reading(ReportKind.BOUNCE, tuple(event for event in events if event.is_proved or event.address))


def _feedback(message: Part, who: Evidence, about: Fields) -> Reading:
    kind = about.get("feedback-type").strip().lower()
    if kind in _COMPLAINTS:
        return _complaint(message, who, about)
    if kind == "opt-out" and who.subscriber:
        verdict = Verdict(EventKind.UNSUBSCRIBED, "", status.reply_in(""))
        return Reading(ReportKind.UNSUBSCRIBE, (_event(message, who, verdict, "arf", None),))
    return Reading(ReportKind.OTHER, forged=who.forged)


def _complaint(message: Part, who: Evidence, about: Fields) -> Reading:
    if who.forged:
        return Reading(ReportKind.COMPLAINT, forged=True)
    address = notice.address_in(about.get("original-rcpt-to") or about.get("x-hmxmroriginalrecipient"))
    verdict = Verdict(EventKind.COMPLAINED, address, status.reply_in(""))
    event = _event(message, who, verdict, "arf", None)
    return Reading(ReportKind.COMPLAINT, (event,) if event.is_proved or event.address else ())


def _unsubscribe(message: Part, signer: Signer) -> Reading | None:
    """What List-Unsubscribe offers to mail programs: a message whose subject carries the token."""
    found = _UNSUBSCRIBE.fullmatch(message.fields.subject)
    if found is None:
        return None
    ticket = signer.read(found[1], Purpose.UNSUBSCRIBE)
    if ticket is None:
        return Reading(ReportKind.UNSUBSCRIBE, forged=True)
    verdict = Verdict(EventKind.UNSUBSCRIBED, "", status.reply_in(""))
    event = _event(message, Evidence(ticket.mailing, ticket.subscriber), verdict, "mail", None)
    return Reading(ReportKind.UNSUBSCRIBE, (event,) if event.is_proved else ())


def _event(
    message: Part, who: Evidence, verdict: Verdict, source: str, bounce: BounceClass | None, number: int = 0
) -> Event:
    said = message.fields.get("message-id") or sha256(message.body).hexdigest()
    name = f"{said} {verdict.kind.value} {who.mailing}.{who.subscriber} {verdict.address.lower()} {number}"
    return Event(
        kind=verdict.kind,
        id=f"{source}:{sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}",
        source=source,
        bounce=bounce,
        mailing=who.mailing,
        subscriber=who.subscriber,
        address=verdict.address,
        at=message.fields.date,
        reply=verdict.reply,
    )
