"""The courier: a thread that deals with what waits in the queue of notices, while the pages answer.

    asked                      admit: a confirmation, or another notice, takes its place in the queue
    confirm already welcome …  a message, through the transport of the settings

A notice leaves the queue when a server has taken it, or has refused it for good. Whatever ends the courier, the rest
waits in the database for the next one; what was on its way may come twice, under the same Message-ID.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from traceback import extract_tb
from typing import TYPE_CHECKING

from newsletter import wiring
from newsletter.actions.subscribe import admit
from newsletter.errors import NewsletterError
from newsletter.limits import ALL
from newsletter.outcome import Accepted, Deferred, Rejected, Reply, Uncertain
from newsletter.store.forgetting import scrub_if_wanted
from newsletter.store.hooks import tidy as tidy_hooks
from newsletter.store.joining import standing_of_number
from newsletter.store.notices import Kind, Progress, next_due, settle, take, tidy
from newsletter.store.tokens import owe
from newsletter.suppression import Reason
from newsletter.web.notices import Letters
from newsletter.web.webhooks import hear_what_waits

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.store.database import Connection
    from newsletter.store.notices import Notice
    from newsletter.subscriber import Subscriber
    from newsletter.transports import Transport
    from newsletter.web.parts import Parts

log = logging.getLogger("newsletter.web")

_AT_ONCE = 50
_LOOK_SECONDS = 15.0  # for notices that another process put there
_TIDY_SECONDS = 3600
_LAST_WORD = 3.0  # seconds for what is on its way, when the courier is to stop


class Courier:
    """Runs while its `with` block does. `wake` says that there is something to do."""

    def __init__(self, parts: Parts, transport: Callable[[], Transport] | None = None) -> None:
        self._parts = parts
        self._letters = Letters(parts.config, parts.keys, parts.clock)
        self._transport = transport or (lambda: wiring.transport(parts.config, None, parts.environ))
        self._something = Event()
        self._end = Event()
        self.idle = Event()  # nothing is due, as far as the courier was told
        self._tidied = 0
        self._thread = Thread(target=self._run, name="newsletter-courier", daemon=True)

    def wake(self) -> None:
        """There is something to do."""
        self.idle.clear()
        self._something.set()

    def __enter__(self) -> Courier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what is on its way, and take nothing more. To stop twice is fine."""
        self._end.set()
        self._something.set()
        self._thread.join(_LAST_WORD)

    def check(self) -> None:
        """Render what may be sent, so that what is wrong is known before anybody asks. Raises NewsletterError."""
        self._letters.check()

    def _run(self) -> None:
        while not self._end.is_set():
            self._something.clear()
            try:
                while self.work() and not self._end.is_set():
                    pass
                due = next_due(self._parts.database)
                wait = _LOOK_SECONDS if due is None else max(0.1, min(_LOOK_SECONDS, due - self._parts.now))
            except Exception as error:  # a queue that stands still is worse than one that stumbles
                # An error may quote an address: only its kind is told.
                last = extract_tb(error.__traceback__)[-1]
                log.error("notices wait: %s, in %s, line %s", type(error).__name__, last.filename, last.lineno)
                wait = _LOOK_SECONDS
            if not self._something.is_set():
                self.idle.set()
            self._something.wait(wait)

    def work(self) -> int:
        """Deal with what is due; how many notices that were."""
        parts = self._parts
        if parts.now - self._tidied > _TIDY_SECONDS:
            self._tidied = parts.now
            with parts.write() as connection:
                tidy(connection, parts.now)
                tidy_hooks(connection, parts.now)
            scrub_if_wanted(parts.database)
            hear_what_waits(parts)
        due = take(parts.database, _AT_ONCE, parts.now)
        letters = []
        for notice in due:
            if notice.kind is Kind.ASKED:
                with parts.write() as connection:
                    confirm, welcome = parts.config.web.confirm, bool(parts.config.web.welcome)
                    admit(connection, notice, confirm=confirm, welcome=welcome, now=parts.now)
            else:
                letters.append(notice)
        # Who has to confirm waits for it before a screen.
        self._send(sorted(letters, key=lambda notice: notice.kind is not Kind.CONFIRM))
        return len(due)

    def _send(self, notices: list[Notice]) -> None:
        """Send the messages of these notices, and put on record what became of each."""
        by_key = {}
        messages = []
        for notice in notices:
            if (message := self._message(notice)) is not None:
                by_key[message.message_id] = notice
                messages.append(message)
        if not messages:
            return
        try:
            transport = self._transport()
            self._pay(len(messages), transport)
            try:
                for results in transport.deliver(iter(messages), lambda _: None):
                    for message, outcome in results:
                        if outcome is not None:
                            self._settle(by_key.pop(message.message_id), outcome)
            finally:
                transport.close()
        except NewsletterError as error:
            log.error("notices wait: %s", type(error).__name__)
        for notice in by_key.values():  # no server took it, and none refused it
            self._settle(notice, Deferred(Reply(0, "", "no connection")))

    def _pay(self, number: int, transport: Transport) -> None:
        """Let the limits know of so many messages. They wait for none: a mailing that is under way waits for them."""
        parts = self._parts
        if limits := wiring.limits(parts.config, None, transport):
            moment = parts.clock()
            today = moment.astimezone().date()
            caps = () if limits.cap(today) is None else (ALL,)
            with parts.writing:
                owe(parts.database, number, limits.rates, caps, today.toordinal(), int(moment.timestamp() * 1000))

    def _message(self, notice: Notice) -> Message | None:
        """The message, if it is still to be sent."""
        parts = self._parts
        with parts.database.reading() as connection:
            person = _addressee(connection, notice)
        if person is None:
            with parts.write() as connection:
                settle(connection, notice.id, Progress.FAILED, parts.now, reply="not wanted any more")
            return None
        try:
            return self._letters.message(notice, person)
        except (NewsletterError, ValueError) as error:
            log.error("a notice cannot be made: %s, %s", notice.kind.value, type(error).__name__)
            self._settle(notice, Rejected(Reply(0, "5.6.0", "cannot be composed")))
            return None

    def _settle(self, notice: Notice, outcome: Outcome) -> None:
        parts = self._parts
        progress, next_at = Progress.FAILED, 0
        match outcome:
            case Accepted():
                progress = Progress.SENT
            case Deferred(reply) | Uncertain(reply):
                schedule, name = parts.config.schedule, f"notice/{notice.id}"
                due = schedule.next_try(reply, notice.attempts, notice.created_at, parts.now, name)
                if due is not None:
                    progress, next_at = Progress.WAITING, due
        with parts.write() as connection:
            text = "" if progress is Progress.SENT else f"{outcome.reply.code} {outcome.reply.enhanced}".strip()
            settle(connection, notice.id, progress, parts.now, next_at=next_at, reply=text)
        parts.counters.notices.labels({0: "deferred", 1: "sent", 2: "failed"}[progress.value]).inc()


def _addressee(connection: Connection, notice: Notice) -> Subscriber | None:
    """To whom a notice goes; None when it is no longer wanted."""
    standing = standing_of_number(connection, notice.subscriber)
    wanted = {
        Kind.CONFIRM: standing.suppressed is not Reason.MANUAL,
        Kind.OWN_DATA: True,
        Kind.GOODBYE: standing.suppressed in (Reason.UNSUBSCRIBED, None),
    }.get(notice.kind, standing.is_reader)
    return standing.person if wanted else None
