"""A port of this machine, opened for those who connect, and closed again."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    import asyncio


def listen(host: str, port: int, option: str = "--port", *, backlog: int | None = None) -> socket.socket:
    """A socket that listens; port 0 is any free one. `option` is what the author chooses the port with.

    Raises Refused, with what to do about it.
    """
    if not 0 <= port <= 65535:
        raise Refused(Problem(f"there is no port {port}", fix=f"choose one from 0 to 65535 with `{option}`"))
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise Refused(_why_not(error, host, port, option)) from error
    # Connections inherit it. asyncio would set it only on sockets made with an explicit protocol; without it, the
    # several lines of an EHLO reply cost 40 ms of delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def stop_listening(server: asyncio.Server) -> None:
    """Close the port; whoever was accepted until now is a connection afterwards, and its protocol knows of it.

    `Server.close` alone forgets who was accepted and is no connection yet: asyncio makes those in a task of their own,
    which fails when the server is closed by then, and leaves the client with a socket that nobody closes.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        with suppress(NotImplementedError):  # Windows, where accepting and connecting are one step
            loop.remove_reader(listening.fileno())
    for _ in range(3):  # the turns until the task has run, and told the protocol
        await asyncio.sleep(0)
    server.close()


def _why_not(error: OSError, host: str, port: int, option: str) -> Problem:
    match error.errno:
        case errno.EADDRINUSE:
            fix = f"stop what uses it, or choose another one: `{option} {port + 1}`, or `{option} 0` for any free one"
            return Problem(f"port {port} on {host} is in use", fix=fix)
        case errno.EACCES:
            fix = f"choose one above 1023: `{option} {port + 2500 if port + 2500 > 1023 else 8080}`"
            return Problem(f"port {port} on {host} is not for ordinary users", fix=fix)
        case _:
            message = f"cannot listen on {host}, port {port}: {error.strerror or error}"
            return Problem(message, fix="name an address of this machine, such as 127.0.0.1")
