"""SparkPost: whole messages, one recipient a request, with its template language switched off.

https://developers.sparkpost.com/api/transmissions/
https://developers.sparkpost.com/api/webhooks/

Since August 2026, https://github.com/SparkPost/developers.sparkpost.com/pull/590 tells of keys for repeats. They are
not used yet: a repeat is only as safe as the oldest service that answers it.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply
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
from newsletter.providers.asking import json_request, plain_tag
from newsletter.providers.grading import reply_in
from newsletter.providers.hearing import check_secret, heard, text_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from newsletter.message import Message

NAME = "SparkPost"
CAPABILITIES = Capabilities(
    form="mime",
    largest=50_000_000,
    largest_message=20_000_000,
    signed=False,
    notes=(
        "SparkPost is told that this is transactional, or it would add a List-Unsubscribe beside ours.",
        "SparkPost does not ask its own list of those who left then: ours is asked.",
    ),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "region": Setting("where the account was made", default="us", choices=("us", "eu")),
        "return_path": Setting(
            "the return path, on a bounce domain that SparkPost knows", example="bounces@example.org"
        ),
    }
)
KEY_ENV = "SPARKPOST_API_KEY"

_HOSTS = {"us": "https://api.sparkpost.com", "eu": "https://api.eu.sparkpost.com"}


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /api/v1/transmissions."""
    (message,) = batch
    body: dict[str, Any] = {
        "options": {
            "open_tracking": False,
            "click_tracking": False,
            "perform_substitutions": False,  # or {{7*7}} would be computed
            "transactional": True,  # or it would add a List-Unsubscribe of its own
        },
        "recipients": [{"address": {"email": message.envelope.recipient}, "metadata": {"delivery": message.reference}}],
        "campaign_id": plain_tag(message.tag, 64),
        "content": {"email_rfc822": message.data.decode()},
    }
    if path := account.setting("return_path"):
        body["return_path"] = path
    host = account.endpoint or _HOSTS[account.setting("region") or "us"]
    return json_request(f"{host}/api/v1/transmissions", {"Authorization": account.key}, body)


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with counts and an id; errors as a list."""
    told: Any = response.json()
    errors = told.get("errors") if isinstance(told, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    said = " ".join(filter(None, (text_in(first, "code"), text_in(first, "message"), text_in(first, "description"))))
    reply = reply_of(response, said)
    if response.status == 420:  # more than the account may send for now
        return Trouble(What.THROTTLED, reply, retry_after(response))
    if text_in(first, "code") in ("7000", "7001"):  # the sending domain is not verified
        return Trouble(What.KEY, reply)
    if trouble := usual(response, said):
        return trouble
    if response.status == 200 and text_in(told, "results", "id"):
        given = Reply(250, "", text_in(told, "results", "id")[:100])
        taken = text_in(told, "results", "total_accepted_recipients") == "1"
        return [Accepted(given) if taken else Rejected(Reply(550, "5.7.0", "not accepted"))]
    return Trouble(What.SPLIT if response.status >= 400 else What.UNCLEAR, reply)


# Their word → ours. "injection" says that SparkPost has it, which we know; "initial_open" repeats "open".
_KINDS: dict[str, EventKind] = {
    "delivery": EventKind.DELIVERED,
    "delay": EventKind.DEFERRED,
    "bounce": EventKind.BOUNCED,
    "out_of_band": EventKind.BOUNCED,  # came back after it was delivered
    "policy_rejection": EventKind.BOUNCED,  # by SparkPost itself
    "generation_failure": EventKind.BOUNCED,
    "generation_rejection": EventKind.BOUNCED,
    "spam_complaint": EventKind.COMPLAINED,
    "list_unsubscribe": EventKind.UNSUBSCRIBED,
    "link_unsubscribe": EventKind.UNSUBSCRIBED,
    "open": EventKind.OPENED,
    "initial_open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
# https://support.sparkpost.com/docs/deliverability/bounce-classification-codes; what is not here goes by its words.
_CLASSES: dict[str, BounceClass] = {
    "10": BounceClass.HARD,  # invalid recipient
    "30": BounceClass.HARD,  # no RCPT
    "20": BounceClass.SOFT,
    "21": BounceClass.SOFT,  # DNS
    "22": BounceClass.SOFT,  # mailbox full
    "23": BounceClass.CONTENT,  # too large
    "24": BounceClass.SOFT,  # timeout
    "40": BounceClass.SOFT,
    "70": BounceClass.SOFT,
    "100": BounceClass.AUTO,
    "60": BounceClass.AUTO,
    "25": BounceClass.BLOCK,  # admin failure: also on the account's list, which is filled by hand, too
    "50": BounceClass.BLOCK,
    "51": BounceClass.BLOCK,
    "52": BounceClass.BLOCK,
    "53": BounceClass.BLOCK,
    "54": BounceClass.BLOCK,
}
_UNSUBSCRIBED = "90"  # the "bounce" is a reader's mail that asks to leave


def events(account: Account, hook: Hook) -> list[Event]:
    """What SparkPost tells: a list of events a call; an empty one when the webhook is made."""
    check_secret(account, hook)
    try:
        found = json.loads(hook.body)
    except (ValueError, RecursionError):
        raise Forged("no JSON") from None
    return list(_events(account, found if isinstance(found, list) else [found]))


def _events(account: Account, found: list[Any]) -> Iterator[Event]:
    for each in found:
        classes = each.get("msys") if isinstance(each, dict) else None
        for told in classes.values() if isinstance(classes, dict) else ():
            name = text_in(told, "type")
            if name not in _KINDS or not text_in(told, "event_id"):
                continue
            kind = _KINDS[name]
            if kind is EventKind.BOUNCED and text_in(told, "bounce_class") == _UNSUBSCRIBED:
                kind = EventKind.UNSUBSCRIBED
            code, words = reply_in(text_in(told, "raw_reason") or text_in(told, "reason"))
            bounce = _CLASSES.get(text_in(told, "bounce_class"))
            if name in ("policy_rejection", "generation_failure", "generation_rejection"):
                bounce = bounce or BounceClass.BLOCK
            yield heard(
                account,
                kind,
                "sparkpost",
                text_in(told, "event_id"),
                reference=text_in(told, "rcpt_meta", "delivery"),
                address=text_in(told, "raw_rcpt_to") or text_in(told, "rcpt_to"),
                at=text_in(told, "timestamp"),
                code=code,
                text=words,
                bounce=bounce,
            )
