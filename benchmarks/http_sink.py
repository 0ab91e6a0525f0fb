"""A provider that takes everything: python -m benchmarks.http_sink PORT EACH BODY HEADERS.

It reads a request to its end, counts the messages in it by a header that each of them has once, and answers as the
provider would. At the end it prints how many octets it was sent.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

_MARK = b"List-Unsubscribe-Post"


class Sink(asyncio.Protocol):
    """One connection."""

    each, body, status, headers = "", "", 200, ""
    octets = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._out = transport
        self._head = b""
        self._left = self._marks = 0
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        Sink.octets += len(data)
        if not self._left:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            self._head = head
            if not end:
                return
            self._left = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            self._marks, self._tail = 0, b""
        piece = self._tail + data
        self._marks += piece.count(_MARK)
        self._tail = piece[-len(_MARK) + 1 :]
        self._left -= len(data)
        if self._left <= 0:
            self._head = b""
            number = self._marks if self.each else 1
            said = self.body.replace("EACH", ", ".join([self.each] * number)).encode()
            first = f"HTTP/1.1 {self.status} OK\r\nContent-Length: {len(said)}\r\n{self.headers}\r\n"
            self._out.write(first.encode() + said)


async def serve(port: int) -> None:
    """Until it is terminated."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(Sink, "127.0.0.1", port)
    async with server:
        await over.wait()
    print(Sink.octets, flush=True)


if __name__ == "__main__":
    Sink.each, Sink.body = sys.argv[2:4]
    answer = json.loads(sys.argv[4])
    Sink.status = answer["status"]
    Sink.headers = "".join(f"{name}: {value}\r\n" for name, value in answer["headers"].items())
    asyncio.run(serve(int(sys.argv[1])))
