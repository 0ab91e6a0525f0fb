"""What publish, resume and run share: sending under a progress bar, stopping at Ctrl-C, and the counts at the end."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import contextmanager, suppress
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any

from newsletter.cli.console import ExitCode, count, duration, figure
from newsletter.serving.signals import handled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from newsletter.cli.shell import Session
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.limits import Limits
    from newsletter.mailing import Mailing
    from newsletter.outcome import Outcome
    from newsletter.report import Tally
    from newsletter.store.database import Database
    from newsletter.transports import Transport


def run(
    session: Session,
    config: Config,
    database: Database,
    mailing: Mailing,
    edition: Edition,
    transport: Transport,
    way: str,
    *,
    jobs: int | None,
    as_json: bool,
    until_nobody_is_left: bool = False,
) -> ExitCode:
    """Send what is left of a mailing through the transport, whose name is `way`; show how it goes and what came of it.

    `jobs` is the number of processes, None for as many as pay. It ends when nobody is left who is due, or with
    `until_nobody_is_left` waits for those who are not.
    """
    from newsletter import wiring
    from newsletter.actions.groups import learn_groups
    from newsletter.actions.keep_going import keep_going
    from newsletter.actions.send import send
    from newsletter.engines.inline import send_with_jobs
    from newsletter.errors import Problem, Stopped
    from newsletter.outcome import Accepted, Deferred
    from newsletter.store.archive import address_of
    from newsletter.store.database import Unreachable
    from newsletter.store.keys import load_keys
    from newsletter.store.mailings import next_due, next_retry, standing_of, tally_of

    post = wiring.post(config, edition, address_of(database, mailing), load_keys(database), mailing.id, through=way)
    left = tally_of(database, mailing.id)
    clock, limits = session.clock, wiring.limits(config, way, transport)
    learn_groups(database, mailing.id, limits, asking(session, config), clock())
    began = monotonic()
    failure: Stopped | KeyboardInterrupt | None = None
    with session.console.progress(left.pending + left.deferred, "Sending") as advance, stopping(session) as stop:
        others: Counter[str] = Counter()
        done = 0

        def progress(outcomes: Sequence[Outcome]) -> None:
            nonlocal done
            final = [each for each in outcomes if not (until_nobody_is_left and isinstance(each, Deferred))]
            others.update(type(each).__name__.lower() for each in outcomes if not isinstance(each, Accepted))
            done += len(outcomes)
            rate = round(done / max(monotonic() - began, 0.001))
            words = [f"{figure(rate)}/s", *(f"{figure(number)} {name}" for name, number in others.items())]
            counts = {"accepted": done - others.total(), **others, "per_second": rate}
            # Whoever watched may have gone, and the terminal with them: that is no reason to stop.
            with suppress(OSError):
                advance(len(final), ", ".join(words), counts)

        def once() -> Tally:
            if number > 1:
                path = config.path
                return send_with_jobs(database, mailing, path, way, number, clock, progress=progress, stop=stop)
            return send(
                database, mailing, post, transport, clock, progress=progress, stop=stop,
                limits=limits, schedule=config.schedule,
            )  # fmt: skip

        def tell_of_a_wait(why: str, due: datetime) -> None:
            with suppress(OSError):
                session.console.note(f"\n{why[:1].upper()}{why[1:]}. Going on at {due.astimezone():%Y-%m-%d %H:%M}.")

        number = processes(config, way, jobs, limits, left)
        try:
            if until_nobody_is_left:
                keep_going(
                    once, lambda: next_due(database, mailing.id), config.schedule, clock, session.wait, stop,
                    tell_of_a_wait,
                )  # fmt: skip
            else:
                once()
        except (Stopped, KeyboardInterrupt) as error:
            failure = error
        finally:
            transport.close()
    try:
        counts = tally_of(database, mailing.id)
    except Unreachable as error:
        fix = f"once it is back: newsletter resume {mailing.issue}"
        raise Unreachable(*error.problems, Problem("what was sent until then is on record there", fix=fix)) from error
    seconds = monotonic() - began
    state = standing_of(database, mailing.id)
    if as_json:
        session.console.print_json(summary(mailing.issue, mailing.id, state, counts, seconds))
    tell(session, mailing.issue, counts, seconds, retry=next_retry(database, mailing.id))
    # Who interrupts when everybody was offered it has broken nothing off.
    if failure is not None and (counts.pending or not isinstance(failure, KeyboardInterrupt)):
        raise failure
    if counts.pending and failure is None and (later := next_due(database, mailing.id)) and later > clock():
        session.console.say(f"The next are due at {later.astimezone():%Y-%m-%d %H:%M}: `newsletter run` sends it then.")
        return ExitCode.PARTLY
    if counts.pending:
        return ExitCode.STOPPED
    return ExitCode.DONE if counts.all_well else ExitCode.PARTLY


def processes(config: Config, way: str, wished: int | None, limits: Limits | None, left: Tally) -> int:
    """How many processes send what is left through the transport of that name; `wished` is None for as many as pay."""
    from newsletter import wiring
    from newsletter.engines.inline import jobs_that_pay

    # What a limit lets through, one process sends.
    return wiring.jobs_through(config, way, wished or (1 if limits else jobs_that_pay(left.pending + left.deferred)))


def asking(session: Session, config: Config) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """What asks the DNS for mail servers, and says so where it may take a moment."""
    from newsletter import wiring

    def ask(domains: Sequence[str]) -> Mapping[str, str]:
        if len(domains) >= _WORTH_A_WORD:
            session.console.note(f"Asking where the mail of {count(len(domains), 'domain')} goes …")
        return wiring.mail_servers(config)(domains)

    return ask


def summary(issue: str, mailing: int | None, state: str, counts: Tally, seconds: float) -> dict[str, Any]:
    """What `--json` prints of a mailing. planned is the sum of the other counts."""
    return {
        "issue": issue,
        "mailing": mailing,
        "state": state,
        "planned": counts.planned,
        "accepted": counts.accepted,
        "deferred": counts.deferred,
        "rejected": counts.rejected,
        "skipped": counts.skipped,
        "uncertain": counts.uncertain,
        "pending": counts.pending,
        "seconds": round(seconds, 3),
    }


_WORTH_A_WORD = 100  # domains
PATIENCE = 8.0  # seconds for what is in flight, once asked to stop

# What each count means, and what to do about it, in the words of the end of a send.
_MEANING = (
    ("accepted", "accepted"),
    ("skipped", "skipped: they left or were suppressed after the plan, or it was cancelled"),
    ("deferred", "deferred: the server said later"),
    ("rejected", "rejected: the server said never"),
    ("uncertain", "uncertain: sent, but no answer came; not sent again by itself"),
    ("pending", "not sent yet"),
)


def tell(
    session: Session, issue: str, counts: Tally, seconds: float | None, retry: datetime | None, by_itself: str = ""
) -> None:
    """The counts, which add up, and what to do next, unless it goes on by itself: then, how.

    `seconds` is what a send took; None outside of one, where the caller tells who did not get it.
    """
    console = session.console
    took = f" in {duration(seconds)}" if seconds is not None else ""
    console.say(f"{count(counts.planned, 'recipient')} planned{took}:")
    for name, meaning in _MEANING:
        number: int = getattr(counts, name)
        if number or name == "accepted":
            console.say(f"{figure(number):>10}  {meaning}")
    if counts.pending:
        console.say(by_itself or f"To go on: newsletter resume {issue}")
    elif counts.deferred and retry:
        console.say(f"To try the deferred ones again, from {retry.astimezone():%H:%M}: newsletter resume {issue}")
    if counts.uncertain:
        console.say(f"To settle the uncertain ones: newsletter reconcile {issue} --log FILE, or --mailbox PATH")
    if seconds is not None and (counts.rejected or counts.uncertain or counts.skipped):
        console.say(f"Who did not get it: newsletter status {issue}")


@contextmanager
def stopping(session: Session) -> Iterator[Callable[[], bool]]:
    """Let the first signal stop gently: no new recipients, what is in flight is finished.

    The second one interrupts at once, and so does a server that has not answered for eight seconds then; the ledger
    calls uncertain what had no answer yet.
    """
    asked = told = False
    # Whoever stops a service waits ten seconds before killing it.
    impatience = Timer(PATIENCE, lambda: os.kill(os.getpid(), signal.SIGINT if os.name == "nt" else wanted[0]))
    impatience.daemon = True

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        impatience.start()
        say_so()

    def say_so() -> None:
        nonlocal told
        # In the middle of a line that is being written, nothing can be: it is said a moment later. When the terminal
        # is gone, it is not said at all.
        with suppress(RuntimeError):
            with suppress(OSError):
                session.console.note("\nStopping: what is in flight is finished first. Once more interrupts at once.")
            told = True

    def to_stop() -> bool:
        if asked and not told:
            say_so()
        return asked

    with handled("SIGINT", "SIGTERM", "SIGHUP", by=on_signal) as wanted:
        try:
            yield to_stop
        finally:
            impatience.cancel()
