"""What the `request` and `outcomes` of providers that take letters share."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.letter import Part
from newsletter.outcome import Reply, parse_reply
from newsletter.providers import Request, Response, Trouble, What, reply_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from newsletter.letter import Letter
    from newsletter.message import Message
    from newsletter.picture import Enclosed

# What begins a place in the template languages of providers, such as `{{ name }}`, `{% if %}`, `{# … #}` and `{$name}`.
_BEGINS = re.compile(r"\{(?=[{%#$])")
_BEGIN_IN_JSON = re.compile(rb"\{[{%#$]")  # these stand for themselves there
_STYLE = re.compile(r"(<style\b.*?</style>)", re.IGNORECASE | re.DOTALL)
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_-]+")
_BLANK = Part.of(" ")
_NOTHING_SEEN = "\u2060"  # WORD JOINER: no width, and no place to break a line


def plain_tag(text: str, most: int = 256) -> str:
    """A tag for those who take no other signs than these."""
    return _NOT_IN_TAGS.sub("-", text)[:most] or "-"


def letters(batch: Sequence[Message]) -> list[Letter]:
    """The letters of a batch, in its order."""
    return [message.letter for message in batch if message.letter is not None]


def to_json(data: Any) -> bytes:
    """Data as the body of a request, in which a `Part` is a text. What is not ASCII is escaped: that is fast to write.

    Parts are spliced in as they are. A text of NUL alone marks their places: where it was in the data, all is written
    anew.
    """
    parts: list[Part] = []

    def mark(part: Any) -> str:
        if not isinstance(part, Part):
            raise TypeError(f"no data: {type(part).__name__}")
        parts.append(part)
        return "\0"

    pieces = json.dumps(data, separators=(",", ":"), default=mark).encode("ascii").split(b'"\\u0000"')
    if len(pieces) != len(parts) + 1:
        return json.dumps(data, separators=(",", ":"), default=lambda part: part.text).encode("ascii")
    body = [pieces[0]]
    for part, piece in zip(parts, pieces[1:], strict=True):
        body += part.json, piece
    return b"".join(body)


def filled(part: Part) -> Part:
    """A text, or a blank in place of none: some refuse a message without."""
    return part if part.json != b'""' else _BLANK


def mailbox(name: str, email: str) -> str:
    """A mailbox as RFC 5322 writes it, with the name in quotes; whoever takes it encodes what is not ASCII."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{email}>' if name else email


def json_request(url: str, headers: Mapping[str, str], data: Any) -> Request:
    """Data to be posted as JSON; `headers` say who asks."""
    return Request(url, {**headers, "Content-Type": "application/json", "Accept": "application/json"}, to_json(data))


@lru_cache(maxsize=32)
def content(each: Enclosed) -> Part:
    """A file in base64: encoded once for all messages that carry it."""
    return base64_part(each.content)


def base64_part(data: bytes) -> Part:
    """Octets in base64, as a text."""
    return Part(b'"' + b64encode(data) + b'"')


def literal_html(html: Part) -> Part:
    """HTML in which no brace means anything to a template language, and which looks the same."""
    if not _BEGIN_IN_JSON.search(html.json):
        return html
    parts = _STYLE.split(html.text)
    # In a style sheet, a blank behind a brace; elsewhere, the brace as a character reference.
    return Part.of("".join(_BEGINS.sub("{ " if number % 2 else "&#123;", part) for number, part in enumerate(parts)))


def literal_part(text: Part) -> Part:
    """Plain text in which no brace means anything to a template language, and which looks the same."""
    return Part.of(literal_text(text.text)) if _BEGIN_IN_JSON.search(text.json) else text


def literal_text(text: str) -> str:
    """A line of text in which no brace means anything to a template language, and which looks the same."""
    return _BEGINS.sub("{" + _NOTHING_SEEN, text)


def refusal(said: str, letter: Letter | None, *, recipient: bool) -> Reply:
    """A refusal of one message in the words of a mail server's: of its recipient, or of what we ask."""
    if not recipient:
        return parse_reply(550, [f"5.7.0 {said}"])
    is_ascii = letter is None or letter.to.email.isascii()
    return parse_reply(550, [f"5.1.3 {said}" if is_ascii else f"5.6.7 {said}"])  # RFC 6531: it is they who cannot


def refused(response: Response, said: str) -> Trouble:
    """An answer that is neither good nor usual: nothing was taken, because of some message, or it is not clear."""
    is_refusal = 400 <= response.status < 500
    return Trouble(What.SPLIT if is_refusal else What.UNCLEAR, reply_of(response, said, "5.7.0" if is_refusal else ""))


def joined(texts: Iterable[Any]) -> str:
    """Some of a stranger's texts as one."""
    return "; ".join(text for text in texts if isinstance(text, str) and text)[:500]


def objects(data: Any) -> list[dict[str, Any]]:
    """The objects in a stranger's list; nothing where there is no list."""
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
