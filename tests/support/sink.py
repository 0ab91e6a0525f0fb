"""A mail server that keeps a record of what it accepted, and can be told to misbehave.

It speaks ESMTP and LMTP with PIPELINING over asyncio in a thread of its own. A message counts as accepted from the
moment before the reply to its end-of-data mark is written: that is when a real server has it on disk.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

from newsletter.serving.listening import stop_listening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]+>)", re.MULTILINE | re.IGNORECASE)

# A fault: given the verb ("MAIL", "RCPT", "DATA", ".", "CONNECT") and its argument, the reply to give instead of the
# usual one, "DROP" to close the connection without a word, "KEEP AND DROP" (after the dot) to accept first; or None.
# A reply may have several lines. After "354" to DATA the content is read, whatever was said before.
Fault = "Callable[[str, str], str | None]"


@dataclass
class Sink:
    """`with Sink() as sink:` listens on `sink.port`; `sink.accepted` has the recipient of each accepted message.

    With `path` it listens on a UNIX socket there instead.
    """

    fault: Callable[[str, str], str | None] = lambda _verb, _argument: None
    pipelining: bool = True
    ehlo: bool = True
    extensions: tuple[str, ...] = ("SIZE 50000000", "8BITMIME")
    accepted: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    keep_data: bool = False
    commands: list[str] = field(default_factory=list)  # each line that was heard outside of a content
    keep_commands: bool = False
    byte_by_byte: bool = False
    connections: int = 0
    used: int = 0  # connections on which a message began
    farewells: int = 0  # those of them that ended with QUIT
    port: int = 0
    path: Path | None = None

    def __enter__(self) -> Sink:
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        if not self.path:
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        def connection() -> _Connection:
            return _Connection(asyncio.StreamReader(limit=2**22), self._serve, self._open)

        if self.path:
            return await self._loop.create_unix_server(connection, self.path)
        return await self._loop.create_server(connection, "127.0.0.1", self.port)

    async def _close(self) -> None:
        await stop_listening(self._server)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._open:  # also those that nobody has begun to serve
            for transport in self._open:
                transport.abort()
            await asyncio.sleep(0)

    @property
    def duplicates(self) -> list[str]:
        """Recipients who were accepted more than once."""
        return [recipient for recipient, number in Counter(self.accepted).items() if number > 1]

    def hang_up(self) -> None:
        """Close all connections without a word."""

        def close() -> None:
            for transport in self._open:
                transport.abort()

        self._loop.call_soon_threadsafe(close)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            out = text.encode() + b"\r\n"
            if not self.byte_by_byte:
                writer.write(out)
                return
            for position in range(len(out)):
                writer.write(out[position : position + 1])
                await writer.drain()
                await asyncio.sleep(0)

        greeting = self.fault("CONNECT", str(self.connections))
        if greeting == "DROP":
            return
        await say(greeting or "220 sink.example.org ESMTP")
        if greeting:
            return
        recipient = ""
        mail = used = False
        while line := await reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if self.keep_commands:
                self.commands.append(text)
            verb, _, argument = text.partition(" ")
            verb = verb.upper()
            if verb == "MAIL" and not used:
                used = True
                self.used += 1
            reply = self.fault(verb, argument)
            if reply == "DROP":
                return
            if reply:
                await say(reply)
                if reply.startswith("421"):
                    return
            elif verb in ("EHLO", "LHLO"):
                if not self.ehlo:
                    await say("502 5.5.1 not implemented")
                else:
                    offered = [*self.extensions, *(["PIPELINING"] if self.pipelining else [])]
                    lines = ["sink.example.org", *offered]
                    await say("\r\n".join([*(f"250-{each}" for each in lines[:-1]), f"250 {lines[-1]}"]))
            elif verb == "HELO":
                await say("250 sink.example.org")
            elif verb == "MAIL":
                if mail:
                    await say("503 5.5.1 nested MAIL")
                else:
                    mail, recipient = True, ""
                    await say("250 2.1.0 Ok")
            elif verb == "RCPT":
                if not mail:
                    await say("503 5.5.1 MAIL first")
                else:
                    recipient = argument.partition("<")[2].partition(">")[0]
                    await say("250 2.1.5 Ok")
            elif verb == "BDAT":
                content = await reader.readexactly(int(argument.split()[0]))
                if not recipient:
                    await say("503 5.5.1 RCPT first")
                else:
                    end = self._take(recipient, content)
                    mail, recipient = False, ""
                    if not end:
                        return
                    await say(end)
                    if end.startswith("421"):
                        return
            elif verb == "DATA":
                if not recipient:
                    await say("554 5.5.1 no valid recipients")
                else:
                    await say("354 go on")
                    reply = "354"
            elif verb == "RSET":
                mail, recipient = False, ""
                await say("250 2.0.0 Ok")
            elif verb == "QUIT":
                self.farewells += used
                await say("221 2.0.0 Bye")
                return
            else:
                await say("500 5.5.2 what?")
            await writer.drain()
            if verb == "DATA" and reply and reply.startswith("354"):
                end = await self._take_content(recipient, reader)
                mail, recipient = False, ""
                if not end:
                    return
                await say(end)
                if end.startswith("421"):
                    return
                await writer.drain()

    async def _take_content(self, recipient: str, reader: asyncio.StreamReader) -> str | None:
        """Take the message, or what the fault says, and return the reply; None to close without one."""
        data = await reader.readexactly(3)
        if data != b".\r\n":
            data += await reader.readuntil(b"\r\n.\r\n")
        if not recipient:
            return self.fault(".", recipient) or "554 5.5.1 no valid recipients"
        return self._take(recipient, data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."))

    def _take(self, recipient: str, data: bytes) -> str | None:
        """Take a content, or what the fault says, and return the reply; None to close without one."""
        reply = self.fault(".", recipient)
        if reply is None or reply == "KEEP AND DROP":
            self.accepted.append(recipient)
            if match := MESSAGE_ID.search(data):
                self.message_ids.append(match[1].decode())
            if self.keep_data:
                self.data.append(data)
        if reply in ("DROP", "KEEP AND DROP"):
            return None
        return reply or f"250 2.0.0 Ok: queued as {len(self.accepted):06X}"


class _Connection(asyncio.StreamReaderProtocol):
    """A stream that stands among those that are open, from the moment it is one until its socket is closed."""

    def __init__(self, reader: asyncio.StreamReader, serve: Serve, are_open: set[asyncio.Transport]) -> None:
        super().__init__(reader, serve)
        self._are_open = are_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._mine = transport
        self._are_open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, reason: Exception | None) -> None:
        self._are_open.discard(self._mine)
        super().connection_lost(reason)
