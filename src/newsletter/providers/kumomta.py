"""KumoMTA, a mail server of one's own with an HTTP door: whole messages, one recipient a request.

https://docs.kumomta.com/reference/http/kumod/api_inject_v1_post/
https://docs.kumomta.com/reference/log_record/
"""

from __future__ import annotations

import json
from base64 import b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply, parse_reply
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
from newsletter.providers.asking import json_request
from newsletter.providers.hearing import check_secret, code_in, heard, text_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from newsletter.message import Message

NAME = "KumoMTA"
CAPABILITIES = Capabilities(
    form="mime",
    largest=100_000_000,
    largest_message=50_000_000,
    envelope=True,
    signs=False,
    keeps_message_id=True,
    international=True,
    tags=False,
    tracking="none",
    signed=False,
    notes=("KumoMTA signs only if its policy says so; the keys below [dkim] sign otherwise.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "endpoint": Setting("the address of your server", required=True, example="http://127.0.0.1:8000"),
        "username": Setting("who logs in, where the server asks for a password: then key_env names it"),
    }
)
KEY_ENV = ""


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /api/inject/v1."""
    (message,) = batch
    body = {
        "envelope_sender": message.envelope.sender,
        "recipients": [{"email": message.envelope.recipient}],
        "content": message.data.decode(),
        "template_dialect": "Static",  # or {{7*7}} would be computed
        "deferred_spool": False,  # what was not written down may be lost
    }
    headers = {}
    if account.key:
        login = b64encode(f"{account.setting('username')}:{account.key}".encode()).decode()
        headers["Authorization"] = f"Basic {login}"
    return json_request(f"{account.endpoint}/api/inject/v1", headers, body)


def outcomes(account: Account, batch: Sequence[Message], response: Response) -> list[Outcome] | Trouble:
    """200 with counts, and who failed."""
    told: Any = response.json()
    if trouble := usual(response):
        return trouble
    if response.status == 200 and text_in(told, "success_count") == "1":
        return [Accepted(Reply(250, "", "queued"))]
    if response.status == 200 and text_in(told, "fail_count") == "1":
        errors = told.get("errors")
        said = str(errors[0]) if isinstance(errors, list) and errors else "refused"
        return [Rejected(parse_reply(550, [said]))]
    return Trouble(What.SPLIT if response.status >= 400 else What.UNCLEAR, reply_of(response))


# Their word → ours, and of a bounce its class; None: by the server's words. "Reception" we know already; "OOB" names
# the return path alone, and comes to the mailbox of [bounces] as well.
_KINDS: dict[str, tuple[EventKind, BounceClass | None]] = {
    "Delivery": (EventKind.DELIVERED, None),
    "TransientFailure": (EventKind.DEFERRED, None),
    "Bounce": (EventKind.BOUNCED, None),
    "Expiration": (EventKind.BOUNCED, BounceClass.SOFT),  # tried for too long
    "AdminBounce": (EventKind.BOUNCED, BounceClass.BLOCK),  # taken back by whoever runs the server
    "Feedback": (EventKind.COMPLAINED, None),  # a report of a feedback loop
}


def events(account: Account, hook: Hook) -> list[Event]:
    """What a log hook of the server tells: records of its log, one or several a call.

    The hook must log the header Message-ID, by which deliveries are known.
    """
    check_secret(account, hook)
    try:
        found = json.loads(hook.body)
    except (ValueError, RecursionError):
        raise Forged("no JSON") from None
    return list(_events(account, found if isinstance(found, list) else [found]))


def _events(account: Account, records: list[Any]) -> Iterator[Event]:
    for record in records:
        name = text_in(record, "type")
        if name not in _KINDS or not text_in(record, "id"):
            continue
        kind, bounce = _KINDS[name]
        response = record.get("response")
        enhanced = ".".join(text_in(response, "enhanced_code", part) for part in ("class", "subject", "detail"))
        yield heard(
            account,
            kind,
            "kumomta",
            f"{text_in(record, 'id')}.{name}.{text_in(record, 'num_attempts')}",
            reference=_message_id(record),
            address=_address(record, kind),
            at=text_in(record, "timestamp"),
            code=code_in(text_in(response, "code")),
            text=f"{enhanced if enhanced != '..' else ''} {text_in(response, 'content')}".strip(),
            bounce=bounce,
        )


def _message_id(record: dict[str, Any]) -> str:
    headers = record.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    return next((str(value) for name, value in pairs if str(name).lower() == "message-id"), "")


def _address(record: dict[str, Any], kind: EventKind) -> str:
    report = record.get("feedback_report")
    named = report.get("original_rcpt_to") if isinstance(report, dict) else None
    if kind is EventKind.COMPLAINED:
        return str(named[0]) if isinstance(named, list) and named else ""
    recipient = record.get("recipient")
    return str(recipient[0]) if isinstance(recipient, list) and recipient else text_in(record, "recipient")
