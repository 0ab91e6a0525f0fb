"""A web server on this machine, with pages that are set in the test and a record of who asked for what."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from newsletter.testing import LocalServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Page:
    """What the server answers at one path."""

    content: bytes = b""
    type: str = "image/png"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None  # what Content-Length says; None: the truth; negative: it is not said
    slow: bool = False  # send a byte at a time, and never the last
    silent: bool = False  # send nothing at all


@dataclass(frozen=True)
class Request:
    """What somebody asked for."""

    path: str
    headers: Mapping[str, str]


class Web(LocalServer):
    """`with Web() as web: web.pages["/a.png"] = Page(…)`."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[Request] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.requests.append(Request(self.path, dict(self.headers.items())))
                page = web.pages.get(self.path, Page(b"there is no such page", "text/plain", 404))
                if page.silent:
                    web.over.wait()
                    return
                tag = page.headers.get("ETag")
                if tag and self.headers.get("If-None-Match") == tag:
                    page = Page(status=304)
                self.send_response(page.status)
                if page.type:
                    self.send_header("Content-Type", page.type)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if page.length is None or page.length >= 0:
                    self.send_header("Content-Length", str(len(page.content) if page.length is None else page.length))
                self.end_headers()
                try:
                    if page.slow:
                        while not web.over.wait(0.01):
                            self.wfile.write(b".")
                    self.wfile.write(page.content)
                except OSError:  # whoever asked has heard enough
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"

    def url(self, path: str, host: str = "img.example.org") -> str:
        """The address of a page here, by any name."""
        return f"{self.scheme}://{host}:{self.port}{path}"
