"""Both origins as servers of this machine, in a thread of their own, with the watcher beside them.

with Preview(tools, settings) as preview:
    webbrowser.open(preview.url)
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from queue import SimpleQueue
from secrets import token_urlsafe
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from newsletter.errors import Problem, Refused
from newsletter.preview.proof import Studio
from newsletter.preview.watching import Hub, watch
from newsletter.serving.guard import LOOPBACK
from newsletter.serving.listening import listen
from newsletter.serving.running import stopping, web_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from newsletter.preview.proof import Tools

_HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """How a preview is opened."""

    port: int = 0  # 0: any free one; the mail gets another free one
    lan: bool = False  # the mail alone, without the page, for telephones in the same network
    editor: str = ""


class Preview:
    """A preview that runs while its `with` block does. Entering raises Refused when a port cannot be opened."""

    def __init__(self, tools: Tools, settings: Path, options: Options = Options()) -> None:
        self.studio, self._settings, self._options = Studio(tools), settings, options
        self._hub, self._ready = Hub(), Event()
        self._page_token, self._mail_token = token_urlsafe(18), token_urlsafe(18)
        self._failure: BaseException | None = None
        self._stopped: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        self._network = _address_in_network() if self._options.lan else ""
        page = listen(_HERE, self._options.port)
        mail = listen("0.0.0.0" if self._options.lan else _HERE, 0)  # noqa: S104  (asked for by --lan)
        self._ports = page.getsockname()[1], mail.getsockname()[1]
        self._thread = Thread(target=self._run, args=(page, mail), name="newsletter-preview", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)

    @property
    def url(self) -> str:
        """The author's page."""
        return f"http://{_HERE}:{self._ports[0]}/{self._page_token}/"

    @property
    def phone(self) -> str:
        """What a telephone in the same network opens; "" without --lan."""
        return f"http://{self._network}:{self._ports[1]}/{self._mail_token}/" if self._network else ""

    def serve(self, ready: Callable[[Preview], object]) -> None:
        """Run until SIGINT or SIGTERM; for the command line, and from the main thread only."""
        with stopping(self._stopped), self:
            ready(self)
            self._stopped.get()
            if self._failure:
                raise self._failure

    def _run(self, page: socket.socket, mail: socket.socket) -> None:
        with page, mail:
            try:
                asyncio.run(self._serve(page, mail))
            except BaseException as error:  # raised again in the thread that waits
                self._failure = error
        self._ready.set()
        self._stopped.put(None)

    async def _serve(self, page: socket.socket, mail: socket.socket) -> None:
        from newsletter.preview import mail as mail_pages
        from newsletter.preview import page as author_page

        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        page_port, mail_port = self._ports
        names = (*LOOPBACK, self._network) if self._network else LOOPBACK
        address = author_page.Address(
            f"http://{_HERE}:{mail_port}/{self._mail_token}", self.phone, self._options.editor
        )
        servers = [
            web_server(author_page.app(self.studio, self._hub, self._page_token, _hosts((_HERE,), page_port), address)),
            web_server(
                mail_pages.app(
                    self.studio, self._hub, self._mail_token, _hosts(names, mail_port), f"http://{_HERE}:{page_port}"
                )
            ),
        ]
        self._hub.publish(await asyncio.to_thread(self.studio.refresh))
        watching = asyncio.create_task(watch(self.studio, self._hub, self._settings, self._end))
        tasks = [asyncio.create_task(each.serve([at])) for each, at in zip(servers, (page, mail), strict=True)]
        self._ready.set()
        ending = asyncio.create_task(self._end.wait())
        await asyncio.wait([ending, watching, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self._end.set()
        self._hub.close()
        for each in servers:
            each.should_exit = True
        await asyncio.gather(*tasks)
        await watching


def _hosts(names: tuple[str, ...], port: int) -> frozenset[str]:
    return frozenset(f"{name}:{port}" for name in names)


def _address_in_network() -> str:
    """The address of this machine as its network sees it; nothing is sent to find out. Raises Refused without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): to connect a datagram socket only picks a route
            return str(probe.getsockname()[0])
        except OSError:
            fix = "connect it to the network of the telephone, or leave --lan away"
            raise Refused(Problem("this machine is in no network", fix=fix)) from None
