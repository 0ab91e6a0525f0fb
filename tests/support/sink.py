"""A mail server that keeps a record of what it accepted, and can be told to misbehave.

It speaks ESMTP with PIPELINING over asyncio in a thread of its own. A message counts as accepted from the moment
before the reply to its end-of-data mark is written: that is when a real server has it on disk.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]+>)", re.MULTILINE | re.IGNORECASE)

# A fault: given the verb ("MAIL", "RCPT", "DATA", ".", "CONNECT") and its argument, the reply to give instead of the
# usual one, "DROP" to close the connection without a word, "KEEP AND DROP" (after the dot) to accept first; or None.
Fault = "Callable[[str, str], str | None]"


@dataclass
class Sink:
    """`with Sink() as sink:` listens on `sink.port`; `sink.accepted` has the recipient of each accepted message."""

    fault: Callable[[str, str], str | None] = lambda _verb, _argument: None
    pipelining: bool = True
    ehlo: bool = True
    extensions: tuple[str, ...] = ("SIZE 50000000", "8BITMIME")
    accepted: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    keep_data: bool = False
    connections: int = 0
    port: int = 0

    def __enter__(self) -> Sink:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**22), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def duplicates(self) -> list[str]:
        """Recipients who were accepted more than once."""
        return [recipient for recipient, number in Counter(self.accepted).items() if number > 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        greeting = self.fault("CONNECT", str(self.connections))
        if greeting == "DROP":
            return
        say(greeting or "220 sink.example.org ESMTP")
        if greeting:
            return
        recipient = ""
        mail = False
        while line := await reader.readline():
            verb, _, argument = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            verb = verb.upper()
            reply = self.fault(verb, argument)
            if reply == "DROP":
                return
            if reply:
                say(reply)
                if reply.startswith("421"):
                    return
            elif verb in ("EHLO", "LHLO"):
                if not self.ehlo:
                    say("502 5.5.1 not implemented")
                else:
                    offered = [*self.extensions, *(["PIPELINING"] if self.pipelining else [])]
                    lines = ["sink.example.org", *offered]
                    for number, text in enumerate(lines):
                        say(f"250{' ' if number == len(lines) - 1 else '-'}{text}")
            elif verb == "HELO":
                say("250 sink.example.org")
            elif verb == "MAIL":
                if mail:
                    say("503 5.5.1 nested MAIL")
                else:
                    mail, recipient = True, ""
                    say("250 2.1.0 Ok")
            elif verb == "RCPT":
                if not mail:
                    say("503 5.5.1 MAIL first")
                else:
                    recipient = argument.partition("<")[2].partition(">")[0]
                    say("250 2.1.5 Ok")
            elif verb == "DATA":
                if not recipient:
                    say("554 5.5.1 no valid recipients")
                else:
                    say("354 go on")
                    await writer.drain()
                    data = await reader.readuntil(b"\r\n.\r\n")
                    if self._end_of_data(recipient, data, say):
                        return
                    mail, recipient = False, ""
            elif verb == "RSET":
                mail, recipient = False, ""
                say("250 2.0.0 Ok")
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                say("500 5.5.2 what?")
            await writer.drain()

    def _end_of_data(self, recipient: str, data: bytes, say: Callable[[str], None]) -> bool:
        """Take the message, or what the fault says; true if the connection is to be closed."""
        reply = self.fault(".", recipient)
        if reply is None or reply == "KEEP AND DROP":
            self.accepted.append(recipient)
            if match := MESSAGE_ID.search(data):
                self.message_ids.append(match[1].decode())
            if self.keep_data:
                self.data.append(data)
        if reply in ("DROP", "KEEP AND DROP"):
            return True
        say(reply or f"250 2.0.0 Ok: queued as {len(self.accepted):06X}")
        return reply is not None and reply.startswith("421")
