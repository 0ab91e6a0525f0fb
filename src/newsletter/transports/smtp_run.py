"""One delivery over SMTP: many connections, one thread, plain sockets that never wait (RFC 5321, 2920).

Each round: read what the servers said; yield what became of messages; put on record, in one go, every content that
is about to be committed; write. So the ledger pays one transaction a round, however many connections there are, and
a crash leaves at most one uncertain delivery a connection; with CHUNKING, at most a window of them. While a ledger on a
server takes its moment, the other connections are attended to.
"""

from __future__ import annotations

import selectors
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Deferred, Reply
from newsletter.transports.offering import offering
from newsletter.transports.smtp_chunking import ChunkingDialogue
from newsletter.transports.smtp_connection import Connection
from newsletter.transports.smtp_dialogue import SenderRefused
from newsletter.transports.smtp_reach import Reach
from newsletter.transports.smtp_replies import ConnectionClosed
from newsletter.transports.smtp_supply import Supply

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Mapping

    from newsletter.message import Message
    from newsletter.transports import Messages, Offer, Results
    from newsletter.transports.smtp_dialogue import Dialogue, Step
    from newsletter.transports.smtp_envelope import Features
    from newsletter.transports.smtp_session import Server

# A message on which connections break before it is offered is put off after so many of them.
_TRIES = 3
# So long after a commit the next one may wait for more contents: 10 to 15 µs of CPU less a message into smtp-sink.
_HOLD_SECONDS = 0.001
_LOGIN_FIRST = 530  # RFC 4954 section 6


@dataclass(frozen=True, slots=True)
class Terms:
    """What SmtpTransport was told."""

    connections: int
    max_messages: int | None
    window: int
    reconnect_after: tuple[float, ...]
    patience: Mapping[Step, float]
    pause: float


class Run:
    """One call of `deliver`."""

    def __init__(self, server: Server, terms: Terms, messages: Messages, offer: Offer) -> None:
        """Open nothing yet."""
        self.server = server
        self.max_messages, self.window = terms.max_messages, terms.window
        self.patience = terms.patience
        self.tick = min(1.0, *(seconds / 2 for seconds in terms.patience.values()))
        self.pause = min(terms.pause, self.tick)
        self.next_check = 0.0
        self.committed_at = 0.0
        self.holds = False  # contents that are ready wait for others
        self.supply = Supply(messages)
        self.offering = offering(offer)
        self.offered: dict[Connection, Message | None] = {}  # under way to the record, and what comes behind each
        self.watched: int | None = None  # what tells that they are there
        self.tries: dict[int, int] = {}
        self.results: Results = []
        self.live: set[Connection] = set()
        self.idle: dict[Connection, None] = {}
        self.leaving: set[Connection] = set()  # those that have said QUIT
        self.selector = selectors.DefaultSelector()
        self.reach = Reach(server, self.selector, terms.connections, terms.reconnect_after)

    def rounds(self) -> Iterator[Results]:
        """The loop."""
        while True:
            self._give_work()
            if self.results:
                yield self._take_results()
            if self._commit():
                continue  # to tell what that came to, before waiting
            if not self.live and not self.leaving and self.supply.has_one():
                self._reopen()
                continue
            if self.supply.is_empty and not self.offered and len(self.idle) == len(self.live):
                break
            timeout = _HOLD_SECONDS if self.holds else self.pause if self.supply.paused else self.tick
            events = self.selector.select(timeout)
            self.supply.paused = False
            for key, mask in events:
                if key.data is self.reach.opener:
                    self._welcome()
                elif key.data is not self.offering:
                    self._attend(key.data, mask)
            self._check_deadlines()
        if self.supply.error:
            raise self.supply.error

    def close(self) -> None:
        """Say QUIT and hear the answers, and close everything."""
        self._say_goodbye()
        while self.leaving:
            for key, mask in self.selector.select(timeout=self.tick):
                if key.data in self.leaving:
                    self._attend(key.data, mask)
            self._check_deadlines()
        self.selector.close()

    def break_off(self) -> None:
        """Say QUIT where nothing is under way, and close everything without waiting for an answer."""
        self._say_goodbye()
        for connection in tuple(self.leaving):
            self._forget(connection)
        self.selector.close()

    def _say_goodbye(self) -> None:
        self.reach.opener.close()
        self._watch(None)
        for connection in list(self.live):
            if connection.dialogue.idle and not connection.unsent:
                self._leave(connection)
            else:
                connection.close()
        self.live.clear()

    def _take_results(self) -> Results:
        results, self.results = self.results, []
        return results

    def _pull(self, dialogue: Dialogue) -> Message | None:
        """The next message for a connection that may take one more, and that this server can take at all."""
        if self.max_messages and dialogue.begun >= self.max_messages:
            return None
        return self.supply.take(dialogue, self.results)

    def _give_work(self) -> None:
        """Begin a transaction on every idle connection, and open another one if all of them are busy."""
        while self.idle:
            connection, _ = self.idle.popitem()
            if not self._begin(connection):
                self.idle[connection] = None
                return
        if self.reach.has_room(len(self.live), len(self.leaving)) and self.supply.has_one():
            self.reach.opener.open_another()
        if self.supply.error and not self.supply.is_empty:  # the source ended with it, and some had come back
            self._give_up(self.supply.error)

    def _begin(self, connection: Connection) -> bool:
        """Begin what messages the connection has room for; whether there was one."""
        begun = False
        if connection in self.offered:  # and more would go with what is on record
            return False
        while connection.dialogue.room and (message := self._pull(connection.dialogue)):
            connection.dialogue.begin(message)
            begun = True
        self._write(connection)
        return begun

    def _welcome(self) -> None:
        for session in self.reach.arrived(len(self.live)):
            self._add(*session)

    def _add(self, sock: socket.socket, features: Features) -> None:
        connection = Connection(sock, features, self.selector, self.patience, self.window)
        self.live.add(connection)
        self.idle[connection] = None

    def _reopen(self) -> None:
        """There is work and no connection."""
        try:
            if session := self.reach.open():
                self._add(*session)
        except TransportError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Begin nothing more: what is under way comes to its end, and then the error is raised."""
        self.results += [(message, None) for message in self.supply.give_up(error)]

    def _attend(self, connection: Connection, mask: int) -> None:
        """The socket has room, or something to say, or is over."""
        if connection in self.leaving:
            # Whatever it is, the answer to QUIT or not, it is the last that is heard of this connection.
            if mask & selectors.EVENT_READ:
                self._forget(connection)
            return
        if mask & selectors.EVENT_WRITE and connection in self.live:
            self._write(connection)
        if mask & selectors.EVENT_READ and connection in self.live:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        if not self._hear(connection) or connection not in self.live:
            return
        connection.notice_progress()
        self._write(connection)
        if connection.dialogue.idle and connection in self.live:
            if self.max_messages and connection.dialogue.begun >= self.max_messages:
                self._leave(connection)
            else:
                self.idle[connection] = None
        elif connection.dialogue.chunking and 2 * connection.dialogue.room >= self.window and connection in self.live:
            # By halves, so that the ledger is asked for many at once.
            self._begin(connection)

    def _hear(self, connection: Connection) -> bool:
        """Take in what the server said; whether it said anything."""
        before = len(self.results)
        try:
            data = connection.read()
            try:
                connection.dialogue.receive(data, self.results, len(connection.unsent))
            finally:
                if len(self.results) > before:
                    self.reach.something_got_done()
        except OSError as error:
            self._drop(connection, _broken(error))
        except ConnectionClosed as closed:
            if not connection.dialogue.idle:
                self.reach.heed(closed.reply, len(self.live))
            self._drop(connection, closed.reply)
        except SenderRefused as refused:
            self._drop(connection, refused.reply)
        else:
            return bool(data)
        return False

    def _commit(self) -> bool:
        """Write every content that is on record, or begin to put there what is ready; whether one was written."""
        try:
            if not (self.offered or self._offer()) or not self.offering.is_done():
                return False
            self._watch(None)
            self.offering.finish()
        except Exception as error:
            self._give_up(error)
            self._give_back(following for following in self.offered.values() if following)
            for connection in self.offered:
                if connection in self.live:
                    self._withdraw(connection)
            self.offered = {}
            return True
        offered, self.offered = self.offered, {}
        for connection, following in offered.items():
            if connection in self.live and connection.dialogue.ready:
                connection.dialogue.commit(following)
                self._write(connection)
            elif following:  # it broke meanwhile
                self._give_back([following])
        self.committed_at = monotonic()
        return True

    def _offer(self) -> bool:
        """Begin to put every content that is ready on record; whether there was one."""
        ready = [connection for connection in self.live if connection.dialogue.ready]
        self.holds = bool(ready) and self._may_wait_for_more(len(ready))
        if not ready or self.holds:
            return False
        self.offered = dict.fromkeys(ready)
        self.offering.begin([message for connection in ready for message in connection.dialogue.ready])
        if (descriptor := self.offering.fileno()) >= 0:
            self._watch(descriptor)
        for connection in ready:  # meanwhile
            if connection.dialogue.takes_following:
                self.offered[connection] = self._pull(connection.dialogue)
        return True

    def _watch(self, descriptor: int | None) -> None:
        """Be woken when the record is there, or no longer."""
        if self.watched is not None:
            self.selector.unregister(self.watched)
        if descriptor is not None:
            self.selector.register(descriptor, selectors.EVENT_READ, self.offering)
        self.watched = descriptor

    def _give_back(self, messages: Iterable[Message]) -> None:
        """These were pulled and go on no connection yet."""
        for message in messages:
            if self.supply.error:
                self.results.append((message, None))
            else:
                self.supply.put_back(message)

    def _may_wait_for_more(self, ready: int) -> bool:
        """Whether to hear others first: a transaction of the ledger costs as much for one message as for ten.

        It is asked a thousand times a second at most, unless half of all connections are waiting for it.
        """
        return 2 * ready < len(self.live) and monotonic() < self.committed_at + _HOLD_SECONDS

    def _withdraw(self, connection: Connection) -> None:
        """Take back what could not be put on record; what was committed before is still heard of."""
        if not isinstance(connection.dialogue, ChunkingDialogue):
            # The server waits for a content that will not come.
            self._drop(connection, Reply(0, "4.3.0", "broken off"))
            return
        self.results += [(message, None) for message in connection.dialogue.withdraw()]
        if connection.dialogue.idle:
            self.idle[connection] = None

    def _write(self, connection: Connection) -> None:
        try:
            connection.write()
        except OSError as error:
            # The server has closed the connection. What it said before tells what became of messages.
            while connection in self.live and self._hear(connection):
                pass
            self._drop(connection, _broken(error))

    def _check_deadlines(self) -> None:
        now = monotonic()
        if now < self.next_check:
            return
        self.next_check = now + self.tick
        for connection in [each for each in (*self.live, *self.leaving) if each.deadline < now]:
            if connection in self.leaving:
                self._forget(connection)
            else:
                self._drop(connection, Reply(0, "4.4.2", "no answer in time"))

    def _leave(self, connection: Connection) -> None:
        """Take leave of an idle connection; its end is awaited beside the work."""
        self.live.discard(connection)
        self.idle.pop(connection, None)
        self.leaving.add(connection)
        with suppress(OSError):  # a courtesy; the server may have gone first
            connection.say_goodbye()

    def _forget(self, connection: Connection) -> None:
        self.leaving.discard(connection)
        connection.close()

    def _drop(self, connection: Connection, reason: Reply) -> None:
        """A connection broke: say what is known of its messages, and try the others again elsewhere."""
        if connection not in self.live:
            return
        self.live.discard(connection)
        self.idle.pop(connection, None)
        self.reach.lost_one(reason)
        if refused := connection.dialogue.sender_refused:
            fix = "check [sender] email, the login and the server's rules"
            if refused.code == _LOGIN_FIRST and not self.server.username:
                fix = "it wants a login: set username and password_env of this transport in newsletter.toml"
            problem = f"the mail server {self.server.address} refuses the sender: {refused}"
            self._give_up(TransportError(Problem(problem, fix=f"{fix}; then `newsletter resume`")))
        known, again = connection.dialogue.lost(reason, len(connection.unsent))
        connection.close()
        self.results += known
        for message, heard in again:
            tries = self.tries[message.key] = self.tries.get(message.key, 0) + heard
            if self.supply.error:
                self.results.append((message, None))
            elif tries < _TRIES:
                self.supply.put_back(message)
            else:
                self.results.append((message, Deferred(reason)))


def _broken(error: OSError) -> Reply:
    return Reply(0, "4.4.2", error.strerror or str(error))
