"""The HTTP transport: providers' APIs, any of them. Batches, a pool of connections, and a retry only where it is safe.

    messages ─▶ a batch ─▶ offered (on record) ─▶ request ─▶ response ─▶ outcomes
                                                     │ 429, 503 with Retry-After      the same again, after a while
                                                     │ no connection                  certainly not taken
                                                     │ a timeout behind the request   uncertain; or the same again with
                                                     │                                its key, where repeats are known
                                                     └ refused because of one         again in halves

Pure functions of the provider say what to ask and what the answer means; http_batches.py says what goes together,
http_asking.py does the asking.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Outcome, Rejected, Uncertain
from newsletter.providers import Response, Trouble, What
from newsletter.transports import PAUSE, Capabilities
from newsletter.transports.http_batches import Batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.message import Message
    from newsletter.providers import Account, Provider, Quota, Request
    from newsletter.transports import Messages, Offer, Results, Transport
    from newsletter.transports.http_asking import Asker

_PATIENCE = 900.0  # seconds for which a provider may say "later" before we come back another time
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a batch came to: results, and perhaps what ends the whole delivery."""

    results: Results
    end: TransportError | None = None
    halves: tuple[Sequence[Message], ...] = ()  # to be asked again in: nothing was taken


class HttpTransport:
    """A provider's API as a way out."""

    def __init__(
        self,
        provider: Provider,
        account: Account,
        *,
        connections: int = 4,
        timeout: float = 60.0,
        patience: float = _PATIENCE,
        batch: int = 0,
    ) -> None:
        """`timeout` is in seconds, for an answer; `batch` is smaller than what the provider takes, or 0.

        For `patience` seconds the provider may say "later" before the delivery ends.
        """
        self._provider, self._account = provider, account
        self._connections, self._patience = connections, patience
        self._sign = getattr(provider, "sign", None)
        can = provider.CAPABILITIES
        self._batches = Batches(can, batch)
        self._timeout = timeout
        # One message a request would be one record a message, which takes longer than the request: half of what may be
        # under way is offered together. Where repeats are known, a record is a request.
        alone = self._batches.most == 1 and not can.idempotent
        self._together = max(1, connections // 2) if alone else 1
        self._room = connections - self._together  # under way when more are offered
        self.capabilities = Capabilities(
            in_flight=connections * self._batches.most,
            knows_repeats=can.idempotent,
            provider=provider.NAME,
        )
        self._lock = Lock()
        self._not_before = 0.0  # on the monotonic clock: no request before that
        self._left = False  # whoever pulled the outcomes does so no more

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """See Transport."""
        ended: TransportError | None = None
        under_way: dict[Future[_Answer], Sequence[Message]] = {}
        done: SimpleQueue[Future[_Answer]] = SimpleQueue()
        with ThreadPoolExecutor(self._connections, "provider") as pool, self._leaving():

            def start(batches: Sequence[Sequence[Message]]) -> None:
                if self._together > 1:  # of one message each: as many as there are, in one record
                    offer([message for batch in batches for message in batch])
                else:
                    for batch in batches:  # all on record before the first leaves
                        offer(batch)
                for batch in batches:
                    future = pool.submit(self._deliver, batch)
                    under_way[future] = batch
                    future.add_done_callback(done.put)

            def finish(pause: float | None) -> Iterator[Results]:
                """What has come to its end; None waits until something has."""
                nonlocal ended
                for future in _taken(done, pause):
                    if under_way.pop(future, None) is None:  # was cancelled below
                        continue
                    answer = future.result()
                    ended = ended or answer.end
                    if answer.results:
                        yield answer.results
                    if ended:  # nothing of them was taken, and nothing will be
                        yield from (_not_taken(half) for half in answer.halves)
                    elif answer.halves:
                        start(answer.halves)
                if ended:
                    unsent = [future for future in under_way if future.cancel()]
                    yield from (_not_taken(under_way.pop(future)) for future in unsent)

            ready: list[list[Message]] = []
            for batch in self._batches.of(messages):
                if batch:
                    ready.append(batch)
                    if len(ready) < self._together:
                        continue
                if ready:
                    start(ready)
                    ready = []
                if under_way:
                    pause = None if len(under_way) > self._room else 0 if batch else PAUSE
                    yield from finish(pause)
                    while len(under_way) > self._room and not ended:
                        yield from finish(None)
                elif not batch:
                    sleep(PAUSE)
                if ended:
                    break
            if ready and not ended:
                start(ready)
            while under_way:
                yield from finish(None)
        if ended:
            raise ended

    def quota(self) -> float | None:
        """How many messages a second the account may send, asked for once; None where the provider does not say."""
        if self.capabilities.messages_per_second is None:
            found = self.allowance()
            # No answer is no quota: sending will show.
            self.capabilities = replace(self.capabilities, messages_per_second=found.per_second if found else 0.0)
        return self.capabilities.messages_per_second or None

    def allowance(self) -> Quota | None:
        """What the account may send now; None where the provider does not say."""
        asks, reads = (getattr(self._provider, name, None) for name in ("quota_request", "quota"))
        if asks is None or reads is None:
            return None
        answer = self._ask(asks(self._account))
        found: Quota | None = reads(answer) if isinstance(answer, Response) and answer.status == 200 else None
        return found

    def close(self) -> None:
        """Let go of the connections."""
        if "_asker" in self.__dict__:
            self._asker.close()

    # ── one batch, in a thread of the pool

    def _deliver(self, batch: Sequence[Message]) -> _Answer:
        key = sha256("\n".join(message.message_id for message in batch).encode()).hexdigest()[:48]
        request = self._provider.request(self._account, batch, key)
        began, pause = monotonic(), _FIRST_WAIT
        doubtful = batch[0].again > 0
        while True:
            self._hold()
            answer = self._ask(request)
            if isinstance(answer, Response):
                said = self._provider.outcomes(self._account, batch, answer)
                if not isinstance(said, Trouble):
                    return _Answer(list(zip(batch, said, strict=True)))
            else:
                said = answer
            doubtful = doubtful or said.what is What.UNCLEAR
            may_repeat = said.what is What.THROTTLED or (
                said.what is What.UNCLEAR and monotonic() - began < self._provider.CAPABILITIES.idempotent / 2
            )
            if may_repeat and not self._left and monotonic() - began < self._patience:
                self._wait(said.retry_after if said.retry_after is not None else pause)
                pause = min(2 * pause, _LONGEST_WAIT)
                continue
            # Whatever is said of a repeat, the first request may have been taken.
            return self._came_to(batch, replace(said, what=What.UNCLEAR) if doubtful else said)

    def _came_to(self, batch: Sequence[Message], trouble: Trouble) -> _Answer:
        """What a trouble means for each message of a batch."""
        name = self._provider.NAME
        match trouble.what:
            case What.SPLIT if len(batch) > 1:
                half = len(batch) // 2
                return _Answer([], halves=(batch[:half], batch[half:]))
            case What.SPLIT:
                return _Answer([(batch[0], Rejected(trouble.reply))])
            case What.UNCLEAR:
                # To go on would put more and more in doubt.
                doubt: Outcome = Uncertain(trouble.reply)
                fix = "see whether it is in trouble; newsletter resume goes on, reconcile settles what is uncertain"
                end = TransportError(Problem(f"{name} does not answer: {trouble.reply}", fix=fix))
                return _Answer([(message, doubt) for message in batch], end)
            case What.KEY:
                fix = f"see that {self._provider.KEY_ENV} holds a key that may send, and that the sender is verified"
                end = TransportError(Problem(f"{name} does not let us in: {trouble.reply}", fix=fix))
            case What.THROTTLED:
                end = TransportError(
                    Problem(f"{name} takes nothing now: {trouble.reply}", fix="go on later with newsletter resume")
                )
        return _Answer(_not_taken(batch), end)

    def _ask(self, request: Request) -> Response | Trouble:
        if self._sign is not None:
            request = self._sign(self._account, request, datetime.now(UTC))
        return self._asker.ask(request)

    @cached_property
    def _asker(self) -> Asker:
        from newsletter.transports.http_asking import Asker  # requests takes a tenth of a second

        return Asker(self._connections, self._timeout)

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """Let the threads of the pool end soon where the delivery ends before its time: nobody waits for them then."""
        try:
            yield
        except BaseException:
            self._left = True
            raise

    def _hold(self) -> None:
        while not self._left and (left := self._not_before - monotonic()) > 0:
            sleep(min(left, 1.0))

    def _wait(self, seconds: float) -> None:
        """Keep all threads from asking for a while."""
        with self._lock:
            self._not_before = max(self._not_before, monotonic() + min(seconds, self._patience))


def quota_of(transport: Transport) -> float | None:
    """How many messages a second may go through a transport, where somebody says so."""
    return transport.quota() if isinstance(transport, HttpTransport) else None


def allowance_of(transport: Transport) -> Quota | None:
    """What may go through a transport now, where somebody says so."""
    return transport.allowance() if isinstance(transport, HttpTransport) else None


def _taken(queue: SimpleQueue[Future[_Answer]], pause: float | None) -> Iterator[Future[_Answer]]:
    """What is in a queue; at least one, unless nothing comes within `pause` seconds."""
    with suppress(Empty):
        yield queue.get(timeout=pause)
        while True:
            yield queue.get_nowait()


def _not_taken(batch: Sequence[Message]) -> Results:
    return [(message, None) for message in batch]
