"""Brevo: a version of the message for each reader in one request, with headers of its own.

Its templates are filled in wherever braces ask for it, so braces that could are written otherwise.

https://developers.brevo.com/reference/sendtransacemail
https://developers.brevo.com/docs/heterogenous-versions-batch-emails (keys: half an hour, then "duplicate_parameter")
https://developers.brevo.com/docs/transactional-webhooks
"""

from __future__ import annotations

from email.header import Header
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from newsletter.bounce import BounceClass
from newsletter.event import EventKind
from newsletter.outcome import Accepted, Outcome, Rejected, Reply
from newsletter.providers import Account, Capabilities, Hook, Request, Response, Setting, Trouble, What, reply_of, usual
from newsletter.providers.asking import (
    content,
    filled,
    json_request,
    letters,
    literal_html,
    literal_part,
    literal_text,
    refusal,
    refused,
)
from newsletter.providers.grading import judge, kept_back, meant, reply_in
from newsletter.providers.hearing import check_secret, heard, objects_in, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message

NAME = "Brevo"
CAPABILITIES = Capabilities(
    form="letter",
    batch=1000,
    largest=10_000_000,
    largest_message=10_000_000,
    idempotent=1800,  # half of it is used: when keys came, they were for a quarter of an hour
    inline_images=False,
    utf8_headers=False,
    tracking="account",
    signed=False,
)
SETTINGS: Mapping[str, Setting] = MappingProxyType({})
KEY_ENV = "BREVO_API_KEY"

_SPECIALS = set('()<>[]:;@\\,."')  # RFC 5322 section 3.2.3
_NO_CREDITS = 402


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    """POST /v3/smtp/email."""
    told = letters(batch)
    first = told[0]
    body: dict[str, Any] = {
        "sender": _mailbox(first.sender.name, first.sender.email),
        "subject": literal_text(first.subject),  # of versions that have none; all of them have
        "htmlContent": literal_html(first.html_part),
        "textContent": literal_part(filled(first.text_part)),
        "tags": [first.tag],
        "headers": {"idempotencyKey": str(UUID(bytes=sha256(key.encode()).digest()[:16], version=4))},
        "messageVersions": [_version(letter) for letter in told],
    }
    if first.reply_to:
        body["replyTo"] = {"email": first.reply_to}
    if first.files:
        body["attachment"] = [{"name": each.name, "content": content(each)} for each in first.files]
    url = f"{account.endpoint or 'https://api.brevo.com'}/v3/smtp/email"
    return json_request(url, {"api-key": account.key}, body)


def _version(letter: Letter) -> dict[str, Any]:
    headers = {name: _in_ascii(value) for name, value in letter.headers}
    return {
        "to": [_mailbox(letter.to.name, letter.to.email)],
        "subject": literal_text(letter.subject),
        "htmlContent": literal_html(letter.html_part),
        "textContent": literal_part(filled(letter.text_part)),
        "headers": {**headers, "X-Mailin-custom": letter.reference},
    }


def _in_ascii(value: str) -> str:
    """A header's value without encoded words: Brevo would decode them, and send eight bits."""
    return value[value.rindex("<") :] if "=?" in value and "<" in value else value


def _mailbox(name: str, email: str) -> dict[str, str]:
    name = literal_text(name)
    # A name with an accent and a comma would be left out; as an encoded word (RFC 2047), it arrives.
    if not name.isascii() and _SPECIALS & set(name):
        name = Header(name, "utf-8", maxlinelen=10_000).encode()
    return {"email": email, "name": name} if name else {"email": email}


def outcomes(
    account: Account,
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """201 with the ids of all versions in order, or one error for all of them."""
    told = response.json()
    code, said = text_in(told, "code"), text_in(told, "message")
    words = f"{code} {said}".strip()
    if 400 <= response.status < 500 and code == "duplicate_parameter":
        # Our own repeat: the first call, whose answer was lost, was taken, and this one was not.
        return [Accepted(Reply(250, "", "taken before")) for _ in batch]
    if response.status == _NO_CREDITS or code == "not_enough_credits":
        return Trouble(What.KEY, reply_of(response, words))
    if trouble := usual(response, words):
        return trouble
    if 200 <= response.status < 300:
        ids = told.get("messageIds") if isinstance(told, dict) else None
        if not isinstance(ids, list):
            ids = [text_in(told, "messageId")] if text_in(told, "messageId") else []
        if len(ids) == len(batch):
            return [Accepted(Reply(250, "", str(each)[:100])) for each in ids]
        return Trouble(What.UNCLEAR, reply_of(response, "an answer that does not name all messages"))
    if response.status == 400 and len(batch) == 1:
        return [Rejected(refusal(words, batch[0].letter, recipient="email is not valid in to" in said))]
    return refused(response, words)


# Their word → ours. None: it tells nothing that we do not know. The names of the settings (`hardBounce`) and those of
# the calls (`hard_bounce`) are both in their documentation: they are compared without marks and capitals.
_KINDS: dict[str, EventKind | None] = {
    "request": None,  # Brevo has taken it
    "sent": None,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "softbounce": EventKind.BOUNCED,
    "hardbounce": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "invalidemail": EventKind.BOUNCED,
    "blocked": EventKind.BOUNCED,  # on Brevo's list of addresses that are not written to: see kept_back
    "error": EventKind.BOUNCED,  # the message could not be made
    "spam": EventKind.COMPLAINED,
    "complaint": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "uniqueopened": EventKind.OPENED,
    "proxyopen": EventKind.OPENED,
    "uniqueproxyopen": EventKind.OPENED,
    "loadedbyproxy": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "listaddition": None,
}
_HARD = frozenset({"hardbounce", "invalid", "invalidemail"})


def events(account: Account, hook: Hook) -> list[Event]:
    """Not signed: the call brings our secret, as a password, as a token, or in its address."""
    check_secret(account, hook)
    return [event for each in objects_in(hook) if (event := _event(account, each))]


def _event(account: Account, told: dict[str, Any]) -> Event | None:
    word = text_in(told, "event").lower().replace("_", "")
    kind = _KINDS.get(word)
    code, text = reply_in(text_in(told, "reason"))
    bounce: BounceClass | None = None
    if kind and word == "blocked":  # also by hand
        kind, bounce = meant(kind, kept_back(text, BounceClass.BLOCK))
    elif kind is EventKind.BOUNCED:
        bounce = BounceClass.CONTENT if word == "error" else judge(code, text, hard=word in _HARD)
    if kind is None:
        return None
    # There is no id of an event; and of its times only this one is in UTC.
    at = text_in(told, "ts_epoch")
    return heard(
        account,
        kind,
        "brevo",
        "/".join((text_in(told, "message-id"), word, at or text_in(told, "ts_event"), text_in(told, "email"))),
        reference=text_in(told, "X-Mailin-custom"),
        address=text_in(told, "email"),
        at=at,
        code=code,
        text=text,
        bounce=bounce,
    )
