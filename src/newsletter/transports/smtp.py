"""The SMTP transport: many connections, one thread, plain sockets that never wait (RFC 5321, 2920).

Each round: read what the servers said; yield what became of messages; put on record, in one go, every content that
is about to be committed; write. So the ledger pays one transaction a round, however many connections there are, and
a crash leaves at most one uncertain delivery a connection.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections import deque
from contextlib import suppress
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Deferred, Reply
from newsletter.transports import Capabilities
from newsletter.transports.smtp_dialogue import PATIENCE, ConnectionClosed, Dialogue, Features, SenderRefused
from newsletter.transports.smtp_session import Server, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.message import Message
    from newsletter.transports import Offer, Results

# Seconds to wait before each new try to reach a server that has gone away. Its restart takes seconds, not minutes.
_RECONNECT_AFTER = (0.2, 1.0, 3.0, 10.0)
# A message on which connections break before it is offered is put off after so many of them.
_TRIES = 3


class SmtpTransport:
    """Delivers to one mail server over up to `connections` connections."""

    def __init__(
        self, server: Server, connections: int = 10, reconnect_after: tuple[float, ...] = _RECONNECT_AFTER
    ) -> None:
        """Open nothing yet. `reconnect_after` are the seconds between tries to reach a server that has gone away."""
        self.capabilities = Capabilities(in_flight=connections, messages_per_second=None)
        self._server = server
        self._connections = connections
        self._reconnect_after = reconnect_after

    def deliver(self, messages: Iterator[Message], offer: Offer) -> Iterator[Results]:
        """See Transport. Ends when `messages` ends and each has its outcome."""
        run = _Run(self._server, self._connections, self._reconnect_after, messages, offer)
        try:
            yield from run.rounds()
        finally:
            run.close()

    def close(self) -> None:
        """Nothing is kept between deliveries."""


class _Connection:
    """A socket, its dialogue, and what is still to be written."""

    __slots__ = ("deadline", "dialogue", "sock", "unsent", "watches_write")

    def __init__(self, sock: socket.socket, features: Features) -> None:
        self.sock = sock
        self.dialogue = Dialogue(features)
        self.unsent = bytearray()
        self.deadline = monotonic() + 300
        self.watches_write = False


class _Run:
    """One call of `deliver`."""

    def __init__(
        self,
        server: Server,
        limit: int,
        reconnect_after: tuple[float, ...],
        messages: Iterator[Message],
        offer: Offer,
    ) -> None:
        self.server = server
        self.limit = limit
        self.reconnect_after = reconnect_after
        self.messages = messages
        self.offer = offer
        self.again: deque[Message] = deque()  # taken from `messages`, not delivered, to be tried once more
        self.tries: dict[int, int] = {}
        self.ended = False
        self.results: Results = []
        self.live: set[_Connection] = set()
        self.idle: list[_Connection] = []
        self.opening = 0
        self.opened: deque[tuple[socket.socket, Features] | None] = deque()
        self.fatal: TransportError | None = None
        self.failures = 0  # in a row, to open a connection or to get anything done on one
        self.selector = selectors.DefaultSelector()
        self.wake_up, self.alarm = socket.socketpair()
        self.wake_up.setblocking(False)
        self.selector.register(self.wake_up, selectors.EVENT_READ)
        self.closed = False

    def rounds(self) -> Iterator[Results]:
        """The loop."""
        self._add(*open_session(self.server))
        while True:
            self._give_work()
            if self.results:
                yield self._take_results()
            if not self.live and self.again and not self.fatal:
                self._reopen()
                continue
            if not self.again and self.ended and len(self.idle) == len(self.live):
                break
            for key, mask in self.selector.select(timeout=1.0):
                connection = key.data
                if connection is None:
                    self._welcome()
                    continue
                if mask & selectors.EVENT_WRITE:
                    self._write(connection)
                if mask & selectors.EVENT_READ and connection in self.live:
                    self._read(connection)
            self._check_deadlines()
            if self.results:
                yield self._take_results()
            self._commit()
        if self.fatal:
            raise self.fatal

    def close(self) -> None:
        """Say QUIT where nothing is under way, and close everything."""
        self.closed = True
        for connection in self.live:
            if connection.dialogue.idle and not connection.unsent:
                with suppress(OSError):  # a courtesy; the server may have gone first
                    connection.sock.send(b"QUIT\r\n")
            connection.sock.close()
        self.live.clear()
        self._discard_opened()
        self.selector.close()
        self.wake_up.close()
        self.alarm.close()

    def _take_results(self) -> Results:
        results, self.results = self.results, []
        return results

    def _pull(self, dialogue: Dialogue) -> Message | None:
        """The next message that this server can take at all."""
        while True:
            if self.fatal:
                return None
            if self.again:
                message = self.again.popleft()
            elif self.ended:
                return None
            else:
                following = next(self.messages, None)
                if following is None:
                    self.ended = True
                    return None
                message = following
            refusal = dialogue.refusal(message)
            if refusal is None:
                return message
            self.results.append((message, refusal))

    def _give_work(self) -> None:
        """Begin a transaction on every idle connection, and open another one if all of them are busy."""
        while self.idle:
            connection = self.idle.pop()
            message = self._pull(connection.dialogue)
            if message is None:
                self.idle.append(connection)
                return
            connection.dialogue.begin(message)
            self._flush(connection)
        if not self.ended and self.live and len(self.live) + self.opening < self.limit:
            self._open_another()

    def _open_another(self) -> None:
        self.opening += 1
        Thread(target=self._open, name="smtp-open", daemon=True).start()

    def _open(self) -> None:
        """Open a session beside the loop, which must not wait for it; runs in a thread of its own."""
        try:
            self.opened.append(open_session(self.server))
        except TransportError:
            self.opened.append(None)
        if self.closed:
            self._discard_opened()
            return
        with suppress(OSError):  # the run has ended at this very moment
            self.alarm.send(b"!")

    def _discard_opened(self) -> None:
        while self.opened:
            if session := self.opened.popleft():
                session[0].close()

    def _welcome(self) -> None:
        self.wake_up.recv(4096)
        while self.opened:
            session = self.opened.popleft()
            self.opening -= 1
            if session:
                self._add(*session)
            else:
                # The server takes no more connections than it has given us: do with those.
                self.limit = max(1, len(self.live))

    def _add(self, sock: socket.socket, features: Features) -> None:
        connection = _Connection(sock, features)
        self.live.add(connection)
        self.idle.append(connection)
        self.selector.register(sock, selectors.EVENT_READ, connection)

    def _reopen(self) -> None:
        """Every connection is gone and there is work left: try to come back, with patience."""
        if self.failures >= len(self.reconnect_after):
            self._give_up(
                f"the mail server {self.server.address} closes every connection",
                "look at its log; `newsletter resume` goes on with those who did not get it",
            )
            return
        sleep(self.reconnect_after[self.failures])
        self.failures += 1
        try:
            self._add(*open_session(self.server))
        except TransportError as error:
            if self.failures >= len(self.reconnect_after):
                self._give_up(error.problems[0].message, error.problems[0].fix)

    def _give_up(self, message: str, fix: str | None) -> None:
        """Begin nothing more: what is under way comes to its end, and then the error is raised."""
        self.fatal = self.fatal or TransportError(Problem(message, fix=fix))
        self.ended = True
        self.results += [(message, None) for message in self.again]
        self.again.clear()

    def _read(self, connection: _Connection) -> None:
        dialogue = connection.dialogue
        try:
            data = connection.sock.recv(65_536)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            while isinstance(connection.sock, ssl.SSLSocket) and connection.sock.pending():
                data += connection.sock.recv(65_536)
            before = len(self.results)
            try:
                dialogue.receive(data, self.results)
            finally:
                if len(self.results) > before:
                    self.failures = 0
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self._drop(connection, Reply(0, "4.4.2", error.strerror or str(error)))
            return
        except ConnectionClosed as closed:
            self._drop(connection, closed.reply)
            return
        except SenderRefused as refused:
            self._give_up(
                f"the mail server {self.server.address} refuses the sender: {refused.reply}",
                "check [sender] email, the login and the server's rules; then `newsletter resume`",
            )
            self._drop(connection, refused.reply)
            return
        self._set_deadline(connection)
        self._flush(connection)
        if dialogue.idle and connection in self.live:
            self.idle.append(connection)

    def _commit(self) -> None:
        """Put on record every content that is about to be committed, then write it."""
        ready = [connection for connection in self.live if connection.dialogue.ready is not None]
        if not ready:
            return
        self.offer([connection.dialogue.ready for connection in ready if connection.dialogue.ready is not None])
        for connection in ready:
            dialogue = connection.dialogue
            following = self._pull(dialogue) if dialogue.features.pipelining else None
            dialogue.commit(following)
            self._flush(connection)

    def _flush(self, connection: _Connection) -> None:
        """Write what the dialogue wants to say, as far as the socket takes it."""
        out = connection.dialogue.out
        if not out:
            return
        connection.dialogue.out = []
        if connection.unsent or isinstance(connection.sock, ssl.SSLSocket) or len(out) == 1:
            connection.unsent += b"".join(out)
        else:
            try:
                sent = connection.sock.sendmsg(out)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                connection.unsent += b"".join(out)
                self._drop(connection, Reply(0, "4.4.2", error.strerror or str(error)))
                return
            for chunk in out:
                if sent < len(chunk):
                    connection.unsent += chunk[sent:]
                sent = max(0, sent - len(chunk))
        self._write(connection)

    def _write(self, connection: _Connection) -> None:
        if connection.unsent:
            try:
                while connection.unsent:
                    del connection.unsent[: connection.sock.send(connection.unsent)]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            except OSError as error:
                self._drop(connection, Reply(0, "4.4.2", error.strerror or str(error)))
                return
            self._set_deadline(connection)
        wants_write = bool(connection.unsent)
        if wants_write != connection.watches_write:
            connection.watches_write = wants_write
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants_write else 0)
            self.selector.modify(connection.sock, events, connection)

    def _set_deadline(self, connection: _Connection) -> None:
        awaited = connection.dialogue.awaits
        connection.deadline = monotonic() + (PATIENCE[awaited] if awaited else 300)

    def _check_deadlines(self) -> None:
        now = monotonic()
        for connection in [c for c in self.live if c.deadline < now and not c.dialogue.idle]:
            self._drop(connection, Reply(0, "4.4.2", "no answer in time"))

    def _drop(self, connection: _Connection, reason: Reply) -> None:
        """A connection broke: say what is known of its messages, and try the others again elsewhere."""
        if connection not in self.live:
            return
        self.live.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self.selector.unregister(connection.sock)
        known, again = connection.dialogue.lost(reason, len(connection.unsent))
        connection.sock.close()
        self.results += known
        for message, heard in again:
            tries = self.tries[message.key] = self.tries.get(message.key, 0) + heard
            if self.fatal:
                self.results.append((message, None))
            elif tries < _TRIES:
                self.again.append(message)
            else:
                self.results.append((message, Deferred(reason)))
