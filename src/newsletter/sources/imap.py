r"""Messages that came in to a mailbox on a server (IMAP4rev1: RFC 3501; MOVE: RFC 6851; UIDPLUS: RFC 4315).

A report that was dealt with is moved to a folder, or stays and is marked \Seen and $NewsletterDone. What is no report,
or one about nobody here, is marked $NewsletterDone alone, so that it is looked at once, and stays new to the person
whose mail it is. Where a server knows no keywords, \Seen has to do, and only what is unseen is looked at.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from base64 import b64encode
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.sources.intake import ENOUGH, Incoming

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from newsletter.config import Secret
    from newsletter.config_bounces import BouncesConfig

KEYWORD = "$NewsletterDone"
_AT_ONCE = 20  # messages in one FETCH: a few round trips for a thousand reports, a few megabytes in memory
_SECONDS = 60  # to wait for an answer
_LOOPBACK = ("127.", "::1", "localhost")
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)


class ImapIntake:
    """One folder of one account. With `read_only`, nothing in it changes."""

    def __init__(self, settings: BouncesConfig, password: Secret | None, *, read_only: bool = False) -> None:
        """Connect, log in, open the folder. Raises TransportError, which says what failed and what to look at."""
        self.place = f"{settings.username} on {settings.host}"
        self._settings = settings
        self._server = f"{settings.host}:{settings.port}"
        with self._told():
            self._imap = self._connect()
            try:
                self._log_in(password.reveal() if password else "")
                self._open(read_only)
            except BaseException:
                self.close()
                raise

    def _connect(self) -> imaplib.IMAP4:
        settings = self._settings
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        if settings.security == "tls":
            return imaplib.IMAP4_SSL(settings.host, settings.port, ssl_context=context, timeout=_SECONDS)
        if settings.security == "none" and not settings.host.startswith(_LOOPBACK):
            raise TransportError(
                Problem(f"the password would go to {self._server} unencrypted",
                        fix='set security = "tls" or "starttls" below [bounces]')
            )  # fmt: skip
        imap = imaplib.IMAP4(settings.host, settings.port, timeout=_SECONDS)
        if settings.security == "starttls":
            imap.starttls(context)
        return imap

    def _log_in(self, password: str) -> None:
        try:
            # LOGIN knows ASCII alone, and some servers switch it off.
            if "AUTH=PLAIN" in self._imap.capabilities:
                secret = f"\0{self._settings.username}\0{password}".encode()
                self._imap.authenticate("PLAIN", lambda _: secret)
            else:
                self._imap.login(self._settings.username, password)
        except (imaplib.IMAP4.error, UnicodeEncodeError) as error:
            raise TransportError(
                Problem(f"the login as {self._settings.username} was refused ({self._server}): {_words(error)}",
                        fix="check username and password (the environment variable or file that newsletter.toml names)")
            ) from error  # fmt: skip
        # Most servers offer more to who is known; imaplib remembers what they said to a stranger.
        self._offered = (self._imap.capability()[1][-1] or b"").decode("ascii", "replace").upper().split()

    def _open(self, read_only: bool) -> None:
        answer, words = self._imap.select(quoted(self._settings.folder), readonly=read_only)
        if answer != "OK":
            raise TransportError(
                Problem(f"there is no folder {self._settings.folder!r} ({self._server}): {_words(words[-1])}",
                        fix="check `folder` below [bounces]")
            )  # fmt: skip
        _, permanent = self._imap.response("PERMANENTFLAGS")
        flags = (permanent[-1] or b"") if permanent else b""
        self._has_keywords = read_only or b"\\*" in flags or KEYWORD.encode() in flags

    def messages(self) -> Iterator[Incoming]:
        """Each message that was not marked yet."""
        with self._told():
            unmarked = f"UNKEYWORD {KEYWORD}" if self._has_keywords else "UNSEEN"
            found = self._ask("SEARCH", None, f"(UNDELETED {unmarked})")
            uids = [uid for part in found if isinstance(part, bytes) for uid in part.split()]
        for start in range(0, len(uids), _AT_ONCE):
            with self._told():
                some = b",".join(uids[start : start + _AT_ONCE]).decode("ascii")
                # PEEK: looking leaves a message unseen.
                parts = self._ask("FETCH", some, f"(UID BODY.PEEK[]<0.{ENOUGH}>)")
            # RFC 3501 fixes no order: a message's number stands before its octets, or behind them.
            for part, behind in pairwise([*parts, b""]):
                if isinstance(part, tuple):
                    uid = _UID.search(part[0]) or (isinstance(behind, bytes) and _UID.search(behind))
                    if not uid:
                        raise self._failed("it sent a message without its UID", "look for an update of that server")
                    yield Incoming(uid[1].decode("ascii"), part[1])

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:
        """Move or mark what was dealt with, and mark what was looked at and leads to nothing."""
        done, seen = ",".join(done), ",".join(seen)
        with self._told():
            if done:
                flags = f"(\\Seen {KEYWORD})" if self._has_keywords else "(\\Seen)"
                self._ask("STORE", done, "+FLAGS.SILENT", flags)
                if self._settings.processed:
                    self._move(done)
            if seen and self._has_keywords:
                self._ask("STORE", seen, "+FLAGS.SILENT", f"({KEYWORD})")

    def _move(self, uids: str) -> None:
        folder = quoted(self._settings.processed)
        command = "MOVE" if "MOVE" in self._offered else "COPY"
        if self._imap.uid(command, uids, folder)[0] != "OK":
            # It is not there yet: [TRYCREATE].
            self._imap.create(folder)
            self._ask(command, uids, folder)
        if command == "COPY":
            self._ask("STORE", uids, "+FLAGS.SILENT", "(\\Deleted)")
            if "UIDPLUS" in self._offered:
                self._ask("EXPUNGE", uids)

    def close(self) -> None:
        """Log out."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def _ask(self, command: str, *arguments: str | None) -> list[bytes | tuple[bytes, bytes]]:
        answer, data = self._imap.uid(command, *arguments)  # type: ignore[arg-type]
        if answer != "OK":
            raise imaplib.IMAP4.error(f"{command}: {_words(data[-1])}")
        return [part for part in data if part is not None] or [b""]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            fix = "use the host name that the certificate is made for, or `ca_file`"
            raise self._failed(error.verify_message, fix) from error
        except (OSError, imaplib.IMAP4.error) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else _words(error)
            raise self._failed(told, "check host, port and security below [bounces]") from error

    def _failed(self, cause: str, fix: str) -> TransportError:
        return TransportError(Problem(f"cannot read the mailbox on {self._server}: {cause}", fix=fix))


def quoted(name: str) -> str:
    """A folder's name as IMAP writes it: modified UTF-7 (RFC 3501 section 5.1.3), in quotes."""
    encoded = re.sub(r"&|[^\x20-\x7e]+", lambda found: "&-" if found[0] == "&" else _utf7(found[0]), name)
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(text: str) -> str:
    return "&" + b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",") + "-"


def _words(said: object) -> str:
    """What a server said, as text for people."""
    if isinstance(said, Exception):
        said = said.args[0] if said.args else str(said)
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return re.sub(r"[^ -~]+", "?", text)[:200]
