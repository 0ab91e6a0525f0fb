"""A letter: a message in its parts, for providers that put the MIME together themselves.

What `message.Compiled` is for the wire, `Letters` is for an API: an edition in a frame, completed for one recipient
after another. The text is the same, slot by slot; only its wrapping is the provider's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from newsletter.edition import fill
from newsletter.encoding import mailbox_header
from newsletter.message import Envelope, Mailbox, Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.edition import Edition
    from newsletter.message import Frame
    from newsletter.picture import Enclosed

_FORBIDDEN = ("\r", "\n", "\0")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient, in its parts."""

    sender: Mailbox
    to: Mailbox
    reply_to: str
    subject: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]  # List-Id, List-Unsubscribe and the like: printable ASCII, unfolded
    reference: str  # the delivery, signed: "<mailing>.<subscriber>.<mac>", to be given back by webhooks
    tag: str  # the issue's name
    pictures: tuple[Enclosed, ...] = ()  # the HTML names them by `cid:`
    files: tuple[Enclosed, ...] = ()


def with_header(message: Message, name: str, value: str) -> Message:
    """The message with one more header, whatever its form. Both are printable ASCII and short."""
    if message.letter is None:
        return replace(message, data=f"{name}: {value}\r\n".encode("ascii") + message.data)
    return replace(message, letter=replace(message.letter, headers=(*message.letter.headers, (name, value))))


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
        subject = self._frame.subject_prefix + fill(self._edition.subject, values)
        unsubscribe = f"<{unsubscribe_url}>, <mailto:{self._unsubscribe_email}?subject=unsubscribe%20"
        headers = (*self._headers, ("List-Unsubscribe", f"{unsubscribe}{unsubscribe_url.rpartition('/')[2]}>"))
        letter = Letter(
            sender=self._frame.sender,
            to=to,
            reply_to=self._frame.reply_to,
            subject=subject,
            html=fill(self._edition.html, values),
            text=fill(self._edition.text, values),
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
        return Message(key, Envelope(return_path or self._frame.return_path, to.email), message_id, b"", letter=letter)
