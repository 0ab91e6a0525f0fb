"""Mailjet: batches of 50, an answer for each message, and a campaign in which nobody is written to twice.

https://dev.mailjet.com/email/guides/send-api-v31/
https://dev.mailjet.com/email/guides/webhooks/
https://documentation.mailjet.com/hc/en-us/articles/360042756034 (campaigns: only the first message to an address goes)
"""

from __future__ import annotations

from base64 import b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply
from newsletter.providers import Account, Capabilities, Hook, Request, Response, Setting, Trouble, usual
from newsletter.providers.asking import content, joined, json_request, letters, objects, refusal, refused
from newsletter.providers.grading import meant, reply_in
from newsletter.providers.hearing import check_secret, heard, objects_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "Mailjet"
CAPABILITIES = Capabilities(
    form="letter",
    batch=50,
    largest=15_000_000,
    largest_message=15_000_000,
    idempotent=86_400,  # no end is told of; we ask for no more than a day, and use half of it
    signed=False,
    list_id=False,
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"region": Setting("where the account is", default="eu", choices=("eu", "us"))}
)
KEY_ENV = "MAILJET_KEY"  # the two of them, with a colon between

_HOSTS = {"eu": "https://api.mailjet.com", "us": "https://api.us.mailjet.com"}
_NOT_OURS = frozenset({"list-id"})  # of the list of headers that are refused


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v3.1/send."""
    host = account.endpoint or _HOSTS[account.setting("region") or "eu"]
    login = b64encode(account.key.encode()).decode()
    body = {"Messages": [_message(each) for each in letters(batch)]}
    return json_request(f"{host}/v3.1/send", {"Authorization": f"Basic {login}"}, body)


def _message(letter: Letter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "From": _mailbox(letter.sender.name, letter.sender.email),
        "To": [_mailbox(letter.to.name, letter.to.email)],
        "Subject": letter.subject,
        "TextPart": letter.text_part,
        "HTMLPart": letter.html_part,
        "TemplateLanguage": False,  # braces are braces
        "Headers": {name: value for name, value in letter.headers if name.lower() not in _NOT_OURS},
        "CustomID": letter.reference,
        "EventPayload": letter.reference,
        "TrackOpens": "disabled",
        "TrackClicks": "disabled",
    }
    mailing = letter.reference.partition(".")[0]
    if mailing.isdecimal() and int(mailing):  # copies for a test go to the same person again and again
        told |= {"CustomCampaign": f"{letter.tag} {mailing}", "DeduplicateCampaign": True}
    if letter.reply_to:
        told["ReplyTo"] = {"Email": letter.reply_to}
    if letter.pictures:
        told["InlinedAttachments"] = [{**_part(each), "ContentID": each.content_id} for each in letter.pictures]
    if letter.files:
        told["Attachments"] = [_part(each) for each in letter.files]
    return told


def _mailbox(name: str, email: str) -> dict[str, str]:
    return {"Email": email, "Name": name} if name else {"Email": email}


def _part(each: Enclosed) -> dict[str, Any]:
    return {"ContentType": each.type, "Filename": each.name, "Base64Content": content(each)}


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """An object for each message, with the status "success" or "error"; 400 when some of them are errors."""
    told = response.json()
    answers = objects(told.get("Messages")) if isinstance(told, dict) else []
    # Before what a status means everywhere: of a partial failure, the rest was taken.
    if len(answers) == len(batch) and all(each.get("Status") in ("success", "error") for each in answers):
        return [_outcome(letter, answer) for letter, answer in zip(letters(batch), answers, strict=True)]
    said = joined((text_in(told, "ErrorMessage"), *(_said(each) for each in answers)))
    return usual(response, said) or refused(response, said)


def _outcome(letter: Letter, answer: dict[str, Any]) -> Outcome:
    if answer["Status"] == "success":
        to = objects(answer.get("To"))
        return Accepted(Reply(250, "", text_in(to[0], "MessageUUID")[:100] if to else ""))
    errors = objects(answer.get("Errors"))
    reply = refusal(_said(answer), letter, recipient=any("To" in str(each.get("ErrorRelatedTo")) for each in errors))
    is_later = any(each.get("StatusCode") in (429, 500, 503) for each in errors)
    return Deferred(reply) if is_later else Rejected(reply)


def _said(answer: dict[str, Any]) -> str:
    errors = objects(answer.get("Errors"))
    return joined(f"{each.get('ErrorCode', '')} {each.get('ErrorMessage', '')}".strip() for each in errors)


# Their word → ours.
_KINDS: dict[str, EventKind] = {
    "sent": EventKind.DELIVERED,  # the reader's server has taken it
    "bounce": EventKind.BOUNCED,
    "blocked": EventKind.BOUNCED,  # Mailjet did not try
    "spam": EventKind.COMPLAINED,
    "unsub": EventKind.UNSUBSCRIBED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
# What `error` says → what it means.
_ERRORS: dict[str, BounceClass | EventKind | None] = {
    "user unknown": BounceClass.HARD,
    "mailbox inactive": BounceClass.SOFT,  # "for too long": it may wake up, as for every other witness
    "quota exceeded": BounceClass.SOFT,
    "blacklisted": BounceClass.BLOCK,  # on the account's list there, by whoever's hand
    "spam reporter": EventKind.COMPLAINED,
    "invalid domain": BounceClass.HARD,
    "no mail host": BounceClass.SOFT,  # "nobody answers": of a typing error, or for an hour
    "relay/access denied": BounceClass.BLOCK,
    "greylisted": EventKind.DEFERRED,
    "typofix": BounceClass.HARD,
    "bad or empty template": BounceClass.CONTENT,
    "error in template language": BounceClass.CONTENT,
    "sender blocked": BounceClass.BLOCK,
    "content blocked": BounceClass.CONTENT,
    "policy issue": BounceClass.BLOCK,
    "system issue": BounceClass.SOFT,
    "protocol issue": BounceClass.SOFT,
    "connection issue": BounceClass.SOFT,
    "mailjet": BounceClass.BLOCK,
    "preblocked": BounceClass.SOFT,  # "it bounced recently, or repeatedly", be it hard or soft
    "duplicate in campaign": None,  # our own repeat, caught: the first one is on its way
}


def events(account: Account, hook: Hook) -> list[Event]:
    """Not signed: the call brings our secret, as the password in its address."""
    check_secret(account, hook)
    # One object, or a list of them where events are grouped.
    return [event for each in objects_in(hook) if (event := _event(account, each))]


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    word, error = text_in(told, "event"), text_in(told, "error").lower()
    kind = _KINDS.get(word)
    bounce: BounceClass | None = None
    if kind is EventKind.BOUNCED:
        doubt = BounceClass.HARD if told.get("hard_bounce") is True and not error else BounceClass.SOFT
        found = _ERRORS.get(error, doubt)
        if found is None:
            return None
        kind, bounce = meant(kind, found)
    if kind is None:
        return None
    code, text = reply_in(text_in(told, "smtp_reply") or joined((error, told.get("comment"))))
    return heard(
        account,
        kind,
        "mailjet",
        "/".join(text_in(told, name) for name in ("MessageID", "event", "time", "email")),
        reference=text_in(told, "Payload") or text_in(told, "CustomID"),
        address=text_in(told, "email"),
        at=text_in(told, "time"),
        code=code,
        text=text,
        bounce=bounce,
    )
