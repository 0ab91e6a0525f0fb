"""The next hop, tried out: connect, encrypt, log in, name the sender, and hang up. No message is offered.

With the standard library's client, which has all the time of the world for it.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from newsletter.config_transports import TransportConfig


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. `failure` is "" when the server would have taken a message from us."""

    failure: str = ""
    stage: str = ""  # connect, encrypt, log in, send
    extensions: frozenset[str] = frozenset()
    largest: int = 0  # octets of a message, by SIZE (RFC 1870); 0: it does not say
    limits: Mapping[str, int] = field(default_factory=dict)  # by LIMITS (RFC 9422): MAILMAX, RCPTMAX …
    encrypted: str = ""  # "TLSv1.3"
    expires: datetime | None = None  # the server's certificate
    address: str = ""  # the IP address that was spoken to
    ours: str = ""  # the IP address that we spoke from


def try_out(settings: TransportConfig, password: str, sender: str) -> Trial:
    """Speak to a mail server as a delivery would, up to MAIL FROM."""
    if settings.host.startswith("unix:"):
        return Trial()
    context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    stage = "connect"
    try:
        server = _connected(settings, context)
        with server:
            address, ours = _ends(server.sock)
            server.ehlo_or_helo_if_needed()
            stage = "encrypt"
            if settings.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
            encrypted, expires = _certificate(server.sock)
            stage = "log in"
            if settings.username:
                server.login(settings.username, password)
            stage = "send"
            extensions = frozenset(name.upper() for name in server.esmtp_features)
            code, text = server.mail(sender)
            server.rset()
            failure = "" if code == 250 else f"{code} {_words(text)}"
            largest, limits = _announced(server.esmtp_features)
            stage = stage if failure else ""
            return Trial(failure, stage, extensions, largest, limits, encrypted, expires, address, ours)
    except smtplib.SMTPResponseException as error:
        return Trial(f"{error.smtp_code} {_words(error.smtp_error)}", stage)
    except ssl.SSLCertVerificationError as error:
        return Trial(f"its certificate is not valid: {error.verify_message}", "encrypt")
    except (smtplib.SMTPException, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Trial(_words(reason) or type(error).__name__, stage)


def _connected(settings: TransportConfig, context: ssl.SSLContext) -> smtplib.SMTP:
    seconds = min(settings.timeout, 20.0)
    if settings.kind == "lmtp":
        return smtplib.LMTP(settings.host, settings.port)
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=seconds, context=context)
    return smtplib.SMTP(settings.host, settings.port, timeout=seconds)


def _announced(features: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """How large a message may be, and how many of what a session takes."""
    size = features.get("size", "").strip()
    pairs = (each.partition("=") for each in features.get("limits", "").upper().split())
    limits = {name: int(value) for name, _, value in pairs if value.isascii() and value.isdecimal() and len(value) < 10}
    return int(size) if size.isascii() and size.isdecimal() and len(size) < 16 else 0, limits


def _ends(connection: socket.socket | None) -> tuple[str, str]:
    """The IP addresses that a connection leads to, and comes from."""
    return (str(connection.getpeername()[0]), str(connection.getsockname()[0])) if connection else ("", "")


def _certificate(connection: socket.socket | None) -> tuple[str, datetime | None]:
    if not isinstance(connection, ssl.SSLSocket):
        return "", None
    until = str((connection.getpeercert() or {}).get("notAfter", ""))
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None
    return connection.version() or "TLS", expires


def _words(text: bytes | str) -> str:
    """A server's words, made safe to print."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())[:300]
