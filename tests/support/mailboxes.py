"""Dovecot as an IMAP server, in a folder of its own, on loopback and free ports, as long as a `with` block lasts."""

from __future__ import annotations

import imaplib
import shutil
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.servers import CERTIFICATE, LOGIN, _folder, _installed, _needs_root, _running, free_port

__all__ = ["CERTIFICATE", "LOGIN", "ImapServer", "imap_server"]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class ImapServer:
    """A running server with one account, LOGIN."""

    port: int  # in the clear, or with STARTTLS
    tls_port: int
    folder: Path

    @contextmanager
    def account(self) -> Iterator[imaplib.IMAP4]:
        """The account, as its owner's mail program sees it."""
        context = ssl.create_default_context(cafile=CERTIFICATE)
        imap = imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=context)
        try:
            imap.login(*LOGIN)
            yield imap
        finally:
            imap.logout()

    def deliver(self, *messages: bytes, into: str = "INBOX") -> None:
        """Put messages into a folder."""
        with self.account() as imap:
            for raw in messages:
                assert imap.append(into, "", "", raw.replace(b"\n", b"\r\n"))[0] == "OK"

    def empty(self, *folders: str) -> None:
        """Let these folders hold nothing."""
        with self.account() as imap:
            for folder in folders:
                if _select(imap, folder):
                    imap.store("1:*", "+FLAGS", r"(\Deleted)")
                    imap.expunge()

    def flags(self, folder: str = "INBOX") -> list[set[str]]:
        """The flags of each message in a folder, in their order, but for \\Recent, which only says who looked first."""
        with self.account() as imap:
            if not _select(imap, folder):
                return []
            _, data = imap.fetch("1:*", "(FLAGS)")
            found = [set(map(bytes.decode, imaplib.ParseFlags(each))) for each in data if isinstance(each, bytes)]
            return [each - {r"\Recent"} for each in found]


def _select(imap: imaplib.IMAP4, folder: str) -> int:
    """How many messages are in a folder, which is open then."""
    answer, data = imap.select(folder)
    return int(data[0] or 0) if answer == "OK" else 0


@contextmanager
def imap_server(settings: str = "") -> Iterator[ImapServer]:
    """Dovecot, with more settings in the form of dovecot.conf."""
    program = _installed("/usr/sbin/dovecot", "apt-get install dovecot-imapd")
    _installed("/usr/lib/dovecot/imap", "apt-get install dovecot-imapd")
    _needs_root("Dovecot")
    with _folder() as folder:
        port, tls_port = free_port(), free_port()
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", "nobody", "nogroup")
        (folder / "users").write_text(f"{LOGIN[0]}:{{PLAIN}}{LOGIN[1]}::::::\n")
        values = {"FOLDER": folder, "TLS_PORT": tls_port, "PORT": port, "CERTIFICATE": CERTIFICATE}
        text = _DOVECOT_CONF + settings
        for name, value in values.items():
            text = text.replace(name, str(value))
        (folder / "dovecot.conf").write_text(text)
        with _running([program, "-c", str(folder / "dovecot.conf"), "-F"], folder, "dovecot", port, tls_port):
            yield ImapServer(port, tls_port, folder)


_DOVECOT_CONF = """
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/dovecot-mail.log
protocols = imap
ssl = yes
ssl_cert = <CERTIFICATE
ssl_key = <CERTIFICATE
mail_location = maildir:FOLDER/mail
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u FOLDER/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=FOLDER/mail
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = PORT
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = TLS_PORT
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
