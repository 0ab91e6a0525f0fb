"""The SMTP side (RFC 5321): one session a connection, which keeps what it is sent and refuses what it is told to.

Offered: SIZE (1870), 8BITMIME (6152), PIPELINING (2920), SMTPUTF8 (6531); STARTTLS (3207) or TLS from the first
byte, and AUTH PLAIN and LOGIN (4954), when asked for. aiosmtpd speaks the protocol; here is what it is to answer.
A line of a message may have 998 octets (RFC 5321 §4.5.3.1.6): a longer one is refused as by strict servers.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException, syntax

from newsletter.inbox.manners import HANG_UP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.inbox.maildir import Maildir
    from newsletter.inbox.manners import Manners

SIZE_LIMIT = 50 * 1024 * 1024
LINE_LIMIT = 998
# aiosmtpd notes on this logger what a client gets wrong; with no handler at all, Python would print it.
logging.getLogger("mail.log").addHandler(logging.NullHandler())


class Listener(SMTP):
    """One connection; `open_sessions` holds all that are open, so that the end can wait for theirs."""

    def __init__(self, maildir: Maildir, manners: Manners, open_sessions: set[Listener]) -> None:
        self._open_sessions = open_sessions
        self.gone = asyncio.Event()
        super().__init__(
            _Handler(maildir, manners),
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=manners.smtputf8,
            hostname="localhost",
            ident="newsletter inbox",
            tls_context=manners.starttls,
            # aiosmtpd does not count TLS from the first byte as TLS.
            auth_require_tls=manners.starttls is not None and manners.tls is None,
            auth_callback=lambda _mechanism, name, password: _is_login(manners.login, name, password),
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_sessions.discard(self)
        self.gone.set()
        super().connection_lost(error)

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Begin TLS; and end the session when the connection broke off meanwhile, which nobody else would tell."""
        await super().smtp_STARTTLS(arg)
        if self._original_transport is not None and self._original_transport.is_closing():
            self.connection_lost(None)
            raise asyncio.CancelledError

    def hang_up(self) -> None:
        """Close the connection now, whatever is still in its buffers."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def push(self, status: str | bytes) -> None:
        """Answer; and close after a 421, so that nothing that was pipelined behind it is obeyed."""
        line = status.encode("utf-8", "backslashreplace") if isinstance(status, str) else status
        try:
            await super().push(line)
        except ConnectionError:
            raise asyncio.CancelledError from None
        if line.startswith(b"421") and self.transport is not None:
            self.transport.close()
            raise asyncio.CancelledError


class _Handler:
    """What aiosmtpd asks at each command; what these return is the reply."""

    def __init__(self, maildir: Maildir, manners: Manners) -> None:
        self._maildir = maildir
        self._manners = manners
        self._refuse = _by_address(manners.refuse)
        self._refuse_sender = _by_address(manners.refuse_sender)
        self._refuse_content = _by_address(manners.refuse_content)

    async def handle_EHLO(  # noqa: N802
        self, _server: Listener, session: Session, _envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        offered = [r for r in replies if self._manners.login or not r.startswith("250-AUTH")]
        return [*offered[:-1], "250-PIPELINING", offered[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: Listener, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._manners.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if not _is_text(address):
            return "553 5.6.7 The sender's address is not UTF-8"
        refusal = self._refuse_sender.get(_null_is_empty(address.casefold()))
        if refusal is not None:
            return _refused(server, refusal)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Listener, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not _is_text(address):
            return "553 5.6.7 The recipient's address is not UTF-8"
        refusal = self._refuse.get(address.casefold())
        if refusal is not None:
            return _refused(server, refusal)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Listener, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusals = [self._refuse_content.get(address.casefold()) for address in envelope.rcpt_tos]
        refusal = next((reply for reply in refusals if reply is not None), None)
        if refusal:
            return _refused(server, refusal)
        sender = _null_is_empty(str(envelope.mail_from))
        assert isinstance(envelope.content, bytes)
        if max(map(len, envelope.content.split(b"\r\n"))) > LINE_LIMIT:  # aiosmtpd is lenient by one
            return "500 5.6.0 Line too long: more than 998 octets between one CRLF and the next"
        try:
            message = self._maildir.keep(sender, envelope.rcpt_tos, envelope.content)
        except OSError as error:
            return f"452 4.3.1 The message cannot be kept: {error.strerror}"
        if self._manners.on_message:
            self._manners.on_message(message)
        if refusal == HANG_UP:
            return _refused(server, refusal)
        return f"250 2.0.0 Kept as {message.key}"

    async def handle_exception(self, error: Exception) -> str:
        if not isinstance(error, TLSSetupException):
            logging.getLogger(__name__).error("an SMTP command failed", exc_info=error)
        return f"451 4.3.0 {type(error).__name__} in the inbox"


def _refused(server: Listener, reply: str) -> str:
    if reply != HANG_UP:
        return reply
    server.hang_up()
    # Ends the session's task here and now: what the client has pipelined behind this command is not obeyed.
    raise asyncio.CancelledError


def _by_address(table: Mapping[str, str]) -> dict[str, str]:
    return {address.casefold(): reply for address, reply in table.items()}


def _null_is_empty(sender: str) -> str:
    """The library keeps the brackets of the null sender and of no other."""
    return "" if sender == "<>" else sender


def _is_text(address: str) -> bool:
    """Was it valid UTF-8? What was not comes as lone surrogates."""
    return not any("\ud800" <= char <= "\udfff" for char in address)


def _is_login(login: tuple[str, str] | None, *given: bytes) -> bool:
    return login is not None and given == tuple(part.encode() for part in login)


async def close_sessions(sessions: Iterable[Listener]) -> None:
    """Hang up on every client and wait until each socket is closed."""
    waits = []
    for session in tuple(sessions):
        session.hang_up()
        waits.append(asyncio.create_task(session.gone.wait()))
    if waits:
        await asyncio.wait(waits, timeout=2)
