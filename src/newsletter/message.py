r"""Compose: an edition and a recipient become a message, byte for byte ready for the wire.

The message is compiled, as the edition was: MIME structure, headers and quoted-printable of all that is constant are
made once, as bytes with holes. A recipient then costs the encoding of a few values and one join.

    Compiled = [b"From: …", hole, b"…=\r\n", hole, b"…"]

Around each hole in a body stand soft line breaks, so that what surrounds it was encoded for column 0, whatever the
value's length. No line ever starts with a dot, so a message needs no dot-stuffing (RFC 5321 section 4.5.2).

    multipart/alternative ─ text/plain
                          └ text/html, or multipart/related ─ text/html
                                                            └ image/… as often as the edition has pictures

With files, that stands in multipart/mixed, before an attachment for each of them.

Standards: RFC 5322 (headers), 2045-2047 (MIME), 2183 (inline), 2387 (related), 2392 (cid:), 3676 (format=flowed),
2369, 2919 and 8058 (list headers).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote

from newsletter.edition import fill
from newsletter.encoding import header, header_safe, mailbox_header, quoted_printable, quoted_value
from newsletter.picture import attachments, related_begins, related_ends
from newsletter.splicing import Program, Splicer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.edition import Edition
    from newsletter.letter import Letter

_PERSONAL_HEADERS = 5  # Date, Message-ID, To, Subject, List-Unsubscribe


class Mailbox(NamedTuple):
    """A name and an address, as in `Élodie Durand <elodie@example.org>`. The domain is in ASCII (A-labels)."""

    email: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Envelope(NamedTuple):
    """Whom the next hop is told: the return path and the one recipient (RFC 5321)."""

    sender: str
    recipient: str


class Message(NamedTuple):
    """One message to one recipient. `key` is the ledger's, and comes back with the outcome.

    A tuple, as is all that is made for each of a million: to make one takes a fourth of a frozen dataclass's time. Its
    data is joined when it is asked for: who writes it at once finds it in the processor's cache, where 40 KB that were
    made twenty messages ago are not; and only what is about to be sent takes memory.
    """

    key: int
    envelope: Envelope
    message_id: str  # with its angle brackets
    parts: Sequence[bytes]  # of its data
    known_ascii: bool = False  # they need no looking through, which takes 1.3 µs of 40 KB
    letter: Letter | None = None  # the same in its parts, for a provider that wants them; `data` is empty then
    tag: str = ""  # the issue's name, by which providers count
    again: int = 0  # of a batch that was offered before: all of the same number go in one request, as they did then

    @property
    def data(self) -> bytes:
        """Header and body as they go over the wire: CRLF line ends, no line starts with a dot, ends with CRLF."""
        return b"".join(self.parts)

    @property
    def size(self) -> int:
        """The octets of `data`, which are not joined for it."""
        return sum(map(len, self.parts))

    @property
    def reference(self) -> str:
        """The delivery, signed, as a provider is given it: the Message-ID before its @."""
        return self.message_id.strip("<>").partition("@")[0]

    @property
    def is_ascii(self) -> bool:
        """Whether the next hop needs to take no more than seven bits."""
        return self.known_ascii or all(map(bytes.isascii, self.parts))


class Composer(Protocol):
    """What completes an edition for one recipient after another: `Compiled` here, `letter.Letters` for APIs."""

    def compose(
        self,
        key: int,
        to: Mailbox,
        values: Sequence[str],
        *,
        message_id: str,
        date: datetime,
        unsubscribe_url: str,
        return_path: str = "",
    ) -> Message:
        """The message for one recipient. Raises ValueError for what no message can hold."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """What every message of a mailing says of its sender and its list."""

    sender: Mailbox
    reply_to: str
    list_title: str
    list_id: str  # "letter.example.org": stable for ever, filters key on it
    unsubscribe_email: str
    return_path: str
    subject_prefix: str = ""  # "[Test] "
    is_test: bool = False
    one_click: bool = True  # RFC 8058 asks for https: without it, the one click is not promised


def _constant(text: str, hole: bool) -> bytes:
    return quoted_printable(text, soft_end=hole)


class Compiled:
    """An edition in a frame, ready to be completed for one recipient after another."""

    def __init__(self, edition: Edition, frame: Frame, issue: str = "") -> None:
        """Encode all that is constant. `issue` is its name, by which providers count.

        Raises ValueError when the frame holds a character no header may hold.
        """
        self._frame, self._issue = frame, issue
        self._unsubscribe_email = quote(frame.unsubscribe_email, safe="@+")  # RFC 6068 section 2
        self._subject = edition.subject
        self._constant_subject: bytes | None = None
        if all(isinstance(part, str) for part in edition.subject):
            self._constant_subject = self._encode_subject(())
        # "=_" cannot occur in quoted-printable text or base64 (RFC 2045 section 6.7, 6.8), so no part can contain a
        # boundary.
        fingerprint = edition.fingerprint.encode()
        boundary, inner, outer = (b"=_" + part for part in (fingerprint[:24], fingerprint[24:48], fingerprint[48:]))
        alternative = b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n'
        mixed = b'Content-Type: multipart/mixed; boundary="' + outer + b'"\r\n'
        head = _constant_headers(frame) + b"MIME-Version: 1.0\r\n" + (mixed if edition.files else alternative)
        before_text = b"\r\n--" + outer + b"\r\n" + alternative if edition.files else b""
        before_text += (
            b"\r\n--" + boundary + b"\r\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=no\r\n"
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        )
        before_html = (
            b"\r\n--"
            + boundary
            + related_begins(edition.pictures, inner)
            + (b"\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
        )
        end = related_ends(edition.pictures, inner) + b"\r\n--" + boundary + b"--\r\n"
        end += attachments(edition.files, outer)
        self._splicer, self._program = Splicer(_constant, quoted_value), Program()
        self._program.constants += [head, *[b""] * _PERSONAL_HEADERS, before_text]
        self._splicer.add(self._program, edition.text)
        self._program.constants.append(before_html)
        self._splicer.add(self._program, edition.html)
        self._program.constants.append(end)
        self._splicer.ready()
        # What is filled in is ASCII, too, but for the recipient's address.
        self._is_ascii = all(map(bytes.isascii, self._program.constants))

    def compose(
        self,
        key: int,
        to: Mailbox,
        values: Sequence[str],
        *,
        message_id: str,
        date: datetime,
        unsubscribe_url: str,
        return_path: str = "",
    ) -> Message:
        """The message for one recipient.

        `values` stand in the order of `Edition.expressions`; `date` is aware; `return_path` takes the place of the
        frame's. Raises ValueError for a value that
        cannot be written in UTF-8 (a lone surrogate) and for an address that cannot stand in a header.
        """
        subject = self._constant_subject or self._encode_subject(values)
        parts = self._program.parts(self._splicer.encode(values), values)
        unsubscribe = header_safe(unsubscribe_url)
        parts[1 : 1 + _PERSONAL_HEADERS] = (
            _date(date),
            f"Message-ID: {header_safe(message_id)}\r\n".encode("ascii"),
            mailbox_header("To", to.name, to.email),
            subject,
            f"List-Unsubscribe: <{unsubscribe}>,\r\n <mailto:{self._unsubscribe_email}"
            f"?subject=unsubscribe%20{unsubscribe.rpartition('/')[2]}>\r\n".encode("ascii"),
        )
        envelope = Envelope(return_path or self._frame.return_path, to.email)
        is_ascii = self._is_ascii and to.email.isascii()
        return Message(key, envelope, message_id, parts, is_ascii, tag=self._issue)

    def _encode_subject(self, values: Sequence[str]) -> bytes:
        return header("Subject", self._frame.subject_prefix + fill(self._subject, values))


def _constant_headers(frame: Frame) -> bytes:
    title = mailbox_header("List-Id", frame.list_title, frame.list_id)
    lines = [
        mailbox_header("From", frame.sender.name, frame.sender.email),
        title,
        b"List-Post: NO\r\n",
    ]
    if frame.one_click:
        lines.append(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    if frame.reply_to:
        lines.append(mailbox_header("Reply-To", "", frame.reply_to))
    if frame.is_test:
        lines.append(b"X-Newsletter-Test: yes\r\n")
    return b"".join(lines)


@lru_cache(maxsize=16)
def _date(moment: datetime) -> bytes:
    return f"Date: {format_datetime(moment.astimezone(UTC))}\r\n".encode("ascii")


def list_id(address: str) -> str:
    """The List-Id of a list that sends from an address: `letter@example.org` → `letter.example.org` (RFC 2919)."""
    return address.replace("@", ".", 1)


__all__ = ["Compiled", "Composer", "Envelope", "Frame", "Mailbox", "Message", "list_id"]
