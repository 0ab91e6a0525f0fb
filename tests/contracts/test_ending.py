"""Servers end without forgetting anybody: who was accepted a moment before is hung up on, not left waiting."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from newsletter.serving.listening import listen, stop_listening
from newsletter.serving.running import web_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

at_each_moment = pytest.mark.parametrize("turns", range(6))  # of the loop, between a connection's coming and the end


def _in_a_loop(life: Callable[[], Awaitable[object]]) -> None:
    """Live it in an event loop of its own, in a thread: this one may have a loop that runs, for a browser."""

    async def lived() -> None:
        await life()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(lived())).result()


async def _after(turns: int, port: int) -> socket.socket:
    """Somebody who connected, and the loop has turned so often since."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    for _ in range(turns):
        await asyncio.sleep(0)
    return client


def _is_hung_up_on(client: socket.socket) -> bool:
    """Is it told that it's over? Waits for ten seconds and raises TimeoutError when it is not."""
    with client:
        try:
            return client.recv(1) == b""
        except ConnectionResetError:
            return True


@at_each_moment
def test_whoever_was_accepted_is_known_when_the_port_is_closed(turns: int) -> None:
    class Known(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            known.append(transport)

    clients = []
    known: list[asyncio.BaseTransport] = []

    async def life() -> None:
        server = await asyncio.get_running_loop().create_server(Known, "127.0.0.1", 0)
        clients.append(await _after(turns, server.sockets[0].getsockname()[1]))
        await stop_listening(server)
        for transport in known:
            transport.close()

    _in_a_loop(life)
    assert _is_hung_up_on(*clients)
    if turns > 1:
        assert known


@at_each_moment
def test_a_web_server_does_not_wait_for_who_came_with_its_end(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = []

    async def come() -> None:
        clients.append(await _after(turns, listening.getsockname()[1]))

    server = web_server(Starlette())
    server.config.timeout_graceful_shutdown = None  # whom it waits for, it waits for without end
    monkeypatch.setattr(server, "main_loop", come)
    with listen("127.0.0.1", 0) as listening:
        _in_a_loop(lambda: asyncio.wait_for(server.serve([listening]), 10))
    assert _is_hung_up_on(*clients)


def test_who_is_not_answered_in_time_is_hung_up_on() -> None:
    async def think(_: Request) -> Response:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()  # it does not even end when it is asked to
        raise AssertionError

    async def life() -> None:
        server = web_server(Starlette(routes=[Route("/", think)]))
        server.config.timeout_graceful_shutdown = 0
        serving = asyncio.create_task(server.serve([listening]))
        clients.append(await _after(0, listening.getsockname()[1]))
        clients[0].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asked.wait()
        server.should_exit = True
        await serving

    clients: list[socket.socket] = []
    asked = asyncio.Event()
    with listen("127.0.0.1", 0) as listening:
        _in_a_loop(life)
    assert _is_hung_up_on(*clients)
