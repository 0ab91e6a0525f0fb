"""Send: claim recipients, compose their messages, deliver them, record what became of each.

Whatever ends it (the last recipient, a stop, a lost server, a crash), the ledger says of every recipient where they
stand. Nothing is offered before that is on record, and nothing that may have been taken is offered again.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from newsletter.actions.asked import Asked
from newsletter.actions.breaker import Breaker
from newsletter.actions.log import log
from newsletter.actions.pace import Pacer
from newsletter.actions.presence import leased, this_worker
from newsletter.actions.tell_progress import Teller
from newsletter.actions.write_down import Minutes
from newsletter.edition import one_line
from newsletter.errors import NewsletterError
from newsletter.links import Links, Signer
from newsletter.message import Mailbox
from newsletter.outcome import Outcome, Rejected, Reply
from newsletter.store.batches import Repeats, take_again
from newsletter.store.claims import still_wanted, take_back
from newsletter.store.clocks import clock_of
from newsletter.store.leases import hear_together
from newsletter.store.ledger import SCHEDULE, claim
from newsletter.store.mailings import tally_of
from newsletter.transports import Paced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from newsletter.actions.presence import Seat
    from newsletter.delivery import Schedule
    from newsletter.limits import Limits
    from newsletter.mailing import Mailing
    from newsletter.message import Composer, Message
    from newsletter.report import Tally
    from newsletter.signing.dkim import DkimKey
    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber
    from newsletter.transports import Messages, Transport

    Evaluate = Callable[[Subscriber, Links], Sequence[str]]

# A claim holds what is sent in about this many seconds: after a power cut, all of it is uncertain. Shorter ones would
# cost more than they save: each is written through to the disk.
_CLAIM_SECONDS = 0.25
_SMALLEST_CLAIM, _LARGEST_CLAIM = 20, 2_000
# Where the server is slower, who was claimed longer ago is looked up once more: they may have left since.
_FRESH_SECONDS = 0.5
_SAME_MOMENT_SECONDS = 0.2  # a message's date names the second: asking for each what time it is would be a waste


@dataclass(frozen=True, slots=True)
class Post:
    """All that turns a recipient into a message: the compiled edition, its values, and signed links."""

    compiled: Composer
    evaluate: Evaluate
    signer: Signer
    base_url: str
    issue: str
    domain: str  # right of the @ in Message-IDs
    mailing: int = 0
    bounces: str = ""  # where messages come back to, with a tag for each; "": the frame's return path
    dkim: tuple[DkimKey, ...] = ()

    def message_for(self, recipient: Subscriber, moment: datetime, *, message_id: str = "") -> Message:
        """The message for one recipient.

        Unless one is given, its Message-ID is the same at every attempt, so that copies can be told.
        Raises ValueError or NewsletterError if this recipient's data cannot be put into the mail.
        """
        links = Links(self.signer, self.base_url, self.issue, recipient.id, self.mailing)
        message = self.compiled.compose(
            recipient.id,
            Mailbox(recipient.email, one_line(recipient.display_name)),
            self.evaluate(recipient, links),
            message_id=message_id or self.signer.message_id(self.mailing, recipient.id, self.domain),
            date=moment,
            unsubscribe_url=links.unsubscribe,
            return_path=self.bounces and self.signer.return_path(self.mailing, recipient.id, self.bounces),
        )
        if not self.dkim:
            return message
        from newsletter.signing.dkim import signed

        data = signed(message.data, self.dkim, int(moment.timestamp()))
        return message._replace(parts=(data,), known_ascii=False)


def send(
    database: Database,
    mailing: Mailing,
    post: Post,
    transport: Transport,
    clock: Callable[[], datetime],
    *,
    progress: Callable[[Sequence[Outcome]], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
    schedule: Schedule = SCHEDULE,
    alone: bool = True,
) -> Tally:
    """Send a planned mailing, or go on with one, until nobody is left who is due, or `stop` says so.

    Returns the tally of the whole mailing. Raises TakenOver; LedgerError with `alone` if another process is sending it;
    Paused if a daily limit is reached or the server refuses us; and whatever made the transport or the
    store give up. What was done until then is on record.
    """
    clock = clock_of(database, clock)
    with leased(database, mailing, clock, alone=alone) as seat:
        _work(database, seat, post, transport, clock, progress, stop, limits, schedule)
    return tally_of(database, mailing.id)


def _work(
    database: Database,
    seat: Seat,
    post: Post,
    transport: Transport,
    clock: Callable[[], datetime],
    progress: Callable[[Sequence[Outcome]], None],
    stop: Callable[[], bool],
    limits: Limits | None,
    schedule: Schedule,
) -> None:
    """Claim, compose, deliver and record until nobody is left who is due."""
    lease = seat.lease
    breaker = Breaker(lambda heard: hear_together(database, lease, heard, now()))
    pacer = Pacer(database, lease, limits, clock) if limits else None
    asked = Asked(database, lease.mailing)

    can = transport.capabilities
    # Half of the time is for the first request, half for asking again.
    repeats = Repeats(can.provider, can.knows_repeats // 2) if can.knows_repeats else None

    def now() -> int:
        return int(clock().timestamp())

    minutes = Minutes(database, lease, now, schedule, repeats)
    teller = Teller(database, lease.mailing, str(this_worker()), now)

    trouble: list[NewsletterError] = []  # in telling what was heard: what is under way is heard to its end all the same

    def over() -> bool:
        return bool(trouble) or breaker.is_open or stop() or asked.to_stop() or seat.trouble is not None

    def recipients() -> Iterator[Subscriber]:
        size = _SMALLEST_CLAIM
        while not over():
            fresh_until = monotonic() + _FRESH_SECONDS
            chunk = claim(database, lease, size, now())
            if not chunk:
                return
            log("claim", mailing=lease.mailing, recipients=len(chunk))
            began = monotonic()
            gone: set[int] = set()
            for number, recipient in enumerate(chunk):
                if over():
                    return
                if monotonic() > fresh_until:
                    left = {each.id for each in chunk[number:]}
                    gone = left - still_wanted(database, lease, left, now())
                    fresh_until = monotonic() + _FRESH_SECONDS
                if recipient.id not in gone:
                    yield recipient
            # Grow by halves towards what is sent in the time that a claim may last.
            fitting = int(len(chunk) * _CLAIM_SECONDS / max(monotonic() - began, 0.001))
            size = max(_SMALLEST_CLAIM, min(fitting, size * 2, _LARGEST_CLAIM))

    def once_more() -> Messages:
        """Batches without an answer, as they were offered, to a provider who knows repeats."""
        for number, people in enumerate(take_again(database, lease, repeats.provider if repeats else "", now()), 1):
            for person in people:
                yield post.message_for(person, clock().replace(microsecond=0))._replace(again=number)

    def messages() -> Messages:
        yield from once_more()
        moment, until = clock().replace(microsecond=0), monotonic() + _SAME_MOMENT_SECONDS
        for recipient in pacer.recipients(over) if pacer else recipients():
            if recipient is None:
                yield None
                continue
            if (at := monotonic()) > until:
                moment, until = clock().replace(microsecond=0), at + _SAME_MOMENT_SECONDS
            try:
                yield post.message_for(recipient, moment)
            except (ValueError, NewsletterError) as error:
                refusal = Rejected(Reply(0, "5.6.0", f"cannot be composed: {error}"[:500]))
                minutes.heard.append((recipient.id, refusal))
                progress([refusal])
                if pacer:
                    pacer.answered([recipient.id])

    def come_to_an_end() -> None:
        minutes(())
        if over():
            # Also the streak of a job that was stopped because another one's was longer.
            take_back(database, lease, breaker.streak, now())
        if pacer:
            pacer.close()
        teller.tell()

    try:
        with _rare_collections():
            source = Paced(messages(), partial(pacer.pays_again, over)) if pacer else messages()
            for results in transport.deliver(source, minutes):
                minutes.heard += [(message.key, outcome) for message, outcome in results]
                try:
                    breaker.hear(results)
                    teller.hear(results)
                    if pacer:
                        pacer.answered(message.key for message, _ in results)
                except NewsletterError as error:
                    trouble.append(error)
                progress([outcome for _, outcome in results if outcome is not None])
        if trouble:
            raise trouble[0]
        come_to_an_end()
    except BaseException:
        # Say what is known; if even that fails, what has no answer on record is uncertain, and stays so.
        with suppress(NewsletterError):
            come_to_an_end()
        raise
    if pause := asked.pause(post.issue) or breaker.pause(post.issue) or (pacer and pacer.pause(post.issue)):
        log("stopped", mailing=lease.mailing, why="asked" if asked.to_stop() else "breaker or limit")
        raise pause
    if seat.trouble:
        raise seat.trouble


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for reference cycles a hundred times less often: sending makes none, and looking takes 1.2 µs a message."""
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
