"""The folder transport: one .eml file a message, to look at, to archive, or to hand to another program."""

from __future__ import annotations

import os
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING
from urllib.parse import quote

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Accepted, Reply
from newsletter.transports import PAUSE, Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from newsletter.message import Message
    from newsletter.transports import Messages, Offer, Results


class FolderTransport:
    """Writes each message to `path`. The file's name is the Message-ID's left part: no address in it."""

    capabilities = Capabilities(in_flight=1, messages_per_second=2_000)

    def __init__(self, path: Path, *, wait: Callable[[float], object] = sleep) -> None:
        """Write to `path`, which is made when the first message comes; `wait` lets so many seconds pass."""
        self.path = path
        self._wait = wait

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """See Transport. A file appears whole or not at all; the same message again replaces it."""
        for message in messages:
            if message is None:
                self._wait(PAUSE)
                continue
            offer((message,))
            try:
                name = self._write(message)
            except OSError as error:
                yield [(message, None)]
                raise self._cannot_write(error) from error
            yield [(message, Accepted(Reply(250, "2.0.0", name)))]

    def close(self) -> None:
        """Nothing to let go of."""

    def _write(self, message: Message) -> str:
        """Write the message's file and return its name."""
        name = quote(message.message_id.strip("<>").partition("@")[0], safe="") + ".eml"
        unfinished = self.path / f".{os.getpid()}.unfinished"
        try:
            try:
                unfinished.write_bytes(message.data)
            except FileNotFoundError:
                self.path.mkdir(parents=True, exist_ok=True)
                unfinished.write_bytes(message.data)
            unfinished.replace(self.path / name)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        return name

    def _cannot_write(self, error: OSError) -> TransportError:
        return TransportError(
            Problem(
                f"cannot write to the folder: {error.strerror}",
                str(self.path),
                fix="free some space or choose another folder in [transports], then `newsletter resume`",
            )
        )
