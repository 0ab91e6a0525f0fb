"""Postal, on a server of one's own: whole messages, one recipient a request, and an answer of 200 whatever happens.

https://docs.postalserver.io/developer/api
https://docs.postalserver.io/developer/webhooks
"""

from __future__ import annotations

from base64 import b64decode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

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
    usual,
)
from newsletter.providers.asking import base64_part, json_request
from newsletter.providers.grading import reply_in
from newsletter.providers.hearing import check_fresh, heard, object_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.message import Message

NAME = "Postal"
CAPABILITIES = Capabilities(
    form="mime",
    largest=19_000_000,
    largest_message=14_000_000,
    keeps_message_id=True,
    tags=False,
    tracking="account",
    notes=("Postal counts opens and clicks only for domains whose track domain is set up there.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"endpoint": Setting("the address of your server", required=True, example="https://postal.example.org")}
)
KEY_ENV = "POSTAL_API_KEY"

# Codes of answers that say: no other message will do better.
_OURS = frozenset({"AccessDenied", "InvalidServerAPIKey", "ServerSuspended", "UnauthenticatedFromAddress"})
_WINDOW = 3600  # Postal signs once and tries for 36 minutes


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /api/v1/send/raw."""
    (message,) = batch
    body = {
        "mail_from": message.envelope.sender,
        "rcpt_to": [message.envelope.recipient],
        "data": base64_part(message.data),
        "bounce": False,
    }
    return json_request(f"{account.endpoint}/api/v1/send/raw", {"X-Server-API-Key": account.key}, body)


def outcomes(account: Account, batch: Sequence[Message], response: Response) -> list[Outcome] | Trouble:
    """200, and the truth in `status`."""
    told: Any = response.json()
    said = f"{text_in(told, 'data', 'code')} {text_in(told, 'data', 'message')}".strip()
    if trouble := usual(response, said):
        return trouble
    status, data = text_in(told, "status"), told.get("data") if isinstance(told, dict) else None
    if response.status == 200 and status == "success":
        given = data.get("messages") if isinstance(data, dict) else None
        first = next(iter(given.values()), None) if isinstance(given, dict) else None
        return [Accepted(Reply(250, "", text_in(first, "id")[:100]))]
    reply = reply_of(response, said)
    if text_in(data, "code") in _OURS:
        return Trouble(What.KEY, reply)
    refused = status in ("error", "parameter-error") or response.status >= 400
    return Trouble(What.SPLIT if refused else What.UNCLEAR, reply)


# Their word → ours. MessageHeld waits for a person at the server: it is not delivered yet, and may never be.
_KINDS: dict[str, EventKind] = {
    "MessageSent": EventKind.DELIVERED,
    "MessageDelayed": EventKind.DEFERRED,
    "MessageHeld": EventKind.DEFERRED,
    "MessageDeliveryFailed": EventKind.BOUNCED,
    "MessageBounced": EventKind.BOUNCED,
    "MessageLoaded": EventKind.OPENED,
    "MessageLinkClicked": EventKind.CLICKED,
}


def events(account: Account, hook: Hook) -> list[Event]:
    """What Postal tells, one event a call."""
    if not hook.proved:
        _check_signature(account, hook)
    told: Any = object_in(hook)
    check_fresh(hook, text_in(told, "timestamp"), _WINDOW)
    kind = _KINDS.get(text_in(told, "event"))
    payload = told.get("payload")
    if kind is None or not isinstance(payload, dict):
        return []
    about = payload.get("message") or payload.get("original_message")
    # The server's words stand in `output`, Postal's own in `details`.
    code, words = reply_in(text_in(payload, "output") or text_in(payload, "details"))
    return [
        heard(
            account,
            kind,
            "postal",
            text_in(told, "uuid") or text_in(about, "id"),
            reference=text_in(about, "message_id"),
            address=text_in(about, "to"),
            at=text_in(told, "timestamp"),
            code=code,
            text=words,
        )
    ]


def _check_signature(account: Account, hook: Hook) -> None:
    """The webhook's secret is a public key here: the server's, as `postal default-dkim-record` prints it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if not account.webhook_secret:
        raise Forged("no public key is configured for this webhook")
    record = account.webhook_secret
    if "p=" in record:
        record = record.rpartition("p=")[2].partition(";")[0]
    method: hashes.HashAlgorithm = hashes.SHA256()
    signature = hook.headers.get("x-postal-signature-256", "")
    if not signature:  # servers before version 3.2
        signature, method = hook.headers.get("x-postal-signature", ""), hashes.SHA1()  # noqa: S303
    try:
        key = load_der_public_key(b64decode(record))
        if not isinstance(key, rsa.RSAPublicKey):
            raise Forged("the public key is of another kind")
        key.verify(b64decode(signature, validate=True), hook.body, padding.PKCS1v15(), method)
    except (InvalidSignature, ValueError) as error:
        raise Forged(f"the signature is wrong: {type(error).__name__}") from None
