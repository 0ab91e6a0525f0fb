"""Amazon SES: whole messages, one recipient a request, signed; what became of them comes through SNS.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass, classify
from newsletter.event import Event, EventKind
from newsletter.outcome import Accepted, Outcome, Reply, parse_reply
from newsletter.providers import (
    Account,
    Capabilities,
    Hook,
    Quota,
    Request,
    Response,
    Setting,
    Trouble,
    What,
    reply_of,
    retry_after,
    usual,
)
from newsletter.providers.asking import base64_part, json_request, plain_tag
from newsletter.providers.grading import reply_in
from newsletter.providers.hearing import heard, text_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from newsletter.message import Message

NAME = "Amazon SES"
CAPABILITIES = Capabilities(
    form="mime",
    largest=56_000_000,
    largest_message=40_000_000,
    tracking="account",
    webhook_secret=False,  # by Amazon's certificate, and the topic
    notes=(
        "Amazon SES gives each message a Message-ID of its own.",
        "Amazon SES sends to one recipient a request: with 14 messages a second, connections = 10 is enough.",
    ),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "access_key": Setting("the id of the access key", required=True, env="AWS_ACCESS_KEY_ID"),
        "region": Setting("the region, such as eu-west-3", required=True, env="AWS_REGION", example="eu-west-3"),
        "session_token": Setting("what goes with keys that are lent for a while", env="AWS_SESSION_TOKEN", secret=True),
        "configuration_set": Setting("the configuration set, by which events are published"),
        "topic": Setting("the ARN of the SNS topic whose events are believed"),
    }
)
KEY_ENV = "AWS_SECRET_ACCESS_KEY"

# The account, or who sends: no other message will do better.
_OURS = frozenset({"AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException"})
_LATER = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"})


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v2/email/outbound-emails."""
    (message,) = batch
    body: dict[str, Any] = {
        "Destination": {"ToAddresses": [message.envelope.recipient]},
        "Content": {"Raw": {"Data": base64_part(message.data)}},
        # Tags take letters, digits, _ and -: the reference has its dots as dashes there.
        "EmailTags": [
            {"Name": "delivery", "Value": message.reference.replace(".", "-")},
            {"Name": "issue", "Value": plain_tag(message.tag)},
        ],
    }
    if chosen := account.setting("configuration_set"):
        body["ConfigurationSetName"] = chosen
    return json_request(f"{_endpoint(account)}/v2/email/outbound-emails", {}, body)


def _endpoint(account: Account) -> str:
    return account.endpoint or f"https://email.{account.setting('region')}.amazonaws.com"


def sign(account: Account, unsigned: Request, now: datetime) -> Request:
    """The request as it leaves: a signature holds for minutes."""
    from newsletter.providers.sigv4 import Credentials, signed

    who = Credentials(account.setting("access_key"), account.key, account.setting("session_token"))
    return signed(unsigned, who, account.setting("region"), "ses", now)


def quota_request(account: Account) -> Request:
    """GET /v2/email/account."""
    return Request(f"{_endpoint(account)}/v2/email/account", {}, b"", "GET")


def quota(response: Response) -> Quota | None:
    """How many messages a second the account may send, and how many more today."""
    told = response.json()
    found: Any = told.get("SendQuota") if isinstance(told, dict) else None
    try:
        most, sent = float(found["Max24HourSend"]), float(found["SentLast24Hours"])
        return Quota(float(found["MaxSendRate"]), None if most < 0 else max(0, int(most - sent)))
    except (TypeError, KeyError, ValueError):
        return None


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with a MessageId, or an error whose name stands in a header."""
    told = response.json()
    said = text_in(told, "message") or text_in(told, "Message")
    kind = (response.headers.get("x-amzn-errortype") or text_in(told, "__type")).partition(":")[0].rpartition("#")[2]
    reply = reply_of(response, f"{kind} {said}".strip())
    if kind in _LATER:
        return Trouble(What.THROTTLED, reply, retry_after(response))
    if kind in _OURS or (kind == "MessageRejected" and "not verified" in said):
        return Trouble(What.KEY, reply)
    if trouble := usual(response, f"{kind} {said}".strip()):
        return trouble
    if response.status == 200 and text_in(told, "MessageId"):
        return [Accepted(Reply(250, "", text_in(told, "MessageId")[:100]))]
    return Trouble(What.SPLIT if response.status >= 400 else What.UNCLEAR, reply)


# Their word → ours. Send says that SES took it, which we know; RenderingFailure is of templates, which we do not use.
_KINDS: dict[str, EventKind] = {
    "Delivery": EventKind.DELIVERED,
    "DeliveryDelay": EventKind.DEFERRED,
    "Bounce": EventKind.BOUNCED,
    "Reject": EventKind.BOUNCED,  # SES found a virus
    "Complaint": EventKind.COMPLAINED,
    "Subscription": EventKind.UNSUBSCRIBED,  # by SES's own list management
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
}
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
_BOUNCES: dict[tuple[str, str], BounceClass] = {
    ("Permanent", "General"): BounceClass.HARD,
    ("Permanent", "NoEmail"): BounceClass.HARD,
    # Not tried: on a list onto which hard bounces and complaints alone bring an address (grading.kept_back).
    ("Permanent", "Suppressed"): BounceClass.HARD,
    ("Permanent", "OnAccountSuppressionList"): BounceClass.HARD,
    ("Transient", "General"): BounceClass.SOFT,  # also automatic replies
    ("Transient", "MailboxFull"): BounceClass.SOFT,
    ("Transient", "MessageTooLarge"): BounceClass.CONTENT,
    ("Transient", "ContentRejected"): BounceClass.CONTENT,
    ("Transient", "AttachmentRejected"): BounceClass.CONTENT,
}


def events(account: Account, hook: Hook) -> list[Event]:
    """What SES tells through SNS, by event publishing or by the older notifications of an identity."""
    from newsletter.providers.sns import read

    told = read(account, hook, account.setting("topic"))
    return list(_events(account, told)) if told else []


def _events(account: Account, told: dict[str, Any]) -> Iterator[Event]:
    name = text_in(told, "eventType") or text_in(told, "notificationType")
    kind = _KINDS.get(name)
    if kind is None:
        return
    # The details stand under the event's name, its first letter small.
    details = told.get(name[:1].lower() + name[1:])
    bounce = None
    if name == "Reject":
        bounce = BounceClass.CONTENT
    elif kind is EventKind.BOUNCED:
        # What they do not know ("Undetermined") is judged by the server's words, below.
        bounce = _BOUNCES.get((text_in(details, "bounceType"), text_in(details, "bounceSubType")))
    for number, (address, reply) in enumerate(_recipients(told, details)):
        code, words = reply_in(reply)
        yield heard(
            account,
            kind,
            "ses",
            f"{told['_id']}.{number}",
            reference=_reference(told.get("mail")),
            address=address,
            at=text_in(details, "timestamp") or text_in(told, "mail", "timestamp"),
            code=code,
            text=words,
            bounce=_as_told(bounce, details, code, words) if bounce is BounceClass.HARD and reply else bounce,
        )


def _as_told(bounce: BounceClass, details: Any, code: int, words: str) -> BounceClass:
    """SES calls every permanent failure "General": a server that speaks of us is believed, and nobody is suppressed."""
    if text_in(details, "bounceSubType") != "General":
        return bounce
    meant = classify(parse_reply(code, [words]))
    return meant if meant in (BounceClass.BLOCK, BounceClass.CONTENT, BounceClass.SENDER) else bounce


def _recipients(told: dict[str, Any], details: Any) -> Iterator[tuple[str, str]]:
    """Whom it is about, and what their server said. Opens name nobody: there is one recipient a message."""
    found = details if isinstance(details, dict) else {}
    for key in ("bouncedRecipients", "complainedRecipients", "delayedRecipients"):
        if isinstance(each := found.get(key), list):
            for who in each[:50]:
                yield text_in(who, "emailAddress"), text_in(who, "diagnosticCode")
            return
    mail = told.get("mail")
    whom = mail.get("destination") if isinstance(mail, dict) else None
    yield (str(whom[0]) if isinstance(whom, list) and len(whom) == 1 else ""), text_in(found, "smtpResponse")


def _reference(mail: Any) -> str:
    """Ours, from the tag; or from the Message-ID, where SES is told to give headers back."""
    if not isinstance(mail, dict):
        return ""
    tags = mail.get("tags")
    tagged = tags.get("delivery") if isinstance(tags, dict) else None
    if isinstance(tagged, list) and tagged:
        return str(tagged[0]).replace("-", ".")
    headers = mail.get("headers")
    for each in headers if isinstance(headers, list) else []:
        if text_in(each, "name").lower() == "message-id":
            return text_in(each, "value")
    return ""
