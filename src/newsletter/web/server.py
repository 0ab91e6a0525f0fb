"""The pages as a server that runs while its `with` block does, in a thread of its own.

with Server(parts, port=0) as server:
    requests.get(f"{server.url}/healthz")
"""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Self

from newsletter.serving.listening import listen
from newsletter.web.app import app

if TYPE_CHECKING:
    from types import TracebackType

    from newsletter.web.parts import Parts

_DRAIN_SECONDS = 5  # for requests that are being answered when the server ends
_BACKLOG = 1024
_MOST_AT_ONCE = 1000  # connections; who comes then is asked to come back (503)


class Server:
    """The pages, listening. Making one opens the port: raises Refused when that cannot be."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = listen(host, port, backlog=_BACKLOG)
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

        from newsletter.serving.ending import Ending
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
        self._server = Ending(config)
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
