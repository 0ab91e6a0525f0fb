"""The end of a web server: the port closed, what is being answered answered, and no connection left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from newsletter.serving.listening import stop_listening

if TYPE_CHECKING:
    import socket


class Ending(uvicorn.Server):
    """A server that forgets nobody when it ends.

    uvicorn asks the connections it knows of to end, so one that came at that moment would be waited for in vain, and
    would stay open. Here it is known by then; and whoever is not answered in the time the configuration gives is hung
    up on.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            await stop_listening(server)
        await super().shutdown(sockets)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
