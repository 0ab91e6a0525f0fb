"""The embedded mailbox: an SMTP server on this machine that keeps what it gets, and a web page that shows it.

    with Inbox(Path("mail")) as inbox:          # free ports, in a thread of its own
        send_something_to("127.0.0.1", inbox.smtp_port)
        [message] = inbox.wait(1)
        print(message.recipients, message.parsed["Subject"], inbox.url)

maildir.py   messages as files, each with its envelope
manners.py   what the server asks for and refuses
smtp.py      the SMTP session
reading.py   what a message says, whatever is wrong with it
phrases.py   how the pages say times, sizes, names and links
guard.py     who may talk to the pages
web.py       the pages (pages/) and a small JSON API

It knows nothing of what sends: the demo, the tests and any other program write to it through SMTP.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

from newsletter.errors import Refused
from newsletter.inbox.maildir import Maildir, ReceivedMessage
from newsletter.inbox.manners import HANG_UP, Manners
from newsletter.serving.listening import listen, stop_listening
from newsletter.serving.running import stopping

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

__all__ = ["HANG_UP", "Inbox", "Manners", "ReceivedMessage"]


class Inbox:
    """A mailbox that runs while its `with` block does.

    `smtp_port` and `http_port` 0 mean any free port, `http_port` None no web page. After entering, `smtp_port`
    and `http_port` are the real ones and `url` is the page's address. Entering raises Refused when a port or
    the folder cannot be used. An Inbox is entered once.

    `manners` says what it refuses, whether it wants a login or TLS, and whom it tells of each message:
    `Inbox(path, manners=Manners(refuse={"gone@example.org": "550 5.1.1 No such user"}))`.
    """

    def __init__(
        self,
        maildir: Path,
        smtp_port: int = 0,
        http_port: int | None = 0,
        host: str = "127.0.0.1",
        manners: Manners | None = None,
    ) -> None:
        self.maildir = maildir
        self.smtp_port = smtp_port
        self.http_port = http_port
        self.host = host
        self.manners = manners or Manners()
        self._running = Event()
        self._halt: Callable[[], object] = lambda: None
        self._failure: BaseException | None = None
        self._stopped: SimpleQueue[None] = SimpleQueue()

    @property
    def url(self) -> str | None:
        """Where to look, such as "http://127.0.0.1:8025/"; None without a web page."""
        return None if self.http_port is None else f"http://{_in_url(self.host)}:{self.http_port}/"

    def __enter__(self) -> Self:
        self._mail = Maildir(self.maildir)
        smtp = listen(self.host, self.smtp_port, "--smtp-port")
        self.smtp_port = smtp.getsockname()[1]
        web = None
        if self.http_port is not None:
            try:
                web = listen(self.host, self.http_port, "--http-port")
            except Refused:
                smtp.close()
                raise
            self.http_port = web.getsockname()[1]
        self._thread = Thread(target=self._run, args=(smtp, web), name="newsletter-inbox", daemon=True)
        self._thread.start()
        self._running.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halt()
        self._thread.join()

    def messages(self) -> list[ReceivedMessage]:
        """Everything in the mailbox, in the order of arrival."""
        return [self._mail.read(key) for key in self._mail.in_order()]

    def wait(self, n: int = 1, timeout: float = 10) -> list[ReceivedMessage]:
        """Wait until at least `n` messages are in the mailbox and return all of them.

        Raises TimeoutError after `timeout` seconds, saying how many there are.
        """
        self._mail.wait(n, timeout)
        return self.messages()

    def empty(self) -> int:
        """Delete every message; tells how many there were."""
        return self._mail.empty()

    def serve(self, ready: Callable[[Inbox], object] = lambda _: None) -> None:
        """Run until SIGINT or SIGTERM; for the command line, and from the main thread only.

        `ready` is called once the ports are open, to say where. Raises what entering raises.
        """
        with stopping(self._stopped), self:
            ready(self)
            self._stopped.get()
            if self._failure:
                raise self._failure

    def _run(self, smtp: socket.socket, web: socket.socket | None) -> None:
        """The thread's life: one event loop for both servers, and their sockets closed at its end."""
        import asyncio

        with smtp, web or nullcontext():
            try:
                asyncio.run(self._serve(smtp, web))
            except BaseException as error:  # raised again in the thread that waits
                self._failure = error
        self._running.set()
        self._stopped.put(None)

    async def _serve(self, smtp: socket.socket, web: socket.socket | None) -> None:
        import asyncio

        from newsletter.inbox.smtp import Listener, close_sessions

        loop = asyncio.get_running_loop()
        halted = asyncio.Event()
        self._halt = partial(_if_open, loop, halted.set)
        sessions: set[Listener] = set()
        server = await loop.create_server(
            lambda: Listener(self._mail, self.manners, sessions), sock=smtp, ssl=self.manners.tls
        )
        tasks: list[asyncio.Task[Any]] = [loop.create_task(halted.wait())]
        if web is not None:
            from newsletter.inbox.web import app
            from newsletter.serving.running import web_server

            security = "tls" if self.manners.tls else "starttls" if self.manners.starttls else "none"
            smtp_address: dict[str, object] = {"host": _in_url(self.host), "port": self.smtp_port, "security": security}
            pages = web_server(app(self._mail, smtp_address))
            tasks.append(loop.create_task(pages.serve([web])))
        # Both sockets listen already: whoever connects now is served as soon as the loop turns.
        self._running.set()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await stop_listening(server)
        await close_sessions(sessions)
        await server.wait_closed()
        if web is not None:
            pages.should_exit = True
            await tasks[-1]


def _if_open(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call it in the loop's thread, unless the loop has ended by itself."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _in_url(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104
        return "localhost"
    return f"[{host}]" if ":" in host else host
