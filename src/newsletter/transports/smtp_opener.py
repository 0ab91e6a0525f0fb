"""Open sessions beside the loop that sends, which must not wait for them: a thread for each, for as long as it takes.

What opens can be broken off at any moment, so that an end never waits for a server that does not answer.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.errors import TransportError
from newsletter.transports.smtp_session import Server, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.transports.smtp_envelope import Features

_BREAK_OFF_SECONDS = 2.0  # a thread that looks up a name cannot be hurried; it ends by itself


class Opener:
    """Opens sessions with one server. The selector reports this object when one is there, or has failed."""

    def __init__(self, server: Server, selector: selectors.BaseSelector) -> None:
        self._server = server
        self._selector = selector
        self._threads: dict[Thread, socket.socket | None] = {}
        self._opened: deque[tuple[Thread, tuple[socket.socket, Features] | None]] = deque()
        self._closed = False
        self._wake_up, self._alarm = socket.socketpair()
        self._wake_up.setblocking(False)
        selector.register(self._wake_up, selectors.EVENT_READ, self)

    def __len__(self) -> int:
        """How many are being opened."""
        return len(self._threads)

    def open_another(self) -> None:
        """Begin to open a session."""
        thread = Thread(target=lambda: self._open(thread), name="smtp-open", daemon=True)
        self._threads[thread] = None
        thread.start()

    def arrived(self) -> Iterator[tuple[socket.socket, Features] | None]:
        """The sessions that are open now; None for one that could not be opened."""
        with suppress(BlockingIOError):
            self._wake_up.recv(4096)
        while self._opened:
            thread, session = self._opened.popleft()
            del self._threads[thread]
            thread.join()
            yield session

    def close(self) -> None:
        """Break off what is being opened, and close what nobody has taken."""
        self._closed = True
        until = monotonic() + _BREAK_OFF_SECONDS
        for thread, sock in list(self._threads.items()):
            if sock is not None:
                with suppress(OSError):  # it is closed already
                    # Not SSLSocket's own shutdown: it would let the thread go on without encryption.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
            thread.join(max(0.0, until - monotonic()))
        while self._opened:
            if session := self._opened.popleft()[1]:
                with suppress(OSError):  # a courtesy
                    session[0].send(b"QUIT\r\n")
                session[0].close()
        self._selector.unregister(self._wake_up)
        self._wake_up.close()
        self._alarm.close()

    def _open(self, thread: Thread) -> None:
        """Runs in a thread of its own."""

        def watch(sock: socket.socket) -> None:
            self._threads[thread] = sock
            if self._closed:
                raise ConnectionAbortedError("broken off")

        session = None
        with suppress(TransportError):
            session = open_session(self._server, watch)
        self._opened.append((thread, session))
        with suppress(OSError):  # the run has ended at this very moment
            self._alarm.send(b"!")
