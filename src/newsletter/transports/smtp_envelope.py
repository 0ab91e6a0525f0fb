"""What MAIL and RCPT say, by what the server offers.

SIZE (RFC 1870), 8BITMIME (6152), SMTPUTF8 (6531) and delivery status notifications (DSN: 3461, 6533).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Rejected, Reply

if TYPE_CHECKING:
    from newsletter.message import Message

# No character of these can stand in an envelope: they would end the command, or begin a parameter.
_UNSAFE = re.compile(r"[\x00-\x20<>\x7f\ud800-\udfff]")
# What is written in hexadecimal: RFC 3461 section 4, RFC 6533 section 3.
_NOT_XTEXT = re.compile(r"[^!-~]|[+=]")
_NOT_UTF8_XTEXT = re.compile(r"[^!-~]|[+=\\]")


@dataclass(frozen=True, slots=True)
class Features:
    """What the server offered in its answer to EHLO or LHLO."""

    pipelining: bool = False
    smtputf8: bool = False
    eight_bit: bool = False
    size: int | None = None  # octets; 0: no limit named; None: no SIZE
    auth: tuple[str, ...] = ()
    starttls: bool = False
    chunking: bool = False
    dsn: bool = False
    lmtp: bool = False


def check_sender(message: Message) -> None:
    """Raise TransportError for a sender that no envelope can hold: no recipient is at fault, and none would get it."""
    sender = message.envelope.sender
    if _UNSAFE.search(sender):
        problem = f"the sender {sender!r} holds a character that no address may hold"
        raise TransportError(Problem(problem, fix="check [sender] email, and where bounces go"))


def refusal(message: Message, features: Features) -> Rejected | None:
    """Why this server cannot take the message at all, known without asking it.

    Raises TransportError for a sender that it cannot take from anybody.
    """
    sender, recipient = message.envelope.sender, message.envelope.recipient
    if _UNSAFE.search(recipient):
        return Rejected(Reply(553, "5.1.3", "the envelope holds a character that no address may hold"))
    if not features.smtputf8 and not sender.isascii():
        problem = f"the mail server does not take a sender outside ASCII, such as {sender} (no SMTPUTF8)"
        raise TransportError(Problem(problem, fix="choose another [sender] email, or another server"))
    if not features.smtputf8 and not recipient.isascii():
        return Rejected(Reply(553, "5.6.7", "the next hop does not take addresses outside ASCII (no SMTPUTF8)"))
    if features.size and message.size > features.size:
        octets, limit = message.size, features.size
        return Rejected(Reply(552, "5.3.4", f"the message has {octets} octets, the next hop takes {limit}"))
    if not features.eight_bit and not message.is_ascii:
        return Rejected(Reply(554, "5.6.3", "the next hop does not take 8-bit content (no 8BITMIME)"))
    return None


def mail_command(message: Message, features: Features) -> str:
    """MAIL, with its line end."""
    sender = message.envelope.sender
    parameters = ""
    if features.size is not None:
        parameters += f" SIZE={message.size}"
    if features.eight_bit and not message.is_ascii:
        parameters += " BODY=8BITMIME"
    if not (message.envelope.recipient.isascii() and sender.isascii()):
        parameters += " SMTPUTF8"
    if features.dsn:
        # The id comes back in what is said of a delivery later; RFC 3461 section 4.4 gives it 100 characters.
        identity = xtext(message.message_id.strip("<>").partition("@")[0])
        parameters += f" RET=HDRS ENVID={identity}" if 0 < len(identity) <= 100 else " RET=HDRS"
    return f"MAIL FROM:<{sender}>{parameters}\r\n"


def rcpt_command(message: Message, features: Features) -> str:
    """RCPT, with its line end."""
    recipient = message.envelope.recipient
    if not features.dsn:
        return f"RCPT TO:<{recipient}>\r\n"
    original = f"rfc822;{xtext(recipient)}" if recipient.isascii() else f"utf-8;{_utf8_xtext(recipient)}"
    return f"RCPT TO:<{recipient}> NOTIFY=FAILURE,DELAY ORCPT={original}\r\n"


def speaks_of_message(reply: Reply) -> bool:
    """Whether a refusal of MAIL is about this message; any other one is about us, and would meet every message."""
    return reply.code == 552 or reply.enhanced.startswith(("5.3.4", "5.6."))


def xtext(text: str) -> str:
    """ASCII text as the value of a DSN parameter (RFC 3461 section 4)."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _utf8_xtext(text: str) -> str:
    return _NOT_UTF8_XTEXT.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", text)
