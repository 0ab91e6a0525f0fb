"""Messages kept as files in a Maildir (https://cr.yp.to/proto/maildir.html), each one with its SMTP envelope.

PATH/tmp/        a message while it is written
PATH/new/KEY     a message, byte for byte as it came over the wire: CRLF line ends, dots unstuffed, nothing added
PATH/cur/KEY:2,  the same, once another mail program has looked at it; this one moves nothing
PATH/envelopes/KEY.json   who it was from and to in SMTP (RFC 5321 §3.3); other mail programs do not look here

The envelope stands beside the message and not in a Return-Path field on top of it, because a byte that was added
would break a DKIM signature's check, a comparison with what was sent, and every size that is measured.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage

_FOLDERS = ("tmp", "new", "cur", "envelopes")
_OWN_KEY = re.compile(r"(\d+)\.M(\d{6})P\d+Q(\d+)\.inbox")
_KEY = re.compile(r"[^./\\:][^/\\:]*")
_delivered = count(1)


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message as it arrived.

    `sender` and `recipients` are the envelope (MAIL FROM, RCPT TO), not the header; the null sender `<>` is "".
    Both are empty for a message that another program put into the folder. `received` is in UTC.
    """

    key: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    received: datetime

    @property
    def parsed(self) -> EmailMessage:
        """The message as the standard library reads it (email.policy.default); parsed anew at each call."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.raw, policy=policy.default)


class Maildir:
    """A folder of messages that one thread fills while others read or wait.

    Raises Refused when the folder cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for name in _FOLDERS:
                (path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(
                Problem(
                    f"cannot keep messages here: {error.strerror}",
                    path=str(path),
                    fix="name a folder that can be written to",
                )
            ) from error
        self._changed = Condition()
        self._held = len(self.in_order())

    def keep(self, sender: str, recipients: Iterable[str], raw: bytes) -> ReceivedMessage:
        """Write one message and wake who waits for it. Raises OSError when the disk does not take it."""
        now = time.time_ns()
        seconds, rest = divmod(now, 1_000_000_000)
        key = f"{seconds}.M{rest // 1000:06d}P{os.getpid()}Q{next(_delivered)}.inbox"
        to = tuple(recipients)
        half_written = self.path / "tmp" / key
        try:
            half_written.write_bytes(raw)
            # The envelope goes first: whoever sees the message then sees its envelope, too.
            self._envelope(key).write_text(json.dumps({"sender": sender, "recipients": to}), encoding="ascii")
            with self._changed:
                half_written.rename(self.path / "new" / key)
                self._held += 1
                self._changed.notify_all()
        except OSError:
            half_written.unlink(missing_ok=True)
            self._envelope(key).unlink(missing_ok=True)
            raise
        return ReceivedMessage(key, sender, to, raw, _received(self.path / "new" / key))

    def in_order(self) -> list[str]:
        """The key of every message, in the order of arrival."""
        return sorted(self._files(), key=_arrival)

    def read(self, key: str) -> ReceivedMessage:
        """The message of that name. Raises KeyError when there is none (any more)."""
        if not _is_key(key):
            raise KeyError(key)
        path = self.path / "new" / key
        if not path.is_file():
            path = self._files()[key]
        try:
            raw, received = path.read_bytes(), _received(path)
        except FileNotFoundError as error:
            raise KeyError(key) from error
        sender, recipients = self._read_envelope(key)
        return ReceivedMessage(key, sender, recipients, raw, received)

    def empty(self) -> int:
        """Delete every message; tells how many there were."""
        with self._changed:
            files = self._files()
            for key, path in files.items():
                path.unlink(missing_ok=True)
                self._envelope(key).unlink(missing_ok=True)
            self._held = 0
        return len(files)

    def wait(self, n: int, timeout: float) -> None:
        """Return once `n` messages are here. Raises TimeoutError after `timeout` seconds, saying how many are."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held >= n, timeout):
                raise TimeoutError(f"waited {timeout:g} s for {n} messages in {self.path}; {self._held} are here")

    def _files(self) -> dict[str, Path]:
        """Key → file, for what any mail program would call a message; `:2,` opens a Maildir's flags."""
        return {
            entry.name.partition(":2,")[0]: Path(entry.path)
            for folder in ("cur", "new")
            for entry in os.scandir(self.path / folder)
            if _is_key(entry.name.partition(":2,")[0]) and entry.is_file()
        }

    def _envelope(self, key: str) -> Path:
        return self.path / "envelopes" / f"{key}.json"

    def _read_envelope(self, key: str) -> tuple[str, tuple[str, ...]]:
        try:
            known = json.loads(self._envelope(key).read_bytes())
            return str(known["sender"]), tuple(map(str, known["recipients"]))
        except (OSError, ValueError, KeyError, TypeError):
            return "", ()


def _is_key(name: str) -> bool:
    """Can it name a message? Not a hidden file, not a way out of the folder, nothing that a URL cannot carry."""
    return name.isprintable() and _KEY.fullmatch(name) is not None


def _received(path: Path) -> datetime:
    """When a message came: its key says so in microseconds, and a foreign file's time does as well as it can."""
    if own := _OWN_KEY.match(path.name):
        return datetime.fromtimestamp(int(own[1]), UTC).replace(microsecond=int(own[2]))
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _arrival(key: str) -> tuple[int, int, int, str]:
    """Orders keys by time; two in the same microsecond by the number of the delivery."""
    if own := _OWN_KEY.fullmatch(key):
        return int(own[1]), int(own[2]), int(own[3]), key
    seconds, _, _ = key.partition(".")
    return int(seconds) if seconds.isdecimal() else 0, 0, 0, key
