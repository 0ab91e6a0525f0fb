"""Mailgun: whole messages, one recipient a request; batches would go through its template language.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.outcome import Accepted, Outcome, Reply
from newsletter.providers import (
    Account,
    Capabilities,
    Forged,
    Hook,
    Request,
    Response,
    Setting,
    Trouble,
    What,
    reply_of,
    retry_after,
    usual,
)
from newsletter.providers.asking import plain_tag
from newsletter.providers.grading import meant
from newsletter.providers.hearing import check_fresh, check_secret, code_in, heard, object_in, same, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.message import Message

NAME = "Mailgun"
CAPABILITIES = Capabilities(
    form="mime",
    largest=25_000_000,
    largest_message=25_000_000,
    keeps_message_id=True,
    signed=False,
    notes=("Mailgun sends to one recipient a request: with a long list, connections = 20 is faster.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "domain": Setting("the domain that sends, as Mailgun knows it", required=True, example="mg.example.org"),
        "region": Setting("where the domain was made", default="us", choices=("us", "eu")),
        "signing_key": Setting(
            "the HTTP webhook signing key, for what Mailgun tells", env="MAILGUN_WEBHOOK_SIGNING_KEY", secret=True
        ),
    }
)
KEY_ENV = "MAILGUN_API_KEY"

_HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# Mailgun signs once and tries for eight hours. The signature covers the time and a token, not the body.
_WINDOW = 9 * 3600


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v3/DOMAIN/messages.mime. Without recipient variables, a text such as %recipient.x% is only a text."""
    (message,) = batch
    host = account.endpoint or _HOSTS[account.setting("region") or "us"]
    fields = {
        "to": message.envelope.recipient,
        "v:delivery": message.reference,
        "o:tag": plain_tag(message.tag, 128),
        "o:tracking": "no",
        "o:tracking-opens": "no",
        "o:tracking-clicks": "no",
    }
    # A boundary that is not in the message: one would have to know the message's digest to write it there.
    boundary = f"=_{sha256(message.data).hexdigest()[:40]}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    file = 'Content-Disposition: form-data; name="message"; filename="message.eml"\r\nContent-Type: message/rfc822'
    parts += [f"--{boundary}\r\n{file}\r\n\r\n".encode(), message.data, f"\r\n--{boundary}--\r\n".encode()]
    login = b64encode(f"api:{account.key}".encode()).decode()
    return Request(
        f"{host}/v3/{account.setting('domain')}/messages.mime",
        {"Authorization": f"Basic {login}", "Content-Type": f"multipart/form-data; boundary={boundary}"},
        b"".join(parts),
    )


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with an id, or an error whose only sign is its text."""
    said = text_in(response.json(), "message")
    reply = reply_of(response, said)
    if response.status in (400, 420) and "limit" in said and "try again" in said:
        return Trouble(What.THROTTLED, reply, retry_after(response))
    if response.status in (402, 404):  # to be paid; no such domain
        return Trouble(What.KEY, reply)
    if trouble := usual(response, said):
        return trouble
    if response.status == 200 and (given := text_in(response.json(), "id")):
        return [Accepted(Reply(250, "", given[:100]))]
    return Trouble(What.SPLIT if response.status >= 400 else What.UNCLEAR, reply)


# Their word, and how severe → ours. "accepted" and "stored" say that Mailgun has it, which we know.
_KINDS: dict[tuple[str, str], EventKind] = {
    ("delivered", ""): EventKind.DELIVERED,
    ("failed", "temporary"): EventKind.DEFERRED,  # Mailgun goes on trying
    ("failed", "permanent"): EventKind.BOUNCED,
    ("rejected", ""): EventKind.BOUNCED,  # by Mailgun itself
    ("complained", ""): EventKind.COMPLAINED,
    ("unsubscribed", ""): EventKind.UNSUBSCRIBED,
    ("opened", ""): EventKind.OPENED,
    ("clicked", ""): EventKind.CLICKED,
}
# Why a failure is permanent, where that is not the server's word but Mailgun's.
_REASONS: dict[str, EventKind | BounceClass] = {
    # On Mailgun's list, since it did so before: see grading.kept_back.
    "suppress-bounce": BounceClass.HARD,
    "suppress-complaint": EventKind.COMPLAINED,
    "suppress-unsubscribe": EventKind.UNSUBSCRIBED,
    "espblock": BounceClass.BLOCK,
    "old": BounceClass.SOFT,  # tried for too long
}


def events(account: Account, hook: Hook) -> list[Event]:
    """What Mailgun tells: one event a call."""
    call = object_in(hook)
    token = text_in(call, "signature", "token")
    if not hook.proved:
        _check(account, hook, call, token)
    told: Any = call.get("event-data")
    name, severity = text_in(told, "event"), text_in(told, "severity")
    kind = _KINDS.get((name, severity if name == "failed" else ""))
    if kind is None:
        return []
    bounce: BounceClass | None = BounceClass.BLOCK if name == "rejected" else None
    if found := _REASONS.get(text_in(told, "reason")) if kind is EventKind.BOUNCED else None:
        kind, bounce = meant(kind, found)
    status = told.get("delivery-status")
    words = text_in(status, "message") or text_in(status, "description") or text_in(told, "reason")
    return [
        heard(
            account,
            kind,
            "mailgun",
            token,
            reference=text_in(told, "user-variables", "delivery") or text_in(told, "message", "headers", "message-id"),
            address=text_in(told, "recipient"),
            at=text_in(told, "timestamp"),
            code=code_in(text_in(status, "code")),
            text=f"{text_in(status, 'enhanced-code')} {words}".strip(),
            bounce=bounce,
        )
    ]


def _check(account: Account, hook: Hook, call: dict[str, Any], token: str) -> None:
    check_secret(account, hook)  # the signature says nothing of the body
    signing_key, timestamp = account.setting("signing_key"), text_in(call, "signature", "timestamp")
    if not signing_key:
        raise Forged("no signing_key is configured for this webhook")
    expected = hmac.digest(signing_key.encode(), f"{timestamp}{token}".encode(), "sha256").hex()
    if not token or not same(expected, text_in(call, "signature", "signature").lower()):
        raise Forged("the signature is wrong")
    check_fresh(hook, timestamp, _WINDOW)
