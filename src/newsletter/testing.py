"""For tests of what is built on this: an API on this machine, whose answers you decide, and a record of what was asked.

with Api(lambda call: Reply(200, [{"state": "flying"} for _ in call.json()])) as api:
    ...  # endpoint = api.url
assert len(api.calls) == 3
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from newsletter.providers import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self


@dataclass(frozen=True)
class Call:
    """One request, as it came. Header names are in small letters."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    port: int = 0  # of whoever asked: the same for what comes over one connection

    @property
    def request(self) -> Request:
        """The same, as whoever asked would have it."""
        return Request(self.path, self.headers, self.body, self.method)

    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What the server says. `body` is octets, or data that becomes JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False  # it never answers
    before: bool = False  # it hangs up before it says anything


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone; all else is a mistake of the test's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LocalServer:
    """An HTTP server on this machine, while its `with` block runs; `over` is set when that ends."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        """On a free port, each connection in a thread of its own."""
        self.over = Event()
        self.server = _Server(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self._thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class Api(LocalServer):
    """`with Api(lambda call: Reply(200, [])) as api: …; api.calls`."""

    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        """`answer` is asked for each call, one at a time."""
        self.calls: list[Call] = []
        self.answer = answer
        self._lock = Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = self.rfile.read(length)
                if len(body) < length:  # whoever asked has died in the middle: no server takes that for a request
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.path, headers, body, self.command, self.client_address[1])
                with api._lock:
                    api.calls.append(call)
                    reply = api.answer(call)
                if reply.before:
                    self.close_connection = True
                    self.connection.shutdown(SHUT_RDWR)
                    return
                if reply.silent:
                    api.over.wait()
                    self.close_connection = True
                    return
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                usual = {"Content-Type": "application/json", "Content-Length": str(len(content))}
                for name, value in {**usual, **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815  (a name of http.server's)

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(Handler)
        self.url = f"http://127.0.0.1:{self.port}"
