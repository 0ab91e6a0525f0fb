"""A socket that never waits, the dialogue over it, and what is still to be written."""

from __future__ import annotations

import selectors
import ssl
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.transports.smtp_chunking import dialogue_for
from newsletter.transports.smtp_dialogue import Step

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from newsletter.transports.smtp_envelope import Features

_MOST_PARTS = 512  # in one call; Linux takes 1024 (IOV_MAX), others fewer
_FAREWELL_SECONDS = 2.0  # for the reply to QUIT, which changes nothing


class Connection:
    """One connection of a run. Its methods raise OSError when the connection is over."""

    __slots__ = ("_heard", "_patience", "_selector", "_watches_write", "deadline", "dialogue", "sock", "unsent")

    def __init__(
        self,
        sock: socket.socket,
        features: Features,
        selector: selectors.BaseSelector,
        patience: Mapping[Step, float],
        window: int = 1,
    ) -> None:
        """Watch the socket, which is in non-blocking mode; `patience` is how many seconds to wait for each reply."""
        self.sock = sock
        self.dialogue = dialogue_for(features, window)
        self.unsent = bytearray()
        self.deadline = float("inf")
        self._patience = patience
        self._heard = 0
        self._selector = selector
        self._watches_write = False
        selector.register(sock, selectors.EVENT_READ, self)

    def read(self) -> bytes:
        """What has arrived; nothing if nothing has."""
        try:
            data = self.sock.recv(65_536)
            while isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                data += self.sock.recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def write(self) -> None:
        """Write what the dialogue wants to say, as far as the socket takes it."""
        out = self.dialogue.out
        if out:
            self.dialogue.out = []
            if self.unsent or isinstance(self.sock, ssl.SSLSocket) or len(out) == 1:
                self.unsent += b"".join(out)
            else:
                self._write_all(out)
            self.wait_longer()
        if self.unsent:
            self._write_rest()

    def wait_longer(self) -> None:
        """Begin to wait anew: something went out, or what is awaited now is another reply."""
        self._heard = self.dialogue.heard
        awaited = self.dialogue.awaits
        if awaited and self.dialogue.chunking:
            # A server may keep back its replies to a whole transaction until it has dealt with the content.
            awaited = Step.DOT
        self.deadline = monotonic() + self._patience[awaited] if awaited else float("inf")

    def notice_progress(self) -> None:
        """Begin to wait anew if another reply is awaited than before: not for each byte of one that never ends."""
        if self.dialogue.heard != self._heard:
            self.wait_longer()

    def say_goodbye(self) -> None:
        """Send QUIT, on an idle connection."""
        self.unsent += b"QUIT\r\n"
        self.deadline = monotonic() + _FAREWELL_SECONDS
        self._write_rest()

    def close(self) -> None:
        """Close it at once."""
        self._selector.unregister(self.sock)
        self.sock.close()

    def _write_all(self, out: list[bytes]) -> None:
        """Hand over all parts in one call, without joining them; keep what the socket has no room for."""
        try:
            sent = self.sock.sendmsg(out[:_MOST_PARTS])
        except BlockingIOError:
            sent = 0
        except OSError:
            self.unsent += b"".join(out)
            raise
        for chunk in out:
            if sent < len(chunk):
                self.unsent += chunk[sent:]
            sent = max(0, sent - len(chunk))

    def _write_rest(self) -> None:
        before = len(self.unsent)
        try:
            while self.unsent:
                del self.unsent[: self.sock.send(self.unsent)]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        if len(self.unsent) < before and not self.dialogue.idle:
            self.wait_longer()
        if bool(self.unsent) != self._watches_write:
            self._watches_write = bool(self.unsent)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._watches_write else 0)
            self._selector.modify(self.sock, events, self)
