"""What `run` without an issue and `worker` do: send what is scheduled, in the foreground, until Ctrl-C."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.cli.console import ExitCode, count, exit_code, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from newsletter.cli.shell import Session
    from newsletter.config import Config
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database


_AGAIN = 1.0  # seconds until a server that does not answer is asked again


def run_schedules(
    session: Session, *, jobs: int | None, until_done: bool = False, once: bool = False, together: bool = False
) -> ExitCode:
    """Stay, and send each scheduled mailing when it is due; `together` with others, or each of them alone.

    Whoever stays is told to end some day, and that is no failure; who ends by itself says how it went.
    """
    from newsletter.actions.watch import Watcher, watch
    from newsletter.cli.sending import stopping
    from newsletter.errors import NewsletterError
    from newsletter.store.clocks import clock_of

    config = session.config()
    with stopping(session) as stop, _opened(session, config, stop, waits=not (once or until_done)) as database:
        session.clock = clock_of(database, session.clock)
        if not once:
            session.console.note("Waiting for what is scheduled. Ctrl-C ends this; nothing is lost by that.")

        ends: dict[int, ExitCode] = {}  # mailing → how its last attempt ended

        def send(mailing: Mailing) -> None:
            try:
                send_what_is_due(session, config, database, mailing, jobs, stop, together=together)
            except NewsletterError as error:
                ends[mailing.id] = exit_code(error)
                raise
            ends[mailing.id] = ExitCode.DONE

        def tell(what: str, why: str) -> None:
            session.console.note(f"{what}: {why}")

        watcher = Watcher(database, send, config.schedule, session.clock, session.ticks, tell, together=together)
        with _waiting(session, config, database, stop, is_woken=together and not once) as wait:
            watch(watcher, wait, stop, until_nobody_is_left=until_done, once=once)
        if not (once or until_done):
            return ExitCode.DONE
        return ExitCode.STOPPED if stop() else _worst(database, ends)


def _worst(database: Database, ends: Mapping[int, ExitCode]) -> ExitCode:
    """How it went, in one code: the worst of all mailings. Others may have brought to its end what we could not."""
    from newsletter.store.mailings import tally_of

    worst = ExitCode.DONE
    for mailing, end in ends.items():
        counts = tally_of(database, mailing)
        if not counts.is_settled:
            worst = max(worst, end)
        if counts.rejected or counts.deferred or counts.uncertain:
            worst = max(worst, ExitCode.PARTLY)
    return worst


def _opened(session: Session, config: Config, stop: Callable[[], bool], *, waits: bool) -> Database:
    """The list. It is made if there is none yet: this may be there before the first subscriber is.

    With `waits`, also before the server is: all machines may be started at once. Raises StoreError.
    """
    from newsletter import wiring
    from newsletter.actions.log import log
    from newsletter.store.database import Unreachable

    told = False
    while True:
        try:
            return wiring.store(config)
        except Unreachable as error:
            if not waits or stop():
                raise
            if not told:
                log("database away")
                session.console.note(f"Waiting for the database: {error}")
            told = True
            session.wait(_AGAIN)


@contextmanager
def _waiting(
    session: Session, config: Config, database: Database, stop: Callable[[], bool], *, is_woken: bool
) -> Iterator[Callable[[float], object]]:
    """How to wait for the next look: for the engine to ring, where there is one, or for a second."""
    from newsletter.engines.procrastinate import Bell, is_used

    if not is_woken or not is_used(config.store_url):
        yield session.wait
        return
    bell = Bell(config.store_url, database, session.clock, stop)
    try:
        yield bell.wait
    finally:
        bell.close()


def send_what_is_due(
    session: Session,
    config: Config,
    database: Database,
    mailing: Mailing,
    jobs: int | None,
    stop: Callable[[], bool],
    *,
    together: bool,
) -> None:
    """Send a mailing, as it was planned, to those who are due."""
    import os

    from newsletter import wiring
    from newsletter.actions.groups import learn_groups
    from newsletter.actions.presence import this_worker
    from newsletter.actions.publish import check_copy, check_fresh, check_settings, same_sender
    from newsletter.actions.send import send
    from newsletter.cli.sending import asking, processes
    from newsletter.engines.inline import send_with_jobs
    from newsletter.store.archive import address_of
    from newsletter.store.keys import load_keys
    from newsletter.store.mailings import edition_of, next_due, tally_of

    check_copy(database, f"newsletter resume {mailing.issue} --force")
    check_fresh(database, mailing, this_worker().host, session.clock())
    name = mailing.transport if mailing.transport in config.transports else config.transport
    check_settings(config, name)
    config = same_sender(config, mailing, str(wiring.sender(config)), as_planned=True)
    transport = wiring.transport(config, name, os.environ)
    try:
        limits = wiring.limits(config, name, transport)
        learn_groups(database, mailing.id, limits, asking(session, config), session.clock())
        before = tally_of(database, mailing.id)
        number = processes(config, name, jobs, limits, before)
        session.console.note(f"{mailing.issue}: sending to those who are due")
        if number > 1:
            counts = send_with_jobs(
                database, mailing, config.path, name, number, session.clock, stop=stop, alone=not together
            )
        else:
            edition, address = edition_of(database, mailing), address_of(database, mailing)
            post = wiring.post(config, edition, address, load_keys(database), mailing.id, through=name)
            counts = send(
                database,
                mailing,
                post,
                transport,
                session.clock,
                stop=stop,
                limits=limits,
                schedule=config.schedule,
                alone=not together,
            )
    finally:
        transport.close()
    left = counts.pending + counts.deferred
    due = next_due(database, mailing.id)
    told = f"{figure(counts.accepted)} of {count(counts.planned, 'recipient')} accepted"
    if left and due:
        told += f"; {figure(left)} wait, the next until {due.astimezone():%Y-%m-%d %H:%M}"
    session.console.say(f"{mailing.issue}: {told}")
