"""What providers are asked, read back: one function a provider, from a request's body to the messages in it."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr, unquote
from html import unescape
from typing import TYPE_CHECKING, Any

from tests.support.published import mistakes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.providers import Request


@dataclass(frozen=True)
class Seen:
    """One message, as the provider would understand it. Header names are in small letters."""

    to: tuple[str, str]  # name, address
    sender: tuple[str, str]
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    reference: str
    reply_to: str = ""
    tag: str = ""


def header(request: Request, name: str) -> str:
    """A header of a request, whatever its letters."""
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


def _mime(data: bytes, recipient: str, reference: str) -> Seen:
    """A whole message, read by the standard library."""
    message: Any = message_from_bytes(data, policy=policy.default)
    found: dict[str, str] = {}
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/html"):
            found.setdefault(part.get_content_type(), part.get_content())
    heads = message_from_bytes(data)
    to, sender = _mailbox(heads["To"]), _mailbox(heads["From"])
    assert to[1] == recipient
    return Seen(
        to=to,
        sender=sender,
        subject=message["Subject"],
        html=found["text/html"],
        text=found["text/plain"],
        headers={name.lower(): str(value) for name, value in message.items()},
        reference=reference,
        reply_to=str(message["Reply-To"] or ""),
    )


def _mailbox(text: str) -> tuple[str, str]:
    name, address = parseaddr(text)
    return str(make_header(decode_header(name))), address


def ses(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    (recipient,) = body["Destination"]["ToAddresses"]
    tags = {each["Name"]: each["Value"] for each in body["EmailTags"]}
    seen = _mime(b64decode(body["Content"]["Raw"]["Data"]), recipient, tags["delivery"].replace("-", "."))
    return [replace(seen, tag=tags["issue"])]


def mailgun(request: Request) -> list[Seen]:
    boundary = header(request, "content-type").partition("boundary=")[2].encode()
    fields: dict[str, bytes] = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        fields[head.partition(b'name="')[2].partition(b'"')[0].decode()] = value.removesuffix(b"\r\n")
    assert "recipient-variables" not in fields
    seen = _mime(fields["message"], fields["to"].decode(), fields["v:delivery"].decode())
    return [replace(seen, tag=fields["o:tag"].decode())]


def postmark(request: Request) -> list[Seen]:
    return [
        Seen(
            to=parseaddr(each["To"]),
            sender=parseaddr(each["From"]),
            subject=each["Subject"],
            html=each["HtmlBody"],
            text=each["TextBody"],
            headers={one["Name"].lower(): one["Value"] for one in each["Headers"]},
            reference=each["Metadata"]["delivery"],
            reply_to=each["ReplyTo"],
            tag=each["Tag"],
        )
        for each in json.loads(request.body)
    ]


def sparkpost(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    assert body["options"]["perform_substitutions"] is False
    (recipient,) = body["recipients"]
    data = body["content"]["email_rfc822"].encode()
    seen = _mime(data, recipient["address"]["email"], recipient["metadata"]["delivery"])
    return [replace(seen, tag=body["campaign_id"])]


def scaleway(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    headers = {each["key"].lower(): each["value"] for each in body["additional_headers"]}
    (to,) = body["to"]
    return [
        Seen(
            to=(to["name"], to["email"]),
            sender=(body["from"]["name"], body["from"]["email"]),
            subject=body["subject"],
            html=body["html"],
            text=body["text"],
            headers=headers,
            reference=headers["x-newsletter-delivery"],
            reply_to=headers["reply-to"],
        )
    ]


def postal(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    (recipient,) = body["rcpt_to"]
    data = b64decode(body["data"])
    return [_mime(data, recipient, _from_message_id(data))]


def kumomta(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    assert body["template_dialect"] == "Static"
    (recipient,) = body["recipients"]
    data = body["content"].encode()
    return [_mime(data, recipient["email"], _from_message_id(data))]


def sendgrid(request: Request) -> list[Seen]:
    assert mistakes("sendgrid", request) == []
    body = json.loads(request.body)
    assert "substitutions" not in str(body)
    assert not any(each["enable"] for each in body["tracking_settings"].values())
    (personal,) = body["personalizations"]
    (to,) = personal["to"]
    name = to["name"]
    content = {each["type"]: each["value"] for each in body["content"]}
    return [
        Seen(
            to=(unquote(name) if {",", ";"} & set(name) else name, to["email"]),
            sender=(body["from"]["name"], body["from"]["email"]),
            subject=body["subject"],
            html=content["text/html"],
            text=content["text/plain"],
            headers={name.lower(): value for name, value in personal["headers"].items()},
            reference=personal["custom_args"]["delivery"],
            reply_to=body["reply_to"]["email"],
            tag=body["categories"][0],
        )
    ]


def _no_template(text: str) -> str:
    """The text as a reader sees it, once it is certain that a template language sees nothing in it."""
    assert not any(begin in text for begin in ("{{", "{%", "{#", "{$"))
    return text.replace("\u2060", "")


def brevo(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    assert "params" not in str(body)
    return [
        Seen(
            to=(_no_template(str(make_header(decode_header(each["to"][0]["name"])))), each["to"][0]["email"]),
            sender=(str(make_header(decode_header(body["sender"]["name"]))), body["sender"]["email"]),
            subject=_no_template(each["subject"]),
            html=unescape(_no_template(each["htmlContent"])),
            text=_no_template(each["textContent"]),
            headers={name.lower(): value for name, value in each["headers"].items() if value.isascii()},
            reference=each["headers"]["X-Mailin-custom"],
            reply_to=body["replyTo"]["email"],
            tag=body["tags"][0],
        )
        for each in body["messageVersions"]
    ]


def mailjet(request: Request) -> list[Seen]:
    return [
        Seen(
            to=(each["To"][0]["Name"], each["To"][0]["Email"]),
            sender=(each["From"]["Name"], each["From"]["Email"]),
            subject=each["Subject"],
            html=each["HTMLPart"],
            text=each["TextPart"],
            headers={name.lower(): value for name, value in each["Headers"].items()},
            reference=each["EventPayload"],
            reply_to=each["ReplyTo"]["Email"],
            tag=each["CustomCampaign"],
        )
        for each in json.loads(request.body)["Messages"]
        if each["TemplateLanguage"] is False
    ]


def resend(request: Request) -> list[Seen]:
    assert mistakes("resend", request) == []
    body = json.loads(request.body)
    return [
        Seen(
            to=parseaddr(each["to"][0]),
            sender=parseaddr(each["from"]),
            subject=each["subject"],
            html=each["html"],
            text=each["text"],
            headers={name.lower(): value for name, value in each["headers"].items()},
            reference={tag["name"]: tag["value"] for tag in each["tags"]}["delivery"].replace("-", "."),
            reply_to=each["reply_to"],
            tag={tag["name"]: tag["value"] for tag in each["tags"]}["issue"],
        )
        for each in (body if isinstance(body, list) else [body])
    ]


def mailersend(request: Request) -> list[Seen]:
    body = json.loads(request.body)
    (to,) = body["to"]
    return [
        Seen(
            to=(_no_template(to["name"]), to["email"]),
            sender=(body["from"]["name"], body["from"]["email"]),
            subject=_no_template(body["subject"]),
            html=unescape(_no_template(body["html"])),
            text=_no_template(body["text"]),
            headers={each["name"].lower(): each["value"] for each in body["headers"]},
            reference=body["tags"][1],
            reply_to=body["reply_to"]["email"],
            tag=body["tags"][0],
        )
    ]


def _from_message_id(data: bytes) -> str:
    return message_from_bytes(data)["Message-ID"].strip("<>").partition("@")[0]


READERS: dict[str, Callable[[Request], list[Seen]]] = {
    "ses": ses,
    "mailgun": mailgun,
    "sendgrid": sendgrid,
    "postmark": postmark,
    "brevo": brevo,
    "mailjet": mailjet,
    "resend": resend,
    "mailersend": mailersend,
    "sparkpost": sparkpost,
    "scaleway": scaleway,
    "postal": postal,
    "kumomta": kumomta,
}
