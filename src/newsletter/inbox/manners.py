"""How the mailbox treats those who write to it: what it asks of them, what it refuses, and in which words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from newsletter.inbox.maildir import ReceivedMessage

HANG_UP = ""
"""In place of a reply: close the connection without a word."""


@dataclass(frozen=True, slots=True)
class Manners:
    """By default everything from everyone is taken, in clear text.

    The three `refuse` tables map an address, in any case, to a whole SMTP reply such as "550 5.1.1 no such user",
    or to HANG_UP. A reply of 421 closes the connection after it, as RFC 5321 §4.2.1 has it.
    """

    refuse: Mapping[str, str] = field(default_factory=dict)
    """Recipient → the answer to RCPT."""
    refuse_sender: Mapping[str, str] = field(default_factory=dict)
    """Envelope sender → the answer to MAIL; "" is the null sender."""
    refuse_content: Mapping[str, str] = field(default_factory=dict)
    """Recipient → the answer to the end of DATA, and the message is not kept. With HANG_UP it is kept, and the
    connection closed: delivered but never acknowledged, the case of RFC 1047."""
    login: tuple[str, str] | None = None
    """User name and password, without which nobody gets past EHLO."""
    starttls: ssl.SSLContext | None = None
    """Offer STARTTLS with this certificate; AUTH is then offered only after it."""
    tls: ssl.SSLContext | None = None
    """Speak TLS from the first byte with this certificate."""
    smtputf8: bool = True
    """Offer SMTPUTF8; without it, an address that is not ASCII is a syntax error."""
    on_message: Callable[[ReceivedMessage], object] | None = None
    """Called in the server's thread once a message is kept and before it is acknowledged; when it raises, the
    sender is told 451."""
