"""The HTTP transport: providers' APIs, any of them. Batches, a pool of connections, and a retry only where it is safe.

    messages ─▶ a batch ─▶ offered (on record) ─▶ request ─▶ response ─▶ outcomes
                                                     │ 429, 503 with Retry-After      the same again, after a while
                                                     │ no connection                  certainly not taken
                                                     │ a timeout behind the request   uncertain; or the same again with
                                                     │                                its key, where repeats are known
                                                     └ refused because of one         again in halves

Pure functions of the provider say what to ask and what the answer means; this file does the asking.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError
from newsletter.outcome import Outcome, Rejected, Reply, Uncertain
from newsletter.providers import Response, Trouble, What
from newsletter.transports import PAUSE, Capabilities

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from requests import Session

    from newsletter.message import Message
    from newsletter.picture import Enclosed
    from newsletter.providers import Account, Provider, Request
    from newsletter.transports import Messages, Offer, Results, Transport

_PATIENCE = 900.0  # seconds for which a provider may say "later" before we come back another time
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# A request grows no further, whatever the provider takes: a larger one is no faster, and all of it is in memory.
_REQUEST = 8_000_000  # octets
_RESPONSE = 4_000_000  # octets of an answer that are read
_GATHER = 0.25  # seconds that a batch waits for more when the sender is told to go slowly


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
        self._provider, self._account, self._timeout = provider, account, timeout
        self._connections, self._patience = connections, patience
        self._largest = min(provider.CAPABILITIES.largest, _REQUEST)
        self._batch = min(batch or provider.CAPABILITIES.batch, provider.CAPABILITIES.batch)
        can = provider.CAPABILITIES
        self.capabilities = Capabilities(
            in_flight=connections * self._batch, knows_repeats=can.idempotent, provider=provider.NAME
        )
        self._here = local()
        self._sessions: list[Session] = []
        self._lock = Lock()
        self._not_before = 0.0  # on the monotonic clock: no request before that
        self._left = False  # whoever pulled the outcomes does so no more

    def deliver(self, messages: Messages, offer: Offer) -> Iterator[Results]:
        """See Transport."""
        ended: TransportError | None = None
        under_way: set[Future[_Answer]] = set()
        with ThreadPoolExecutor(self._connections, "provider") as pool, self._leaving():

            def start(batches: Sequence[Sequence[Message]]) -> None:
                for batch in batches:  # all on record before the first leaves
                    offer(batch)
                under_way.update(pool.submit(self._deliver, batch) for batch in batches)

            def finish(done: set[Future[_Answer]]) -> Iterator[Results]:
                nonlocal ended
                for future in done:
                    answer = future.result()
                    ended = ended or answer.end
                    if answer.results:
                        yield answer.results
                    if ended:  # nothing of them was taken, and nothing will be
                        yield from (_not_taken(half) for half in answer.halves)
                    else:
                        start(answer.halves)

            for batch in self._batches(messages):
                if batch:
                    start([batch])
                full = len(under_way) >= self._connections
                done, waiting = wait(under_way, None if full else 0 if batch else PAUSE, FIRST_COMPLETED)
                if not batch and not done and not waiting:
                    sleep(PAUSE)
                under_way.difference_update(done)
                yield from finish(done)
                if ended:
                    break
            while under_way:
                done, _ = wait(under_way, None, FIRST_COMPLETED)
                under_way.difference_update(done)
                yield from finish(done)
        if ended:
            raise ended

    def quota(self) -> float | None:
        """How many messages a second the account may send, asked for once; None where the provider does not say."""
        asks, reads = (getattr(self._provider, name, None) for name in ("quota_request", "quota"))
        if asks is not None and reads is not None and self.capabilities.messages_per_second is None:
            answer = self._ask(asks(self._account))
            found = reads(answer) if isinstance(answer, Response) and answer.status == 200 else None
            # No answer is no quota: sending will show.
            self.capabilities = replace(self.capabilities, messages_per_second=found.per_second if found else 0.0)
        return self.capabilities.messages_per_second or None

    def close(self) -> None:
        """Let go of the connections."""
        for session in self._sessions:
            session.close()

    def _batches(self, messages: Messages) -> Iterator[list[Message]]:
        """Batches as full as they get; an empty one says that nothing may be sent now."""
        batch: list[Message] = []
        size, since = 0, monotonic()
        for message in messages:
            if message is None:
                if batch and monotonic() - since < _GATHER:
                    sleep(PAUSE)
                    continue
                yield batch
                batch, size = [], 0
                continue
            octets, most = _octets(message), self._most(message)
            if batch and (batch[0].again != message.again or _enclosed(batch[0]) != _enclosed(message)):
                yield batch
                batch, size = [], 0
            if message.again:  # as it was offered, whatever holds now
                batch.append(message)
                continue
            if batch and (len(batch) >= most or size + octets > self._largest):
                yield batch
                batch, size = [], 0
            if not batch:
                since = monotonic()
            batch.append(message)
            size += octets
            if len(batch) >= most:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _most(self, message: Message) -> int:
        """How many messages like this one go into a request."""
        fewer = self._provider.CAPABILITIES.batch_enclosed if any(_enclosed(message)) else 0
        return min(fewer, self._batch) if fewer else self._batch

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
        """The answer to a request; a trouble when none came."""
        from requests import ConnectionError as NoConnection
        from requests import ConnectTimeout, RequestException, Timeout
        from urllib3.exceptions import NewConnectionError

        if (sign := getattr(self._provider, "sign", None)) is not None:
            request = sign(self._account, request, datetime.now(UTC))
        try:
            with self._session().request(
                request.method,
                request.url,
                data=request.body,
                headers=dict(request.headers),
                timeout=(min(self._timeout, 15.0), self._timeout),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = answer.raw.read(_RESPONSE, decode_content=True)
                return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)
        except ConnectTimeout:
            return Trouble(What.THROTTLED, Reply(0, "4.4.1", "no connection"))
        except NoConnection as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if isinstance(reason, NewConnectionError):  # not one octet has left
                return Trouble(What.THROTTLED, Reply(0, "4.4.1", "no connection"))
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", "the connection broke after the request"))
        except Timeout:
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", f"no answer within {self._timeout:g} s"))
        except (RequestException, OSError) as error:
            return Trouble(What.UNCLEAR, Reply(0, "4.4.2", f"no answer: {type(error).__name__}"))

    def _session(self) -> Session:
        """The connection of a thread, kept open between requests."""
        session: Session | None = getattr(self._here, "session", None)
        if session is None:
            from requests import Session

            session = self._here.session = Session()
            session.trust_env = False  # no password from .netrc in place of the key
            with self._lock:
                self._sessions.append(session)
        return session

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


def _not_taken(batch: Sequence[Message]) -> Results:
    return [(message, None) for message in batch]


def _enclosed(message: Message) -> tuple[tuple[Enclosed, ...], ...]:
    """The images and the files of a letter: some providers take them once for a request."""
    return (message.letter.pictures, message.letter.files) if message.letter else ()


def _octets(message: Message) -> int:
    """About how much of a request a message takes."""
    if message.letter is None:
        return len(message.data) * 4 // 3 + 500
    letter = message.letter
    enclosed = sum(len(each.content) for each in (*letter.pictures, *letter.files)) * 4 // 3
    return len(letter.html) + len(letter.text) + enclosed + 2_000
