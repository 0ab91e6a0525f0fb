"""MailerSend: one message a request, so that each has an answer; headers of ours depend on what is paid for.

Its bulk endpoint answers before it has looked, and is not used: nobody would know who was refused.

https://developers.mailersend.com/api/v1/email.html
https://developers.mailersend.com/api/v1/webhooks.html
https://www.mailersend.com/help/custom-headers (for Professional and Enterprise; the API's page says Enterprise alone)
https://www.mailersend.com/help/how-to-add-a-custom-unsubscribe-header
"""

from __future__ import annotations

import hmac
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply, parse_reply
from newsletter.providers import Account, Capabilities, Forged, Hook, Request, Response, Setting, Trouble, usual
from newsletter.providers.asking import (
    content,
    filled,
    joined,
    json_request,
    letters,
    literal_html,
    literal_part,
    literal_text,
    objects,
    refusal,
    refused,
)
from newsletter.providers.grading import judge, kept_back, meant, reply_in
from newsletter.providers.hearing import heard, objects_in, same, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "MailerSend"
CAPABILITIES = Capabilities(
    form="letter",
    batch=1,
    largest=25_000_000,
    largest_message=25_000_000,
    notes=(
        'MailerSend takes headers of ours from some accounts only (plan = "enterprise"): else there is no List-Id.',
        'MailerSend takes 120 messages a minute, unless it agreed to more: rate = "2/s" below [transports].',
    ),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"plan": Setting("what is paid for", default="professional", choices=("professional", "enterprise"))}
)
KEY_ENV = "MAILERSEND_API_KEY"


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v1/email."""
    (letter,) = letters(batch)
    plan = account.setting("plan") or SETTINGS["plan"].default
    url = f"{account.endpoint or 'https://api.mailersend.com'}/v1/email"
    return json_request(url, {"Authorization": f"Bearer {account.key}"}, _message(letter, plan))


def _message(letter: Letter, plan: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "from": _mailbox(letter.sender.name, letter.sender.email),
        "to": [_mailbox(letter.to.name, letter.to.email)],
        "subject": literal_text(letter.subject),
        "html": literal_html(letter.html_part),
        "text": literal_part(filled(letter.text_part)),
        "tags": [letter.tag[:191], letter.reference],  # what comes back: there is no other place for it
        "settings": {"track_clicks": False, "track_opens": False, "track_content": False},
    }
    if plan == "enterprise":
        told["headers"] = [{"name": name, "value": value} for name, value in letter.headers]
    elif unsubscribe := dict(letter.headers).get("List-Unsubscribe"):
        # One address, bare, and MailerSend adds the one-click POST.
        told["list_unsubscribe"] = unsubscribe.partition(",")[0].strip("<> ")
    if letter.reply_to:
        told["reply_to"] = {"email": letter.reply_to}
    if parts := [*(_part(each, inline=True) for each in letter.pictures), *map(_part, letter.files)]:
        told["attachments"] = parts
    return told


def _mailbox(name: str, email: str) -> dict[str, str]:
    return {"email": email, "name": literal_text(name)} if name else {"email": email}


def _part(each: Enclosed, *, inline: bool = False) -> dict[str, Any]:
    told = {"filename": each.name, "content": content(each), "disposition": "attachment"}
    return {**told, "disposition": "inline", "id": each.content_id} if inline else told


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """202 with an id in a header, and perhaps a warning that it goes to nobody; 422 says which fields are wrong."""
    told = response.json()
    errors = told.get("errors") if isinstance(told, dict) else None
    fields = errors if isinstance(errors, dict) else {}
    said = joined((text_in(told, "message"), *(str(each) for each in fields.values())))
    if trouble := usual(response, said):
        return trouble
    if response.status == 202:
        why = _suppressed(told)
        return [Rejected(why) if why else Accepted(Reply(250, "", response.headers.get("x-message-id", "")[:100]))]
    if response.status in (400, 413, 422):
        return [Rejected(refusal(said, batch[0].letter, recipient=any(name.startswith("to") for name in fields)))]
    return refused(response, said)


def _suppressed(told: Any) -> Reply | None:
    """Why MailerSend keeps the message: its own list of addresses. To one reader a request, some are all."""
    warnings = objects(told.get("warnings")) if isinstance(told, dict) else []
    for warning in warnings:
        if text_in(warning, "type") not in ("ALL_SUPPRESSED", "SOME_SUPPRESSED"):
            continue
        told_of = objects(warning.get("recipients"))
        reasons = [str(each.get("reasons") or each.get("reason") or "") for each in told_of]
        code = "5.1.1" if any("hard_bounced" in each for each in reasons) else "5.7.0"
        return parse_reply(550, [f"{code} suppressed by MailerSend: {joined(reasons)}"])
    return None


# Their word, without `activity.` → ours. None: it tells nothing that we do not know.
_KINDS: dict[str, EventKind | None] = {
    "sent": None,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "soft_bounced": EventKind.BOUNCED,
    "hard_bounced": EventKind.BOUNCED,
    "suppressed": EventKind.BOUNCED,  # MailerSend did not try: on its own list (see kept_back)
    "spam_complaint": EventKind.COMPLAINED,
    "spam_complaints": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "opened_unique": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "clicked_unique": EventKind.CLICKED,
    "survey_opened": None,
    "survey_submitted": None,
}
# Where the reason of a bounce stands, in newer calls and in older ones.
_REASONS = (
    ("meta", "bounce_reason"),
    ("meta", "suppression_reason"),
    ("morph", "reason"),
    ("morph", "readable_reason"),
)


def events(account: Account, hook: Hook) -> list[Event]:
    """Signed with HMAC-SHA-256 over the body, in hexadecimal. No time is signed: repeats are known by their ids."""
    if not hook.proved:
        _check(account, hook)
    return [event for each in objects_in(hook)[:1] if (event := _event(account, each))]


def _check(account: Account, hook: Hook) -> None:
    if not account.webhook_secret:
        raise Forged("no signing secret is configured for this webhook")
    good = hmac.digest(account.webhook_secret.encode(), hook.body, "sha256").hex()
    if not same(hook.headers.get("signature", "").strip().lower(), good):
        raise Forged("without MailerSend's signature, or with a wrong one")


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    word, data = text_in(told, "type").removeprefix("activity."), told.get("data")
    kind = _KINDS.get(word)
    if kind is None or not isinstance(data, dict):
        return None
    said = next((found for path in _REASONS if (found := text_in(data, *path))), "")
    code, text = reply_in(said, text_in(data, "meta", "bounce_code"))
    bounce: BounceClass | None = None
    if word == "suppressed":  # also on hold, and by hand
        kind, bounce = meant(kind, kept_back(said, BounceClass.BLOCK))
    elif kind is EventKind.BOUNCED:
        bounce = judge(code, text, hard=word == "hard_bounced")
    return heard(
        account,
        kind,
        "mailersend",
        text_in(data, "id") or "/".join((text_in(data, "message_id"), word, text_in(told, "created_at"))),
        reference=_reference(account, data),
        address=text_in(data, "recipient") or text_in(data, "email", "recipient", "email"),
        at=text_in(told, "created_at") or text_in(data, "created_at"),
        code=code,
        text=text,
        bounce=bounce,
    )


def _reference(account: Account, data: dict[str, Any]) -> str:
    """Ours, among the tags."""
    email = data.get("email")
    tags = data.get("tags") or (email.get("tags") if isinstance(email, dict) else None)
    found = tags if isinstance(tags, list) else []
    return next((each for each in found if isinstance(each, str) and account.read_reference(each)), "")
