"""Open an SMTP or LMTP session: connect, greeting, EHLO, STARTTLS, login (RFC 5321, 2033, 3207, 4954).

This part is lockstep over a blocking socket: it happens once a connection. What comes after is smtp_dialogue's.
"""

from __future__ import annotations

import hmac
import socket
import ssl
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Reply, parse_reply
from newsletter.transports.smtp_dialogue import Features

if TYPE_CHECKING:
    from collections.abc import Callable

_UNENCRYPTED_IS_FINE = ("127.", "::1", "localhost", "unix:")


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect. A `host` that starts with `unix:` is the path of a socket."""

    host: str
    port: int
    security: str = "none"  # none | starttls | tls
    username: str = ""
    password: str = ""
    lmtp: bool = False
    local_hostname: str = "localhost"
    timeout: float = 60.0  # seconds for each step of opening
    ca_file: str = ""  # a CA of one's own, in PEM; "" for the system's

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.security})"

    @property
    def address(self) -> str:
        """Host and port as a person writes them."""
        return self.host if self.host.startswith("unix:") else f"{self.host}:{self.port}"


class _Talk:
    """Lockstep over one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def reply(self) -> tuple[int, list[str]]:
        """One reply, of one line or more."""
        texts: list[str] = []
        while len(texts) < 100:
            while b"\n" not in self.buffer:
                data = self.sock.recv(8192)
                if not data:
                    raise ConnectionResetError("the server closed the connection")
                self.buffer += data
                if len(self.buffer) > 100_000:
                    raise OSError("the server's reply has no end")
            line, self.buffer = self.buffer.split(b"\n", 1)
            text = line.rstrip(b"\r").decode("latin-1")
            if not text[:3].isdigit():
                raise OSError("the server does not speak SMTP")
            texts.append(text[4:])
            if text[3:4] != "-":
                return int(text[:3]), texts
        raise OSError("the server's reply has no end")

    def ask(self, command: str) -> tuple[int, list[str]]:
        self.sock.sendall(command.encode() + b"\r\n")
        return self.reply()


def open_session(server: Server) -> tuple[socket.socket, Features]:
    """A connected, greeted and authenticated socket in non-blocking mode, and what the server offers.

    Raises TransportError, whose problem says which step failed, what the server answered and what to look at.
    """
    sock: socket.socket | None = None
    try:
        sock = _connect(server)
        talk = _Talk(sock)
        if server.security == "tls":
            talk.sock = _wrap(server, sock)
        code, texts = talk.reply()
        if code != 220:
            raise _refused(server, "the server does not take connections now", parse_reply(code, texts))
        features = _hello(server, talk)
        if server.security == "starttls":
            features = _start_tls(server, talk, features)
        if server.username:
            _log_in(server, talk, features)
        sock = talk.sock
        if talk.buffer:
            raise OSError("the server speaks before it is asked")
        sock.setblocking(False)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise unreachable(server, error) from error
    except TransportError:
        if sock is not None:
            sock.close()
        raise
    return sock, features


def unreachable(server: Server, error: OSError) -> TransportError:
    """The error for a server that cannot be reached, with the next step."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause, fix = error.verify_message, "use the host name that the certificate is made for, or `ca_file`"
    elif isinstance(error, ssl.SSLError):
        cause, fix = error.reason or str(error), 'check port and security: usually 465 is "tls", 587 is "starttls"'
    elif isinstance(error, TimeoutError):
        cause, fix = "no answer in time", "check host, port and the network"
    else:
        cause, fix = error.strerror or str(error), "check host and port; is the server running?"
    return TransportError(Problem(f"cannot use the mail server {server.address}: {cause}", fix=fix))


def _refused(server: Server, what: str, reply: Reply, fix: str | None = None) -> TransportError:
    return TransportError(Problem(f"{what} ({server.address}): {reply}", fix=fix))


def _connect(server: Server) -> socket.socket:
    if server.host.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(server.timeout)
        sock.connect(server.host.removeprefix("unix:"))
        return sock
    sock = socket.create_connection((server.host, server.port), timeout=server.timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Room for a whole message, so that one write hands it over.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 262_144)
    return sock


def _wrap(server: Server, sock: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.ca_file or None)
    return context.wrap_socket(sock, server_hostname=server.host)


def _hello(server: Server, talk: _Talk) -> Features:
    greeting = "LHLO" if server.lmtp else "EHLO"
    code, texts = talk.ask(f"{greeting} {server.local_hostname}")
    if code // 100 == 5 and not server.lmtp:
        code, texts = talk.ask(f"HELO {server.local_hostname}")
        texts = texts[:1]
    if code != 250:
        raise _refused(server, "the server refuses our greeting", parse_reply(code, texts))
    offered: dict[str, str] = {}
    for line in texts[1:]:
        word, _, rest = line.strip().partition(" ")
        offered[word.upper()] = rest
    size = offered.get("SIZE")
    return Features(
        pipelining="PIPELINING" in offered,
        smtputf8="SMTPUTF8" in offered,
        eight_bit="8BITMIME" in offered,
        size=None if size is None else int(size) if size.isdigit() else 0,
        auth=tuple(offered.get("AUTH", "").upper().split()),
        starttls="STARTTLS" in offered,
        chunking="CHUNKING" in offered,
        dsn="DSN" in offered,
    )


def _start_tls(server: Server, talk: _Talk, features: Features) -> Features:
    if not features.starttls:
        raise TransportError(
            Problem(
                f"the mail server {server.address} does not offer STARTTLS",
                fix='nothing was sent; security = "tls" with port 465 may be what it wants',
            )
        )
    code, texts = talk.ask("STARTTLS")
    if code != 220:
        raise _refused(server, "the server refuses STARTTLS", parse_reply(code, texts))
    if talk.buffer:
        # What came before the handshake came from who knows whom (CVE-2011-0411).
        raise OSError("the server speaks before the TLS handshake")
    talk.sock = _wrap(server, talk.sock)
    return _hello(server, talk)


def _log_in(server: Server, talk: _Talk, features: Features) -> None:
    encrypted = isinstance(talk.sock, ssl.SSLSocket)
    if not encrypted and not server.host.startswith(_UNENCRYPTED_IS_FINE):
        raise TransportError(
            Problem(
                f"the password would go to {server.address} unencrypted",
                fix='set security = "starttls" or "tls" in newsletter.toml',
            )
        )
    mechanism = next((name for name in _MECHANISMS if name in features.auth), None)
    if mechanism is None:
        offered = ", ".join(features.auth) or "none"
        raise TransportError(
            Problem(
                f"the mail server {server.address} offers no login that we know (it offers: {offered})",
                fix="remove `username` if it needs no login, or check port and security",
            )
        )
    code, texts = _MECHANISMS[mechanism](server, talk)
    if code != 235:
        raise _refused(
            server,
            f"the login as {server.username} was refused",
            parse_reply(code, texts),
            fix="check username and password (the environment variable or file that newsletter.toml names)",
        )


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(server: Server, talk: _Talk) -> tuple[int, list[str]]:
    return talk.ask("AUTH PLAIN " + _b64(f"\0{server.username}\0{server.password}"))


def _login(server: Server, talk: _Talk) -> tuple[int, list[str]]:
    code, texts = talk.ask("AUTH LOGIN")
    for answer in (server.username, server.password):
        if code != 334:
            break
        code, texts = talk.ask(_b64(answer))
    return code, texts


def _cram_md5(server: Server, talk: _Talk) -> tuple[int, list[str]]:
    code, texts = talk.ask("AUTH CRAM-MD5")
    if code != 334:
        return code, texts
    digest = hmac.new(server.password.encode(), b64decode(texts[0]), "md5").hexdigest()
    return talk.ask(_b64(f"{server.username} {digest}"))


def _xoauth2(server: Server, talk: _Talk) -> tuple[int, list[str]]:
    code, texts = talk.ask("AUTH XOAUTH2 " + _b64(f"user={server.username}\1auth=Bearer {server.password}\1\1"))
    return talk.ask("") if code == 334 else (code, texts)


# In the order in which we would rather use them. CRAM-MD5 first: it never sends the password.
_MECHANISMS: dict[str, Callable[[Server, _Talk], tuple[int, list[str]]]] = {
    "CRAM-MD5": _cram_md5,
    "PLAIN": _plain,
    "LOGIN": _login,
    "XOAUTH2": _xoauth2,
}
