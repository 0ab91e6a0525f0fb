"""Postmark: batches of 500, an answer for each message in a 200, newsletters through a broadcast stream.

https://postmarkapp.com/developer/api/email-api#send-batch-emails
https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply, parse_reply
from newsletter.providers import Account, Capabilities, Hook, Request, Response, Setting, Trouble, What, usual
from newsletter.providers.asking import content, json_request, mailbox
from newsletter.providers.grading import judge, meant, reply_in
from newsletter.providers.hearing import check_secret, heard, objects_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "Postmark"
CAPABILITIES = Capabilities(
    form="letter",
    batch=500,
    largest=50_000_000,
    signed=False,
    notes=("Postmark takes newsletters only through a message stream of the type Broadcast: stream names it.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"stream": Setting("the message stream, which must be of the type Broadcast", default="broadcast")}
)
KEY_ENV = "POSTMARK_SERVER_TOKEN"

# https://postmarkapp.com/developer/api/overview#error-codes
_BAD_ADDRESS = 300
_LATER = frozenset({100, 429, 501})  # maintenance, rate
_OURS = frozenset({400, 401, 405, 412, 413, 1235})  # sender signature, quota, pending approval, stream


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /email/batch."""
    stream = account.setting("stream") or SETTINGS["stream"].default
    body = [_message(message.letter, stream) for message in batch if message.letter is not None]
    url = f"{account.endpoint or 'https://api.postmarkapp.com'}/email/batch"
    return json_request(url, {"X-Postmark-Server-Token": account.key}, body)


def _message(letter: Letter, stream: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "From": mailbox(letter.sender.name, letter.sender.email),
        "To": mailbox(letter.to.name, letter.to.email),
        "Subject": letter.subject,
        "HtmlBody": letter.html_part,
        "TextBody": letter.text_part,
        "Headers": [{"Name": name, "Value": value} for name, value in letter.headers],
        "Tag": letter.tag,
        "Metadata": {"delivery": letter.reference},
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    if letter.reply_to:
        told["ReplyTo"] = letter.reply_to
    if parts := [*(_part(each, inline=True) for each in letter.pictures), *map(_part, letter.files)]:
        told["Attachments"] = parts
    return told


def _part(each: Enclosed, *, inline: bool = False) -> dict[str, Any]:
    told = {"Name": each.name, "Content": content(each), "ContentType": each.type}
    return {**told, "ContentID": f"cid:{each.content_id}"} if inline else told


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with an object for each message, whose ErrorCode is 0 for the good ones."""
    if trouble := usual(response):
        return trouble
    answers = response.json()
    if response.status != 200 or not isinstance(answers, list) or len(answers) != len(batch):
        said = answers if isinstance(answers, dict) else {}
        reply = parse_reply(response.status, [f"{said.get('ErrorCode', '')} {said.get('Message', '')}".strip()])
        return Trouble(What.SPLIT if 400 <= response.status < 500 else What.UNCLEAR, reply)
    told = [answer if isinstance(answer, dict) else {} for answer in answers]
    if told and all(answer.get("ErrorCode") in _OURS for answer in told):
        return Trouble(What.KEY, _refusal(told[0]))
    return [_outcome(answer) for answer in told]


def _outcome(answer: dict[str, Any]) -> Outcome:
    code = answer.get("ErrorCode")
    if code == 0:
        return Accepted(Reply(250, "", str(answer.get("MessageID", ""))[:100]))
    reply = _refusal(answer)
    # What is the account's own trouble will pass: the others of the batch were taken before it began.
    return Deferred(reply) if code in _LATER | _OURS else Rejected(reply)


def _refusal(answer: dict[str, Any]) -> Reply:
    # Who is inactive (406) bounced there before, or complained, or was put there by hand. It does not say which, so the
    # word decides: soft. A record of its own told it when it happened.
    enhanced = "5.1.1" if answer.get("ErrorCode") == _BAD_ADDRESS else "5.7.0"
    return parse_reply(550, [f"{enhanced} {answer.get('ErrorCode')} {answer.get('Message', '')}"])


# Their record → ours.
_RECORDS: dict[str, EventKind] = {
    "Delivery": EventKind.DELIVERED,
    "Bounce": EventKind.BOUNCED,  # see _TYPES
    "SpamComplaint": EventKind.COMPLAINED,
    "SubscriptionChange": EventKind.UNSUBSCRIBED,  # see _subscription
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
}
# The type of a bounce → what it means. None: it tells nothing of the reader.
# https://postmarkapp.com/developer/api/bounce-api#bounce-types
_TYPES: dict[str, BounceClass | EventKind | None] = {
    "HardBounce": BounceClass.HARD,
    "SoftBounce": BounceClass.SOFT,
    "Transient": EventKind.DEFERRED,
    "DnsError": EventKind.DEFERRED,  # "temporary"
    "Blocked": BounceClass.BLOCK,
    "DMARCPolicy": BounceClass.BLOCK,
    "SpamNotification": BounceClass.BLOCK,  # the server calls it spam; the reader was not asked
    "VirusNotification": BounceClass.CONTENT,
    "BadEmailAddress": BounceClass.HARD,
    "AutoResponder": BounceClass.AUTO,
    "AddressChange": BounceClass.AUTO,
    "ChallengeVerification": BounceClass.AUTO,
    "OpenRelayTest": BounceClass.AUTO,
    "SpamComplaint": EventKind.COMPLAINED,
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "ManuallyDeactivated": BounceClass.BLOCK,  # by hand, by somebody in the account there
    "Unconfirmed": BounceClass.BLOCK,
    "Unknown": BounceClass.SOFT,
    "SMTPApiError": None,
    "InboundError": None,
    "TemplateRenderingFailed": None,
    "Subscribe": None,
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def events(account: Account, hook: Hook) -> list[Event]:
    """Not signed: the call brings our secret, as the password in its address or in a header."""
    check_secret(account, hook)
    return [event for each in objects_in(hook)[:1] if (event := _event(account, each))]


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    kind: EventKind | None = _RECORDS.get(text_in(told, "RecordType"))
    bounce: BounceClass | None = None
    code, text = reply_in(text_in(told, "Details"))
    if kind is EventKind.BOUNCED:
        found = _TYPES.get(text_in(told, "Type"), BounceClass.SOFT)
        if found is None:
            return None
        kind, bounce = meant(kind, found)
        if bounce in (BounceClass.HARD, BounceClass.SOFT):
            bounce = judge(code, text, hard=bounce is BounceClass.HARD)
    elif kind is EventKind.UNSUBSCRIBED:
        kind = _subscription(told)
    if kind is None:
        return None
    email = text_in(told, "Email") or text_in(told, "Recipient")
    at = next(filter(None, (text_in(told, name) for name in _TIMES)), "")
    return heard(
        account,
        kind,
        "postmark",
        text_in(told, "ID") or "/".join((text_in(told, "RecordType"), text_in(told, "MessageID"), email, at)),
        reference=text_in(told, "Metadata", "delivery"),
        address=email,
        at=at,
        code=code,
        text=text,
        bounce=bounce,
    )


def _subscription(told: dict[str, Any]) -> EventKind | None:
    """What it means that Postmark sends to somebody no more, or again. What bounced is told by a record of its own."""
    if told.get("SuppressSending") is not True:
        return None
    by_reader = text_in(told, "Origin") in ("", "Recipient")  # not by our own account there
    return {
        "ManualSuppression": EventKind.UNSUBSCRIBED if by_reader else None,
        "SpamComplaint": EventKind.COMPLAINED,
    }.get(text_in(told, "SuppressionReason"))
