"""What a message says, for showing: every function here takes any bytes and answers, whatever is wrong with them.

The standard library's modern policy (email.policy.default) raises on some malformed headers, and so stays with
tests that want to hear of it. Here messages are read with the old, forgiving policy (email.policy.compat32), and
charsets, encoded words (RFC 2047) and damage are dealt with below. Nothing here is escaped: that is for the page.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

SNIPPET_LENGTH = 140
_SIGNATURE = "-- "
_INVISIBLE = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
# Python's own codecs: some warn, some take quadratic time, none is a charset of RFC 2045.
_NOT_OF_MAIL = frozenset(("unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined"))
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the MIME tree, in order; `number` counts from 1."""

    number: int
    content_type: str
    filename: str
    content_id: str
    attached: bool
    charset: str
    content: bytes
    format: str = ""  # of plain text (RFC 3676): "flowed", "flowed delsp", or ""

    @property
    def text(self) -> str:
        """The content as text: in its charset, else as UTF-8, and what does not fit as replacement characters."""
        text = _in_charset(self.content, self.charset)
        return _flowing(text, delsp=self.format == "flowed delsp") if self.format else text


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as a person reads it; `html` and `text` are None where there is no such part."""

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    html: str | None
    text: str | None

    def header(self, name: str) -> str:
        """The first header of that name, "" when there is none."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), "")

    @property
    def subject(self) -> str:
        return " ".join(self.header("Subject").split())

    @property
    def snippet(self) -> str:
        """What a mail program shows beside the subject: the first words of the HTML, else of the text."""
        words = _first_words(self.html) if self.html is not None else self.text or ""
        visible = " ".join(_INVISIBLE.sub("", words[: SNIPPET_LENGTH * 20]).split())
        return visible if len(visible) <= SNIPPET_LENGTH else visible[:SNIPPET_LENGTH].rstrip() + "…"


def read(raw: bytes) -> Reading:
    """Read one message, however broken."""
    try:
        message = message_from_bytes(raw)
        parts = tuple(_parts(message))
    except Exception:  # such as parts within parts a thousand levels deep
        message = BytesHeaderParser().parsebytes(raw)
        body = raw.partition(b"\r\n\r\n")[2] or raw.partition(b"\n\n")[2]
        parts = (Part(1, "text/plain", "", "", False, "", body),)
    return Reading(tuple(_headers(message)), parts, _first(parts, "text/html"), _first(parts, "text/plain"))


def name_and_address(header: str) -> tuple[str, str]:
    """The first mailbox of a From or To header as (name, address); both "" when there is none."""
    try:
        return next(((name, address) for name, address in getaddresses([header]) if address), (header, ""))
    except (ValueError, IndexError):
        return header, ""


def with_parts_linked(html: str, parts: tuple[Part, ...], link: Callable[[Part], str]) -> str:
    """Replace each `cid:` address (RFC 2392) that names a part by a link to it."""
    by_id = {part.content_id: part for part in parts if part.content_id}
    if not by_id:
        return html
    known = "|".join(re.escape(cid) for cid in sorted(by_id, key=len, reverse=True))
    return re.sub(rf"\bcid:({known})(?![\w.@-])", lambda found: link(by_id[found[1]]), html)


def with_links_in_new_tabs(html: str) -> str:
    """Add `<base target="_blank">`, so that a link opens beside the mailbox and not inside its frame.

    It goes into the head, and in no case before the doctype, which would change how the page is laid out.
    """
    base = '<base target="_blank">'
    for opening in (r"<head(?:\s[^>]*)?>", r"<html(?:\s[^>]*)?>", r"<!doctype[^>]*>"):
        if found := re.search(opening, html[:20_000], re.IGNORECASE):
            return html[: found.end()] + base + html[found.end() :]
    return base + html


def _parts(message: Message) -> Iterator[Part]:
    waiting = [message]
    number = 0
    while waiting:
        part = waiting.pop(0)
        children = part.get_payload()
        if isinstance(children, list) and part.get_content_maintype() == "multipart":
            waiting[:0] = [child for child in children if not isinstance(child, str)]
            continue
        number += 1
        try:
            yield _part(number, part)
        except Exception:  # one part that makes no sense does not hide the others
            yield Part(number, "application/octet-stream", "", "", True, "", b"")


def _part(number: int, part: Message) -> Part:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        content = payload
    else:  # message/rfc822: the payload is a message
        children = part.get_payload()
        content = bytes(children[0]) if isinstance(children, list) and not isinstance(children[0], str) else b""
    return Part(
        number=number,
        content_type=part.get_content_type(),
        filename=_decoded(_as_text(part.get_filename() or "")),
        content_id=_as_text(part.get("Content-ID", "")).strip().strip("<>"),
        attached=part.get_content_disposition() == "attachment",
        charset=str(part.get_content_charset() or ""),
        content=content,
        format=_format(part),
    )


def _format(part: Message) -> str:
    if part.get_content_type() != "text/plain" or _parameter(part, "format") != "flowed":
        return ""
    return "flowed delsp" if _parameter(part, "delsp") == "yes" else "flowed"


def _parameter(part: Message, name: str) -> str:
    return _as_text(part.get_param(name, "")).casefold()


def _flowing(text: str, *, delsp: bool) -> str:
    """Text that is format=flowed (RFC 3676 section 4.2) as paragraphs: each one line, which the screen breaks."""
    out: list[str] = []
    before = -1  # how many quotes the line stands in that goes on; -1: none does
    for line in text.split("\n"):
        rest = line.removesuffix("\r").lstrip(">")
        depth = len(line.removesuffix("\r")) - len(rest)
        words = rest.removeprefix(" ")
        goes_on = words.endswith(" ") and words != _SIGNATURE
        shown = words[:-1] if goes_on and delsp else words
        if depth == before and words != _SIGNATURE:
            out[-1] += shown
        else:
            out.append(f"{'>' * depth}{' ' if depth else ''}{shown}")
        before = depth if goes_on else -1
    return "\n".join(out)


def _first(parts: tuple[Part, ...], content_type: str) -> str | None:
    return next((part.text for part in parts if part.content_type == content_type and not part.attached), None)


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        yield _as_text(name), _decoded(_as_text(value))


def _as_text(value: object) -> str:
    """Raw octets of a header are UTF-8 (RFC 6532); the parser hands them over as lone surrogates."""
    try:
        return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # a surrogate that stands for no octet
        return _without_surrogates(str(value))


def _decoded(value: str) -> str:
    """A header's value unfolded, its encoded words decoded, without control characters."""
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value)
    try:
        words = decode_header(unfolded)
    except (HeaderParseError, ValueError):
        words = [(unfolded, None)]
    text = _without_surrogates("".join(_word(*word) for word in words))
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _word(word: bytes | str, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    if charset is None:  # decode_header's own way to carry plain characters beside encoded words
        return word.decode("raw-unicode-escape", "replace")
    return _in_charset(word, charset)


def _in_charset(content: bytes, charset: str) -> str:
    try:
        known = codecs.lookup(charset or "utf-8").name
        text = content.decode("utf-8" if known.replace("-", "_") in _NOT_OF_MAIL else known, "replace")
    except (LookupError, ValueError):  # an unknown charset, or a codec that is not for text
        text = content.decode("utf-8", "replace")
    return _without_surrogates(text)


def _without_surrogates(text: str) -> str:
    """UTF-7 and escapes can spell halves of a character, which no page can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


class _FirstWords(HTMLParser):
    """Collects the text of a page's body, up to what a snippet needs."""

    _SILENT = frozenset(("head", "style", "script", "title", "template", "noscript"))
    _SPACED = frozenset(("br", "img", "hr", "td", "p", "div", "h1", "h2", "h3", "li", "tr"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent.append(tag)
        elif tag == "body":
            self._silent.clear()
        if tag in self._SPACED:
            self.found.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def _first_words(html: str) -> str:
    """The first words of a page; a preheader that is hidden from the eye counts, as it does for mail programs."""
    parser = _FirstWords()
    try:
        parser.feed(html[:60_000])
    except Exception:  # whatever it trips over: what it had found until then is the answer
        return "".join(parser.found)
    return "".join(parser.found)
