"""A server that says what a function makes it say: for the conversations that no honest server would have.

def grumpy(peer: Peer) -> None:
    peer.say("554 go away")

with Talker(grumpy) as server:
    …  # connect to server.port
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Peer:
    """The other end of one connection. Its methods end the conversation when the connection ends."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    def say(self, *lines: str | bytes) -> None:
        """Send lines; octets go out as they are, without a line end."""
        for line in lines:
            self.sock.sendall(line if isinstance(line, bytes) else line.encode() + b"\r\n")

    def hear(self) -> str:
        """The next line, without its end."""
        while b"\n" not in self._buffer:
            data = self.sock.recv(65_536)
            if not data:
                raise ConnectionResetError
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode()

    @property
    def has_more(self) -> bool:
        """Whether something came behind the last line."""
        return bool(self._buffer)

    def hear_content(self) -> list[str]:
        """The lines up to the lone dot."""
        lines = []
        while (line := self.hear()) != ".":
            lines.append(line)
        return lines

    def greet(self, *offered: str) -> None:
        """Greet, and answer EHLO with what is offered."""
        self.say("220 talker.example.org ESMTP")
        self.answer_ehlo(*offered)

    def answer_ehlo(self, *offered: str) -> None:
        """Answer EHLO or LHLO with what is offered."""
        assert self.hear().split()[0].upper() in ("EHLO", "LHLO")
        lines = ("talker.example.org", *offered)
        self.say(*(f"250{' ' if number == len(lines) else '-'}{line}" for number, line in enumerate(lines, 1)))

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin TLS, as the server."""
        self.sock = context.wrap_socket(self.sock, server_side=True)


class Talker:
    """Runs `talk` in a thread for each connection. What it raises, but for a lost connection, is raised at the end."""

    def __init__(self, talk: Callable[[Peer], object], host: str = "127.0.0.1") -> None:
        self._talk = talk
        self._listening = socket.create_server((host, 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self._threads: list[Thread] = []
        self._peers: list[Peer] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        self._accepting = Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listening.close()
        for peer in self._peers:
            with suppress(OSError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                peer = Peer(sock)
                self._peers.append(peer)
                thread = Thread(target=self._serve, args=(peer,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, peer: Peer) -> None:
        try:
            self._talk(peer)
        except OSError:
            pass  # the client went away, or the test is over
        except BaseException as error:  # raised again where the test sees it
            self._failures.append(error)
        finally:
            peer.sock.close()
