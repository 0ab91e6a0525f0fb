"""Patience has an end: who connects and does not say a whole request line and header is hung up on.

Without it, a thousand connections that stay silent would keep everybody else out (RFC 9110 section 15.5.9 lets a server
close such a connection). What comes behind the header has its own time, in `door`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


def patient(seconds: float) -> type[H11Protocol]:
    """The protocol of uvicorn, with so many seconds for the head of each request."""

    class Patient(H11Protocol):
        _hanging_up: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._begin()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # Idle, with something said: the beginning of a head. Bit by bit does not make the time longer.
            if self.conn.their_state is h11.IDLE:
                if self.conn.trailing_data[0] and self._hanging_up is None:
                    self._begin()
            else:
                self._end()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end()
            super().connection_lost(exc)

        def _begin(self) -> None:
            self._hanging_up = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

        def _end(self) -> None:
            if self._hanging_up is not None:
                self._hanging_up.cancel()
                self._hanging_up = None

    return Patient
