"""Postmark: batches of 500, an answer for each message in a 200, newsletters through a broadcast stream.

https://postmarkapp.com/developer/api/email-api#send-batch-emails
https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from __future__ import annotations

import json
from base64 import b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Reply, parse_reply
from newsletter.providers import Account, Capabilities, Hook, Request, Response, Setting, Trouble, What, usual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

NAME = "Postmark"
CAPABILITIES = Capabilities(
    form="letter",
    batch=500,
    largest=50_000_000,
    signed=False,
    notes=("Postmark takes newsletters only through a message stream of the type Broadcast: stream names it.",),
)
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {"stream": Setting("the message stream, which must be of the type Broadcast", default="broadcast")}
)
KEY_ENV = "POSTMARK_SERVER_TOKEN"

# https://postmarkapp.com/developer/api/overview#error-codes
_INACTIVE, _BAD_ADDRESS = 406, 300
_LATER = frozenset({100, 429, 501})  # maintenance, rate
_OURS = frozenset({400, 401, 405, 412, 413, 1235})  # sender signature, quota, pending approval, stream


def request(account: Account, batch: Sequence[Message], key: str) -> Request:  # noqa: ARG001  (Postmark knows no keys)
    """POST /email/batch."""
    stream = account.setting("stream") or SETTINGS["stream"].default
    body = [_message(message.letter, stream) for message in batch if message.letter is not None]
    return Request(
        f"{account.endpoint or 'https://api.postmarkapp.com'}/email/batch",
        {"X-Postmark-Server-Token": account.key, "Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(body, ensure_ascii=False).encode(),
    )


def _message(letter: Letter, stream: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "From": _mailbox(letter.sender.name, letter.sender.email),
        "To": _mailbox(letter.to.name, letter.to.email),
        "Subject": letter.subject,
        "HtmlBody": letter.html,
        "TextBody": letter.text,
        "Headers": [{"Name": name, "Value": value} for name, value in letter.headers],
        "Tag": letter.tag,
        "Metadata": {"delivery": letter.reference},
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    if letter.reply_to:
        told["ReplyTo"] = letter.reply_to
    if parts := [*(_part(each, inline=True) for each in letter.pictures), *map(_part, letter.files)]:
        told["Attachments"] = parts
    return told


def _mailbox(name: str, email: str) -> str:
    """A mailbox as RFC 5322 writes it, with the name in quotes."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{email}>' if name else email


def _part(each: Enclosed, *, inline: bool = False) -> dict[str, str]:
    told = {"Name": each.name, "Content": b64encode(each.content).decode(), "ContentType": each.type}
    return {**told, "ContentID": f"cid:{each.content_id}"} if inline else told


def outcomes(
    account: Account,  # noqa: ARG001
    batch: Sequence[Message],
    response: Response,
) -> list[Outcome] | Trouble:
    """200 with an object for each message, whose ErrorCode is 0 for the good ones."""
    if trouble := usual(response):
        return trouble
    answers = response.json()
    if response.status != 200 or not isinstance(answers, list) or len(answers) != len(batch):
        said = answers if isinstance(answers, dict) else {}
        reply = parse_reply(response.status, [f"{said.get('ErrorCode', '')} {said.get('Message', '')}".strip()])
        return Trouble(What.SPLIT if 400 <= response.status < 500 else What.UNCLEAR, reply)
    return [_outcome(answer if isinstance(answer, dict) else {}) for answer in answers]


def _outcome(answer: dict[str, Any]) -> Outcome:
    code, said = answer.get("ErrorCode"), str(answer.get("Message", ""))
    if code == 0:
        return Accepted(Reply(250, "", str(answer.get("MessageID", ""))[:100]))
    reply = parse_reply(550, [f"5.1.1 {code} {said}" if code in {_INACTIVE, _BAD_ADDRESS} else f"5.7.0 {code} {said}"])
    return Deferred(reply) if code in _LATER else Rejected(reply)


def events(account: Account, hook: Hook) -> list[Event]:
    """What Postmark tells."""
    raise NotImplementedError
