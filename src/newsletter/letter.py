"""A letter: a message in its parts, for providers that put the MIME together themselves.

What `message.Compiled` is for the wire, `Letters` is for an API: an edition in a frame, completed for one recipient
after another. The text is the same, slot by slot; only its wrapping is the provider's.

    html_part, text_part     as JSON (RFC 8259), in which APIs are asked: what is constant was escaped once
    html, text               the same as text, for whoever needs it
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from newsletter.edition import fill
from newsletter.encoding import mailbox_header
from newsletter.message import Envelope, Mailbox, Message
from newsletter.splicing import Program, Splicer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.edition import Edition, Pattern
    from newsletter.message import Frame
    from newsletter.picture import Enclosed

_FORBIDDEN = ("\r", "\n", "\0")


@dataclass(frozen=True, slots=True)
class Part:
    """A text that is written as JSON already, with escapes for all that is not ASCII."""

    json: bytes  # with the quotes around it

    @classmethod
    def of(cls, text: str) -> Part:
        """A text as a part. Raises ValueError for what cannot be written in UTF-8."""
        return cls(b'"' + _escaped(text) + b'"')

    @property
    def text(self) -> str:
        """What it says."""
        return cast("str", json.loads(self.json))


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient, in its parts."""

    sender: Mailbox
    to: Mailbox
    reply_to: str
    subject: str
    html_part: Part
    text_part: Part
    headers: tuple[tuple[str, str], ...]  # List-Id, List-Unsubscribe and the like: printable ASCII, unfolded
    reference: str  # the delivery, signed: "<mailing>.<subscriber>.<mac>", to be given back by webhooks
    tag: str  # the issue's name
    pictures: tuple[Enclosed, ...] = ()  # the HTML names them by `cid:`
    files: tuple[Enclosed, ...] = ()

    @property
    def html(self) -> str:
        """The HTML as text."""
        return self.html_part.text

    @property
    def text(self) -> str:
        """The plain text."""
        return self.text_part.text


def with_header(message: Message, name: str, value: str) -> Message:
    """The message with one more header, whatever its form. Both are printable ASCII and short."""
    if message.letter is None:
        return message._replace(parts=(f"{name}: {value}\r\n".encode("ascii"), *message.parts))
    return message._replace(letter=replace(message.letter, headers=(*message.letter.headers, (name, value))))


class Letters:
    """An edition in a frame, ready to be completed for one recipient after another."""

    def __init__(self, edition: Edition, frame: Frame, issue: str) -> None:
        """`issue` is its name, by which providers count."""
        self._edition, self._frame, self._issue = edition, frame, issue
        listed = mailbox_header("List-Id", frame.list_title, frame.list_id).decode("ascii")
        # In one line: folding is for the wire.
        list_id = "".join(listed.partition(": ")[2].splitlines()).strip()
        constant = [("List-Id", list_id), ("List-Post", "NO")]
        if frame.one_click:
            constant.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        if frame.is_test:
            constant.append(("X-Newsletter-Test", "yes"))
        self._headers = tuple(constant)
        self._unsubscribe_email = quote(frame.unsubscribe_email, safe="@+")
        self._splicer = Splicer(lambda text, _: _escaped(text), _escaped)
        self._html, self._text = self._compiled(edition.html), self._compiled(edition.text)
        self._splicer.ready()

    def _compiled(self, pattern: Pattern) -> Program:
        program = Program()
        program.constants.append(b'"')
        self._splicer.add(program, pattern)
        program.constants.append(b'"')
        return program

    def compose(
        self,
        key: int,
        to: Mailbox,
        values: Sequence[str],
        *,
        message_id: str,
        date: datetime,  # noqa: ARG002  (the provider writes it)
        unsubscribe_url: str,
        return_path: str = "",
    ) -> Message:
        """The message for one recipient, with a letter instead of bytes. Takes what `Compiled.compose` takes.

        Raises ValueError for a value that cannot be written in UTF-8, and for an address with a line end.
        """
        encoded = self._splicer.encode(values)
        subject = self._frame.subject_prefix + fill(self._edition.subject, values)
        unsubscribe = f"<{unsubscribe_url}>, <mailto:{self._unsubscribe_email}?subject=unsubscribe%20"
        headers = (*self._headers, ("List-Unsubscribe", f"{unsubscribe}{unsubscribe_url.rpartition('/')[2]}>"))
        letter = Letter(
            sender=self._frame.sender,
            to=to,
            reply_to=self._frame.reply_to,
            subject=subject,
            html_part=Part(b"".join(self._html.parts(encoded, values))),
            text_part=Part(b"".join(self._text.parts(encoded, values))),
            headers=headers,
            reference=message_id.strip("<>").partition("@")[0],
            tag=self._issue,
            pictures=self._edition.pictures,
            files=self._edition.files,
        )
        for text in (subject, to.name, to.email, unsubscribe_url):
            text.encode()
            if any(mark in text for mark in _FORBIDDEN):
                raise ValueError(f"a line end where none can be: {text!r}")
        return Message(key, Envelope(return_path or self._frame.return_path, to.email), message_id, (), letter=letter)


def _escaped(text: str) -> bytes:
    """Text as it stands in a string of JSON. Raises UnicodeEncodeError (a ValueError) for half of a surrogate pair."""
    if not text.isascii():
        text.encode()
    return json.dumps(text)[1:-1].encode("ascii")
