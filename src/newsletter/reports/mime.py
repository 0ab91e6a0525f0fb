"""Read a message as far as a report needs it: header fields, parts, text (RFC 5322, RFC 2045-2046).

The standard library's parser reads more, and for hostile mail it raises, recurses or takes quadratic time. This one
looks at the first half megabyte, six levels deep, in time that grows with the length; whatever it is given is read as
well as it can be, and nothing raises. Whatever text comes out can be stored: it has a UTF-8, and no NUL.
"""

from __future__ import annotations

import binascii
import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from itertools import islice, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A report says everything before the message that it returns, which may be long.
_OCTETS = 512 * 1024
_HEADER_OCTETS = 64 * 1024
_TEXT_OCTETS = 64 * 1024
_MOST_FIELDS = 500
_SUBJECT = 1000  # characters
_MOST_PARTS = 20
_DEEPEST = 6

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_FOLD = re.compile(rb"\n[ \t]+")
_TYPE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)", re.ASCII)
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_CHARSET = re.compile(r'charset\s*=\s*"?([\w.:-]{1,40})', re.IGNORECASE | re.ASCII)
# What Python decodes as if it were an encoding of mail: notations, in which a sender may hide an address, or half of a
# surrogate pair. UTF-7 is such a one by now, too: the WHATWG's standard, section 4.2, knows it no more.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a header, or of a group in a report: names in lower case, values unfolded, in their order."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """The first field of that name; "" when there is none."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, *names: str) -> Iterator[str]:
        """Every field of these names."""
        return (value for key, value in self.pairs if key in names)

    @property
    def type(self) -> str:
        """The media type, such as text/plain."""
        found = _TYPE.match(self.get("content-type"))
        return found[1].lower() if found else "text/plain"

    @property
    def subject(self) -> str:
        """The subject, its encoded words read (RFC 2047)."""
        text = self.get("subject")[:_SUBJECT]
        try:
            return _storable(str(make_header(decode_header(text))))
        except (HeaderParseError, LookupError, ValueError):
            return text

    @property
    def date(self) -> datetime | None:
        """When it says that it was written, in UTC."""
        try:
            moment = parsedate_to_datetime(self.get("date"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Part:
    """A message or one part of it, its transfer encoding still on."""

    fields: Fields
    body: bytes

    @property
    def text(self) -> str:
        """The content as text, at most 64 KB of it."""
        data = self.body[:_TEXT_OCTETS]
        encoding = self.fields.get("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            data = _from_base64(data)
        elif encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        found = _CHARSET.search(self.fields.get("content-type"))
        return _decoded(data, found[1] if found else "latin-1").replace("\r\n", "\n")

    def leaves(self, depth: int = 0) -> Iterator[Part]:
        """The parts that are no multipart themselves, in their order. A message in a message counts as one part."""
        boundary = _BOUNDARY.search(self.fields.get("content-type"))
        if not self.fields.type.startswith("multipart/") or boundary is None or depth == _DEEPEST:
            yield self
            return
        for piece in _pieces(self.body, (boundary[1] or boundary[2]).encode("utf-8", "replace")):
            yield from read(piece).leaves(depth + 1)


def read_message(raw: bytes) -> Part:
    """A whole message, as it lies in a mailbox or comes through a pipe."""
    raw = raw[:_OCTETS].replace(b"\r\n", b"\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]  # the mark of an mbox
    return read(raw)


def read(raw: bytes) -> Part:
    """A header and what follows it; line ends are LF."""
    if raw.startswith(b"\n"):
        return Part(Fields(), raw[1:])
    head, _, body = raw.partition(b"\n\n")
    return Part(fields_in(head), body)


def fields_in(block: bytes) -> Fields:
    """The fields in a block of lines; what is no field is passed over."""
    pairs = []
    for line in _FOLD.sub(b" ", block[:_HEADER_OCTETS]).split(b"\n", _MOST_FIELDS)[:_MOST_FIELDS]:
        if found := _FIELD.fullmatch(line):
            pairs.append((found[1].decode("ascii").lower(), _decoded(found[2], "latin-1").strip()))
    return Fields(tuple(pairs))


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the boundaries (RFC 2046 section 5.1.1); the last part may lack its end."""
    # The whole line is the mark: a boundary that only begins like this one is another one's, further in.
    mark = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\n|\Z)")
    text = b"\n" + body
    marks = list(islice(mark.finditer(text), _MOST_PARTS))
    for found, following in pairwise([*marks, None]):
        if found is None or found[1]:
            return
        yield text[found.end() + 1 : following.start() if following else None]


def _decoded(data: bytes, charset: str) -> str:
    """Octets as text: UTF-8 if they are that, else what the sender says, and Latin-1 if they are not that either."""
    for name in ("utf-8", charset):
        try:
            if codecs.lookup(name).name.replace("_", "-") not in _NO_CHARSETS:
                return _storable(data.decode(name))
        except (LookupError, ValueError):
            continue
    return _storable(data.decode("latin-1"))


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _from_base64(data: bytes) -> bytes:
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return b""
