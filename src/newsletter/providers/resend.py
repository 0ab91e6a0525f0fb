"""Resend: batches of 100, but one message a request as soon as there are images or files; keys that it knows for a day.

https://resend.com/docs/api-reference/emails/send-batch-emails
https://resend.com/docs/dashboard/webhooks/event-types
https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.errors import ConfigError, Problem
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply
from newsletter.providers import Account, Capabilities, Forged, Hook, Request, Response, Setting, Trouble, What, usual
from newsletter.providers.asking import content, json_request, letters, mailbox, objects, plain_tag, refusal, refused
from newsletter.providers.grading import judge, kept_back, meant, reply_in
from newsletter.providers.hearing import check_fresh, heard, objects_in, same, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "Resend"
CAPABILITIES = Capabilities(
    form="letter",
    batch=100,
    batch_enclosed=1,
    largest=40_000_000,
    largest_message=40_000_000,
    idempotent=86_400,
    tracking="account",
    notes=("Resend takes messages with images or files one by one; without them, a hundred a request.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType({})
KEY_ENV = "RESEND_API_KEY"


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /emails/batch; /emails for one that encloses something."""
    told = letters(batch)
    alone = bool(told[0].pictures or told[0].files)
    headers = {"Authorization": f"Bearer {account.key}", "Idempotency-Key": key}
    url = f"{account.endpoint or 'https://api.resend.com'}/emails{'' if alone else '/batch'}"
    return json_request(url, headers, _message(told[0]) if alone else [_message(letter) for letter in told])


def _message(letter: Letter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "from": mailbox(letter.sender.name, letter.sender.email),
        "to": [mailbox(letter.to.name, letter.to.email)],
        "subject": letter.subject,
        "html": letter.html_part,
        "text": letter.text_part,
        "headers": dict(letter.headers),
        # Tags take no dots, and no other letters than these.
        "tags": [
            {"name": "delivery", "value": letter.reference.replace(".", "-")},
            {"name": "issue", "value": plain_tag(letter.tag)},
        ],
    }
    if letter.reply_to:
        told["reply_to"] = letter.reply_to
    if parts := [*(_part(each, inline=True) for each in letter.pictures), *map(_part, letter.files)]:
        told["attachments"] = parts
    return told


def _part(each: Enclosed, *, inline: bool = False) -> dict[str, Any]:
    told = {"filename": each.name, "content": content(each), "content_type": each.type}
    return {**told, "content_id": each.content_id} if inline else told


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with the ids of all messages in order, or one error for all of them."""
    told = response.json()
    name = text_in(told, "name")
    said = f"{name} {text_in(told, 'message')}".strip()
    trouble = usual(response, said)
    if response.status == 409 or (trouble and trouble.what is What.THROTTLED and "quota" in name):
        reply = refused(response, said).reply
        # The first call is still under way, or had another body; or the day's, the month's number is used up.
        waits = "concurrent" in name
        return Trouble(What.THROTTLED if waits else What.KEY if "quota" in name else What.UNCLEAR, reply)
    if trouble:
        return trouble
    if response.status == 200:
        ids = [told] if isinstance(told, dict) and "id" in told else objects(_data(told))
        if len(ids) == len(batch):
            return [Accepted(Reply(250, "", text_in(each, "id")[:100])) for each in ids]
        return Trouble(What.UNCLEAR, refused(response, "an answer that does not name all messages").reply)
    if len(batch) == 1 and response.status in (400, 422):
        recipient = "`to`" in said
        return [Rejected(refusal(said, batch[0].letter, recipient=recipient))]
    return refused(response, said)


def _data(told: Any) -> Any:
    return told.get("data") if isinstance(told, dict) else None


# Their word → ours. None: it tells nothing that we do not know.
_KINDS: dict[str, EventKind | None] = {
    "email.sent": None,
    "email.scheduled": None,
    "email.received": None,
    "email.delivered": EventKind.DELIVERED,
    "email.delivery_delayed": EventKind.DEFERRED,
    "email.bounced": EventKind.BOUNCED,
    "email.suppressed": EventKind.BOUNCED,  # Resend did not try: it bounced or complained before (see kept_back)
    "email.failed": EventKind.BOUNCED,  # Resend could not: quota, domain, an address that is none
    "email.complained": EventKind.COMPLAINED,
    "email.opened": EventKind.OPENED,
    "email.clicked": EventKind.CLICKED,
}
# By `bounce.subType`, whatever the type is.
_BOUNCES: dict[str, BounceClass] = {
    "NoEmail": BounceClass.HARD,
    # Not tried: on a list onto which hard bounces and complaints alone bring an address (grading.kept_back).
    "Suppressed": BounceClass.HARD,
    "OnAccountSuppressionList": BounceClass.HARD,
    "MailboxFull": BounceClass.SOFT,
    "MessageTooLarge": BounceClass.CONTENT,
    "ContentRejected": BounceClass.CONTENT,
    "AttachmentRejected": BounceClass.CONTENT,
}


def events(account: Account, hook: Hook) -> list[Event]:
    """Signed as Svix does it."""
    if not hook.proved:
        check_svix(account, hook)
    return [event for each in objects_in(hook)[:1] if (event := _event(account, each))]


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    word, data = text_in(told, "type"), told.get("data")
    kind = _KINDS.get(word)
    if kind is None or not isinstance(data, dict):
        return None
    to = data.get("to")
    if word == "email.suppressed":
        said = text_in(data, "suppressed", "reason") or text_in(data, "suppressed", "message") or "suppressed"
        kind, bounce = meant(kind, kept_back(said, BounceClass.HARD))
    else:
        bounce, said = _bounce(word, data)
    code, text = reply_in(said)
    return heard(
        account,
        kind,
        "resend",
        # What a repeat has in common with the first call, and with what was kept of it: svix-id is in neither body.
        "/".join((text_in(data, "email_id"), word, text_in(told, "created_at"))),
        reference=_reference(data.get("tags")),
        # To one reader a message: who is named is who it is about.
        address=text_in({"to": to[0]}, "to").rpartition("<")[2].strip("<> ") if isinstance(to, list) and to else "",
        at=text_in(told, "created_at"),
        code=code,
        text=text,
        bounce=bounce,
    )


def check_svix(account: Account, hook: Hook) -> None:
    """HMAC-SHA-256 over `id.timestamp.body`, in base64; the header has one or several, each behind its version."""
    if not account.webhook_secret:
        raise Forged("no signing secret is configured for this webhook")
    try:
        key = b64decode(account.webhook_secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        fix = 'copy the signing secret that Resend shows beside the webhook: it begins with "whsec_"'
        raise ConfigError(Problem("the webhook secret of Resend is no signing secret", fix=fix)) from None
    number, timestamp = _header(hook, "id"), _header(hook, "timestamp")
    good = b64encode(hmac.digest(key, f"{number}.{timestamp}.".encode() + hook.body, "sha256")).decode()
    versions = [each.partition(",") for each in _header(hook, "signature").split()]
    if not number or not any(version == "v1" and same(signature, good) for version, _, signature in versions):
        raise Forged("without the signature of Resend's, or with a wrong one")
    check_fresh(hook, timestamp)


def _header(hook: Hook, name: str) -> str:
    return hook.headers.get(f"svix-{name}") or hook.headers.get(f"webhook-{name}", "")


def _bounce(word: str, data: dict[str, Any]) -> tuple[BounceClass | None, str]:
    if word == "email.failed":
        return BounceClass.BLOCK, text_in(data, "failed", "reason") or "failed"
    told = data.get("bounce")
    if not isinstance(told, dict):
        return (BounceClass.SOFT if word == "email.bounced" else None), ""
    codes = told.get("diagnosticCode")
    said = str(codes[0]) if isinstance(codes, list) and codes else text_in(told, "message")
    hard = text_in(told, "type") == "Permanent"
    return _BOUNCES.get(text_in(told, "subType")) or judge(*reply_in(said), hard=hard), said


def _reference(tags: Any) -> str:
    """Ours, with its dots again. Tags come as an object, or as a list of names and values."""
    found = tags.get("delivery") if isinstance(tags, dict) else None
    if isinstance(tags, list):
        found = next((each.get("value") for each in objects(tags) if each.get("name") == "delivery"), None)
    return found.replace("-", ".") if isinstance(found, str) else ""
