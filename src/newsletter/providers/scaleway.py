"""Scaleway Transactional Email: one message a request, in parts.

https://www.scaleway.com/en/developers/api/transactional-email/
https://www.scaleway.com/en/docs/transactional-email/api-cli/send-emails-with-api/ (headers of ours; which of them it
refuses is not told: then the message is refused, and the answer says why)
https://www.scaleway.com/en/docs/transactional-email/reference-content/tem-capabilities-and-limits/ (2 MB)
https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.outcome import Accepted, Outcome, Reply
from newsletter.providers import (
    Account,
    Capabilities,
    Hook,
    Request,
    Response,
    Setting,
    Trouble,
    What,
    reply_of,
    usual,
)
from newsletter.providers.asking import content, json_request, letters
from newsletter.providers.grading import reply_in
from newsletter.providers.hearing import check_secret, code_in, heard, object_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.message import Message

NAME = "Scaleway"
CAPABILITIES = Capabilities(
    form="letter",
    largest=10_000_000,
    largest_message=2_000_000,
    inline_images=False,
    tags=False,
    tracking="none",
    signed=False,
    notes=(
        "Scaleway refuses a subject or a text of less than ten characters.",
        "Scaleway sends to one recipient a request, and shows our reference in a header, X-Newsletter-Delivery.",
    ),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "project_id": Setting("the id of the project", required=True, env="SCW_DEFAULT_PROJECT_ID"),
        "region": Setting("the region", default="fr-par", choices=("fr-par", "nl-ams", "pl-waw")),
    }
)
KEY_ENV = "SCW_SECRET_KEY"
_REFERENCE = "X-Newsletter-Delivery"


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /transactional-email/v1alpha1/regions/REGION/emails."""
    (letter,) = letters(batch)
    headers = [*letter.headers, (_REFERENCE, letter.reference)]
    if letter.reply_to:
        headers.append(("Reply-To", letter.reply_to))
    body: dict[str, Any] = {
        "project_id": account.setting("project_id"),
        "from": {"email": letter.sender.email, "name": letter.sender.name},
        "to": [{"email": letter.to.email, "name": letter.to.name}],
        "subject": letter.subject,
        "text": letter.text_part,
        "html": letter.html_part,
        "additional_headers": [{"key": name, "value": value} for name, value in headers],
        "attachments": [{"name": each.name, "type": each.type, "content": content(each)} for each in letter.files],
    }
    host = account.endpoint or "https://api.scaleway.com"
    url = f"{host}/transactional-email/v1alpha1/regions/{account.setting('region') or 'fr-par'}/emails"
    return json_request(url, {"X-Auth-Token": account.key}, body)


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with the emails that were made of it."""
    told: Any = response.json()
    said = text_in(told, "message")
    if trouble := usual(response, said):
        return trouble
    emails = told.get("emails") if isinstance(told, dict) else None
    if response.status == 200 and isinstance(emails, list) and emails:
        return [Accepted(Reply(250, "", text_in(emails[0], "id")[:100]))]
    return Trouble(What.SPLIT if response.status >= 400 else What.UNCLEAR, reply_of(response, said))


# Their word → ours, and of a bounce its class; None: by the server's words. "email_queued" we know already.
_KINDS: dict[str, tuple[EventKind, BounceClass | None]] = {
    "email_delivered": (EventKind.DELIVERED, None),
    "email_deferred": (EventKind.DEFERRED, None),
    "email_dropped": (EventKind.BOUNCED, None),
    "email_spam": (EventKind.BOUNCED, BounceClass.BLOCK),  # Scaleway itself calls it spam: no complaint of a reader
    "email_mailbox_not_found": (EventKind.BOUNCED, BounceClass.HARD),
    "email_blocklisted": (EventKind.BOUNCED, BounceClass.SOFT),  # on their list, where full mailboxes stand, too
}


def events(account: Account, hook: Hook) -> list[Event]:
    """What Scaleway tells, one event a call, in an envelope like that of Amazon SNS, or without."""
    check_secret(account, hook)
    told: Any = object_in(hook)
    if text_in(told, "Type") == "Notification":
        told = object_in(Hook({}, text_in(told, "Message").encode("utf-8", "replace"), hook.now))
    found = _KINDS.get(text_in(told, "type"))
    if found is None:
        return []
    code, words = reply_in(text_in(told, "email_response_message") or text_in(told, "email_error"))
    to = told.get("email_to")
    return [
        heard(
            account,
            found[0],
            "scaleway",
            text_in(told, "id") or f"{text_in(told, 'email_id')}.{text_in(told, 'type')}",
            reference=_reference(told.get("email_headers")),
            address=str(to[0]) if isinstance(to, list) and to else text_in(told, "email_to"),
            at=text_in(told, "created_at"),
            code=code or code_in(text_in(told, "email_response_code")),
            text=words,
            bounce=found[1],
        )
    ]


def _reference(headers: Any) -> str:
    """Ours, from headers that are given back as an object, or as a list of names and values."""
    if isinstance(headers, dict):
        pairs = list(headers.items())
    else:
        listed = headers if isinstance(headers, list) else []
        pairs = [(text_in(each, "key") or text_in(each, "name"), text_in(each, "value")) for each in listed]
    return next((str(value) for name, value in pairs if str(name).lower() == _REFERENCE.lower()), "")
