"""A ledger that takes its moment: no content goes before it is on record, and the other connections do not wait."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import Problem, StoreError
from newsletter.outcome import Accepted
from newsletter.transports.memory import MemoryTransport
from newsletter.transports.offering import Offering
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.letters import letters, outcomes, recipient
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from newsletter.message import Message

NUMBER, CONNECTIONS, WINDOW = 60, 4, 3
WAYS: dict[str, dict[str, Any]] = {
    "lockstep": {"pipelining": False},
    "pipelining": {},
    "chunking": {"extensions": ("SIZE 50000000", "8BITMIME", "CHUNKING")},
}


class SlowLedger(Offering):
    """Has a batch on record some time after it was offered, and says so as a server does: by its socket."""

    def __init__(self, seconds: float = 0.005, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        self.on_record: set[str] = set()
        self.batches: list[list[int]] = []
        self.fails_at = -1
        self._seconds, self._meanwhile = seconds, meanwhile
        self._offered: list[Message] = []
        self._under_way = False
        self._theirs, self._ours = socket.socketpair()

    def begin(self, messages: Sequence[Message]) -> None:
        self.finish()
        self._offered, self._under_way = list(messages), True
        self.batches.append([message.key for message in messages])
        timer = threading.Timer(self._seconds, self._theirs.send, [b"!"])
        timer.start()
        self._meanwhile(len(self.batches))

    def fileno(self) -> int:
        return self._ours.fileno()

    def is_done(self) -> bool:
        if not self._under_way:
            return True
        self._ours.setblocking(False)
        try:
            return bool(self._ours.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def finish(self) -> None:
        if not self._under_way:
            return
        self._under_way = False
        self._ours.setblocking(True)
        self._ours.recv(1)
        if len(self.batches) == self.fails_at:
            raise StoreError(Problem("the disk is full"))
        self.on_record |= {message.envelope.recipient for message in self._offered}

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def ledger() -> Iterator[SlowLedger]:
    ledger = SlowLedger()
    yield ledger
    ledger.close()


def transport(sink: Sink) -> SmtpTransport:
    server = Server("127.0.0.1", sink.port)
    return SmtpTransport(server, CONNECTIONS, window=WINDOW, reconnect_after=(0.0, 0.01, 0.01))


@pytest.mark.parametrize("way", WAYS)
def test_no_content_goes_before_it_is_on_record(ledger: SlowLedger, way: str) -> None:
    too_early: list[str] = []

    def watch(verb: str, argument: str) -> None:
        if verb == "." and argument not in ledger.on_record:
            too_early.append(argument)

    with Sink(watch, **WAYS[way]) as sink:
        told = outcomes(transport(sink).deliver(iter(letters(NUMBER)), ledger))
    assert all(isinstance(told[number], Accepted) for number in range(NUMBER))
    assert too_early == []
    assert sorted(sink.accepted) == sorted(map(recipient, range(NUMBER)))
    assert sorted(key for batch in ledger.batches for key in batch) == list(range(NUMBER))
    assert max(map(len, ledger.batches)) > 1


def test_meanwhile_the_next_messages_are_made_and_begun(ledger: SlowLedger) -> None:
    pulled: list[int] = []
    begun = threading.Event()

    def watch(verb: str, argument: str) -> None:
        if verb == "RCPT" and recipient(1) in argument:
            begun.set()

    def messages() -> Iterator[Message]:
        for each in letters(3):
            pulled.append(each.key)
            yield each

    with Sink(watch) as sink:
        ledger._seconds = 0.5
        delivery = SmtpTransport(Server("127.0.0.1", sink.port), 2).deliver(messages(), ledger)
        waiting = threading.Thread(target=outcomes, args=[delivery])
        waiting.start()
        assert begun.wait(10), "on the other connection"
        assert len(ledger.on_record) < 3
        waiting.join()
    assert len(sink.accepted) == 3


@pytest.mark.parametrize("way", WAYS)
def test_whose_connection_broke_meanwhile_go_on_another_one_and_nobody_twice(way: str) -> None:
    def hang_up(batch: int) -> None:
        if batch in (2, 5):
            sink.hang_up()

    ledger = SlowLedger(0.05, hang_up)
    with Sink(**WAYS[way]) as sink:
        told = outcomes(transport(sink).deliver(iter(letters(NUMBER)), ledger))
    ledger.close()
    assert sorted(told) == list(range(NUMBER))
    assert sink.duplicates == []
    accepted = {number for number, outcome in told.items() if isinstance(outcome, Accepted)}
    assert {recipient(number) for number in accepted} <= set(sink.accepted)
    # At the second moment, a window of each connection may have been on its way.
    assert len(accepted) >= NUMBER - 2 * CONNECTIONS * WINDOW


@pytest.mark.parametrize("way", WAYS)
def test_what_could_not_be_put_on_record_does_not_go_and_the_error_is_told(ledger: SlowLedger, way: str) -> None:
    told: dict[int, object] = {}
    ledger.fails_at = 3

    def deliver() -> None:
        for results in transport(sink).deliver(iter(letters(NUMBER)), ledger):
            told.update({message.key: outcome for message, outcome in results})

    with Sink(**WAYS[way]) as sink, pytest.raises(StoreError, match="the disk is full"):
        deliver()
    failed = ledger.batches.pop(2)
    kept = {key for batch in ledger.batches for key in batch}  # what was begun before comes to its end
    assert {recipient(key) for key in kept} == set(sink.accepted)
    assert {key for key, outcome in told.items() if outcome} == kept
    assert [told[key] for key in failed] == [None] * len(failed)
    assert len(told) < NUMBER


def test_a_transport_that_knows_nothing_of_it_waits(ledger: SlowLedger) -> None:
    told = outcomes(MemoryTransport(keep=0).deliver(iter(letters(3)), ledger))
    assert len(told) == len(ledger.on_record) == 3
