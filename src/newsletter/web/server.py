"""The pages as a server that runs while its `with` block does, in a thread of its own.

with Server(parts, port=0) as server:
    requests.get(f"{server.url}/healthz")
"""

from __future__ import annotations

import errno
from threading import Thread
from typing import TYPE_CHECKING, Self

from newsletter.errors import Problem, Refused
from newsletter.web.app import app

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from newsletter.web.parts import Parts

_DRAIN_SECONDS = 5  # for requests that are being answered when the server ends
_BACKLOG = 1024
_MOST_AT_ONCE = 1000  # connections; who comes then is asked to come back (503)


class Server:
    """The pages, listening. Making one opens the port: raises Refused when that cannot be."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = _listen(host, port)
        self.host, self.port = host, self._socket.getsockname()[1]
        self._thread: Thread | None = None
        self.patience = 10.0  # seconds for the head of a request

    @property
    def url(self) -> str:
        """Where the pages are, as this machine sees it; without a slash at the end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self, parts: Parts) -> Self:
        """Answer from now on."""
        import uvicorn

        from newsletter.web.patience import patient

        config = uvicorn.Config(
            app(parts),
            http=patient(self.patience),
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",  # anybody can send what is no request: no line for each
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=15,
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            h11_max_incomplete_event_size=16 * 1024,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, name="newsletter-pages", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more requests, answer those that are there, and close the port. To stop twice is fine."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_DRAIN_SECONDS + 2)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        import asyncio

        asyncio.run(self._server.serve([self._socket]))


def _listen(host: str, port: int) -> socket.socket:
    import socket

    if not 0 <= port <= 65535:
        raise Refused(Problem(f"there is no port {port}", fix="choose one from 0 to 65535 with `--port`"))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Refused(_why_not(error, host, port)) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _why_not(error: OSError, host: str, port: int) -> Problem:
    match error.errno:
        case errno.EADDRINUSE:
            fix = f"stop what uses it, or choose another one: `--port {port + 1}`, or `--port 0` for any free one"
            return Problem(f"port {port} on {host} is in use", fix=fix)
        case errno.EACCES:
            return Problem(
                f"port {port} on {host} is not for ordinary users", fix="choose one above 1023: `--port 8080`"
            )
        case _:
            return Problem(
                f"cannot listen on {host}, port {port}: {error.strerror or error}",
                fix="name an address of this machine with `--host`, such as 127.0.0.1",
            )
