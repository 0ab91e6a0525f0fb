"""Open an SMTP or LMTP session: connect, greeting, EHLO, STARTTLS, login (RFC 5321, 2033, 3207, 4954).

This part is lockstep over a blocking socket: it happens once a connection. What comes after is smtp_dialogue's.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Reply, parse_reply
from newsletter.transports.smtp_envelope import Features
from newsletter.transports.smtp_login import choose_mechanism, log_in, refused

if TYPE_CHECKING:
    from collections.abc import Callable

_UNIX = "unix:"
_MOST_OCTETS = 100_000  # of one reply
_MOST_LINES = 256


_HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect. A `host` that starts with `unix:` is the path of a socket."""

    host: str
    port: int
    security: str = "none"  # none | starttls | tls
    username: str = ""
    password: str = ""  # or an access token, for xoauth2
    auth: str = ""  # plain | login | cram-md5 | xoauth2; "": the best that the server offers
    lmtp: bool = False
    local_hostname: str = "localhost"
    timeout: float = 60.0  # seconds for each step of opening
    ca_file: str = ""  # a CA of one's own, in PEM; "" for the system's

    def __repr__(self) -> str:
        return f"Server({self.address}, {self.security})"

    @property
    def address(self) -> str:
        """Host and port as a person writes them."""
        if self.host.startswith(_UNIX):
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Talk:
    """Lockstep over one socket."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self.sock = sock
        self.seconds = seconds  # for each reply
        self.buffer = b""

    def reply(self) -> tuple[int, list[str]]:
        """One reply, of one line or more."""
        until = monotonic() + self.seconds
        texts: list[str] = []
        octets = 0
        while len(texts) < _MOST_LINES:
            while b"\n" not in self.buffer:
                self.sock.settimeout(max(0.001, until - monotonic()))
                data = self.sock.recv(8192)
                if not data:
                    raise ConnectionResetError("the server closed the connection")
                self.buffer += data
                octets += len(data)
                if octets > _MOST_OCTETS:
                    raise OSError("the server's reply has no end")
            line, self.buffer = self.buffer.split(b"\n", 1)
            line = line.rstrip(b"\r")
            if line[:1] not in (b"2", b"3", b"4", b"5") or len(line) < 3 or not line[:3].isdigit():
                raise OSError("the server does not speak SMTP")
            texts.append(line[4:].decode("latin-1"))
            if line[3:4] != b"-":
                return int(line[:3]), texts
        raise OSError("the server's reply has no end")

    def ask(self, command: str) -> tuple[int, list[str]]:
        """Send one line and return what `reply` does."""
        self.sock.settimeout(self.seconds)
        self.sock.sendall(command.encode() + b"\r\n")
        return self.reply()


def open_session(
    server: Server, watch: Callable[[socket.socket], object] = lambda _: None
) -> tuple[socket.socket, Features]:
    """A connected, greeted and authenticated socket in non-blocking mode, and what the server offers.

    `watch` is handed the socket before it connects, and the encrypted one in its place before the handshake, so that
    another thread may shut it down. Raises TransportError, whose problem says which step failed, what the server
    answered and what to look at.
    """
    context = None if server.security == "none" else _context(server.ca_file, os.environ.get("SSL_CERT_FILE", ""))
    sock: socket.socket | None = None
    talk: _Talk | None = None
    try:
        sock = _connect(server, watch)
        talk = _Talk(sock, server.timeout)
        if server.security == "tls":
            _encrypt(server, talk, context, watch)
        code, texts = talk.reply()
        if code != 220:
            raise _refused(server, "the server does not take connections now", parse_reply(code, texts))
        features = _hello(server, talk)
        if server.security == "starttls":
            features = _start_tls(server, talk, features, context, watch)
        if server.username:
            _log_in(server, talk, features)
        if talk.buffer:
            raise OSError("the server speaks before it is asked")
        talk.sock.setblocking(False)
    except (OSError, UnicodeError, TransportError) as error:
        for each in (sock, talk.sock if talk else None):
            if each is not None:
                each.close()
        if isinstance(error, TransportError):
            raise
        raise unreachable(server, error) from error
    return talk.sock, features


def unreachable(server: Server, error: OSError | UnicodeError) -> TransportError:
    """The error for a server that cannot be reached, with the next step."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = f"its certificate is not trusted: {error.verify_message}"
        fix = "use the host name that the certificate is made for; for a CA of your own, name its file with `ca_file`"
    elif isinstance(error, ssl.SSLError):
        cause, fix = error.reason or str(error), 'check port and security: usually 465 is "tls", 587 is "starttls"'
    elif isinstance(error, UnicodeError):
        cause, fix = "this is no host name", "check host in newsletter.toml"
    elif isinstance(error, TimeoutError):
        cause, fix = "no answer in time", "check host, port and the network"
    else:
        cause, fix = error.strerror or str(error), "check host and port; is the server running?"
        if server.host in _HERE:
            fix += " `newsletter inbox` is one for a first try"
    return TransportError(Problem(f"cannot use the mail server {server.address}: {cause}", fix=fix))


def _refused(server: Server, what: str, reply: Reply, fix: str | None = None) -> TransportError:
    return TransportError(Problem(f"{what} ({server.address}): {reply}", fix=fix))


def _connect(server: Server, watch: Callable[[socket.socket], object]) -> socket.socket:
    """A connected socket; of the host's addresses, the first that answers."""
    failure: OSError = OSError("the host has no address")
    for family, address in _addresses(server):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            watch(sock)
            sock.settimeout(server.timeout)
            sock.connect(address)
            if family != _UNIX_FAMILY:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Room for a whole message, so that one write hands it over.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 262_144)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


_UNIX_FAMILY = getattr(socket, "AF_UNIX", None)


def _addresses(server: Server) -> list[tuple[int, Any]]:
    if server.host.startswith(_UNIX):
        if _UNIX_FAMILY is None:
            raise OSError("this system has no UNIX sockets")
        return [(_UNIX_FAMILY, server.host.removeprefix(_UNIX))]
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


@lru_cache(maxsize=4)
def _context(ca_file: str, _system: str) -> ssl.SSLContext:
    """How certificates are checked: always, against the file's CAs or the system's, of which OpenSSL hears there."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError:
        problem = Problem("holds no certificate", ca_file, fix="ca_file names a CA's certificate in PEM")
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror}", ca_file, fix="ca_file names a CA's certificate in PEM")
    raise TransportError(problem)


def _encrypt(
    server: Server, talk: _Talk, context: ssl.SSLContext | None, watch: Callable[[socket.socket], object]
) -> None:
    """The TLS handshake."""
    assert context is not None
    talk.sock.settimeout(server.timeout)
    encrypted = context.wrap_socket(talk.sock, server_hostname=server.host, do_handshake_on_connect=False)
    talk.sock = encrypted
    watch(encrypted)
    encrypted.do_handshake()


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
        size=None if size is None else int(size) if re.fullmatch("[0-9]{1,20}", size) else 0,
        auth=tuple(offered.get("AUTH", "").upper().split()),
        starttls="STARTTLS" in offered,
        chunking="CHUNKING" in offered,
        dsn="DSN" in offered,
        lmtp=server.lmtp,
    )


def _start_tls(
    server: Server,
    talk: _Talk,
    features: Features,
    context: ssl.SSLContext | None,
    watch: Callable[[socket.socket], object],
) -> Features:
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
    _encrypt(server, talk, context, watch)
    return _hello(server, talk)


def _log_in(server: Server, talk: _Talk, features: Features) -> None:
    encrypted = isinstance(talk.sock, ssl.SSLSocket)
    if not encrypted and not _is_this_machine(talk.sock):
        raise TransportError(
            Problem(
                f"the password would go to {server.address} unencrypted",
                fix='set security = "starttls" or "tls" in newsletter.toml',
            )
        )
    mechanism = choose_mechanism(features.auth, server.auth, encrypted=encrypted)
    if mechanism is None:
        offered = ", ".join(features.auth) or "none"
        problem = Problem(
            f"the mail server {server.address} offers no login "
            + (f"by {server.auth}" if server.auth else "that we know")
            + f" (it offers: {offered})",
            fix="take `auth` away, or name one that it offers"
            if server.auth and features.auth
            else "remove `username` if it needs no login, or check port and security",
        )
        raise TransportError(problem)
    code, texts = log_in(mechanism, server.username, server.password, talk.ask)
    if code != 235:
        raise refused(server.username, server.address, mechanism, parse_reply(code, texts))


def _is_this_machine(sock: socket.socket) -> bool:
    """Whether the other end is on this machine. Its address says so, whatever name was looked up."""
    if sock.family == _UNIX_FAMILY:
        return True
    address = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
