"""Servers that run beside other work: in a loop that turns already, and until somebody presses Ctrl-C."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from queue import SimpleQueue

    import uvicorn
    from starlette.applications import Starlette

# A SimpleQueue's put is the one that may be called from a signal handler at any moment.
Stopped: TypeAlias = "SimpleQueue[None]"


def web_server(app: Starlette) -> uvicorn.Server:
    """A server for a page of one person's own, silent: `await server.serve([socket])`."""
    import uvicorn

    from newsletter.serving.ending import Ending

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return Ending(config)


@contextmanager
def stopping(stopped: Stopped) -> Iterator[None]:
    """Let SIGINT and SIGTERM put something into the queue; from the main thread only."""
    handlers = {
        number: signal.signal(number, lambda _number, _frame: stopped.put(None))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
