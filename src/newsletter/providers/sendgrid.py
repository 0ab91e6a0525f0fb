"""SendGrid: one message a request, since all who are named in one get the same body.

Its substitutions (`-x-`, `{{x}}`) are not used: what is sent was completed here.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

from base64 import b64decode
from email.utils import quote
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.errors import ConfigError, Problem
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply
from newsletter.providers import Account, Capabilities, Forged, Hook, Request, Response, Setting, Trouble, usual
from newsletter.providers.asking import content, filled, joined, json_request, letters, objects, refusal, refused
from newsletter.providers.grading import judge, meant, reply_in
from newsletter.providers.hearing import check_fresh, heard, objects_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "SendGrid"
CAPABILITIES = Capabilities(
    form="letter",
    batch=1,
    largest=30_000_000,
    largest_message=30_000_000,
    notes=("SendGrid takes one personal message a request: raise connections below [transports] for more of them.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"region": Setting("where the account is", default="global", choices=("global", "eu"))}
)
KEY_ENV = "SENDGRID_API_KEY"

_HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v3/mail/send."""
    (letter,) = letters(batch)
    host = account.endpoint or _HOSTS[account.setting("region") or "global"]
    return json_request(f"{host}/v3/mail/send", {"Authorization": f"Bearer {account.key}"}, _message(letter))


def _message(letter: Letter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "personalizations": [
            {
                "to": [_mailbox(_quoted(letter.to.name), letter.to.email)],
                "headers": dict(letter.headers),
                "custom_args": {"delivery": letter.reference},
            }
        ],
        "from": _mailbox(letter.sender.name, letter.sender.email),
        "subject": letter.subject,
        "content": [
            {"type": "text/plain", "value": filled(letter.text_part)},  # an empty one is refused
            {"type": "text/html", "value": letter.html_part},
        ],
        "categories": [letter.tag[:255]],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},  # it would replace our links, and `<% … %>`
            "ganalytics": {"enable": False},
        },
    }
    if letter.reply_to:
        told["reply_to"] = {"email": letter.reply_to}
    if parts := [*(_part(each, inline=True) for each in letter.pictures), *map(_part, letter.files)]:
        told["attachments"] = parts
    return told


def _mailbox(name: str, email: str) -> dict[str, str]:
    return {"email": email, "name": name} if name else {"email": email}


def _quoted(name: str) -> str:
    # A reader's name with these marks is put into the header as it is, and would end in the middle.
    return f'"{quote(name)}"' if {",", ";"} & set(name) else name


def _part(each: Enclosed, *, inline: bool = False) -> dict[str, Any]:
    told = {"content": content(each), "type": each.type, "filename": each.name, "disposition": "attachment"}
    return {**told, "disposition": "inline", "content_id": each.content_id} if inline else told


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """202 with an id in a header and nothing else, or what is wrong with which field."""
    told = response.json()
    errors = objects(told.get("errors")) if isinstance(told, dict) else []
    said = joined(each.get("message") for each in errors)
    if trouble := usual(response, said):
        return trouble
    if response.status == 202:
        return [Accepted(Reply(250, "", response.headers.get("x-message-id", "")[:100]))]
    if response.status in (400, 413):
        recipient = any(".to" in str(each.get("field")) for each in errors)
        return [Rejected(refusal(said, batch[0].letter, recipient=recipient))]
    return refused(response, said)


# Their word → ours. None: it tells nothing that we do not know.
_KINDS: dict[str, EventKind | None] = {
    "processed": None,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "bounce": EventKind.BOUNCED,  # type "bounce", or "blocked": see _class
    "dropped": EventKind.BOUNCED,  # not tried at all: see _DROPPED
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": None,  # who has left comes back by our own page alone
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
# Why SendGrid did not try, by how the reason begins. Others are our own: quota, content.
_DROPPED: dict[str, EventKind | BounceClass] = {
    "bounced address": BounceClass.HARD,  # on its list since it bounced
    "invalid": BounceClass.HARD,  # no address; "Invalid SMTPAPI header" is before it
    "invalid smtpapi": BounceClass.CONTENT,
    "spam content": BounceClass.CONTENT,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
    "spam reporting address": EventKind.COMPLAINED,
}


def events(account: Account, hook: Hook) -> list[Event]:
    """Signed with ECDSA on P-256 over the time and the body; `webhook_secret` is the public key that SendGrid shows."""
    if not hook.proved:
        _check(account, hook)
    return [event for each in objects_in(hook) if (event := _event(account, each))]


def _check(account: Account, hook: Hook) -> None:
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        fix = "pip install 'newsletter[dkim]'"
        raise ConfigError(Problem("webhooks of SendGrid need the package cryptography", fix=fix)) from None
    if not account.webhook_secret:
        raise Forged("no verification key is configured for this webhook")
    try:
        key = load_der_public_key(b64decode(account.webhook_secret, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        fix = "copy the verification key that SendGrid shows beside the webhook's signature"
        raise ConfigError(Problem("the webhook secret of SendGrid is no public key", fix=fix)) from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ConfigError(Problem("the webhook secret of SendGrid is a key of another kind"))
    timestamp = hook.headers.get("x-twilio-email-event-webhook-timestamp", "")
    try:
        signature = b64decode(hook.headers.get("x-twilio-email-event-webhook-signature", ""), validate=True)
        key.verify(signature, timestamp.encode() + hook.body, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        raise Forged("without SendGrid's signature, or with a wrong one") from None
    check_fresh(hook, timestamp)


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    kind = _KINDS.get(text_in(told, "event"))
    if kind is None:
        return None
    said = text_in(told, "reason") or text_in(told, "response")
    bounce: BounceClass | None = None
    code, text = reply_in(said, text_in(told, "status"))
    if text_in(told, "event") == "dropped":
        why = max((each for each in _DROPPED if said.lower().startswith(each)), key=len, default="")
        found = _DROPPED.get(why, BounceClass.BLOCK)
        kind, bounce = meant(kind, found)
    elif kind is EventKind.BOUNCED:
        # A block is a refusal of ours, whatever code comes with it.
        blocked = text_in(told, "type") == "blocked"
        bounce = BounceClass.BLOCK if blocked else judge(code, text, hard=True)
    return heard(
        account,
        kind,
        "sendgrid",
        text_in(told, "sg_event_id") or "/".join(text_in(told, x) for x in ("sg_message_id", "event", "timestamp")),
        reference=text_in(told, "delivery"),
        address=text_in(told, "email"),
        at=text_in(told, "timestamp"),
        code=code,
        text=text,
        bounce=bounce,
    )
