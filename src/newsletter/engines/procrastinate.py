"""The engine of many machines: Procrastinate, on the PostgreSQL server that holds the list, wakes idle workers.

A job says no more than "look at this mailing". It is deferred when a mailing is published or given a time, taken up by
one idle worker, who lets the next one have another like it as long as somebody is due, and is held while that worker
works. The ledger stays the truth: a job that is lost, doubled or late changes nothing, since every worker looks for
itself every few seconds. Without Procrastinate, or with a list in a file, that is all there is.

Its tables lie in a schema of their own, one for each version of Procrastinate, so that two versions of this program
work side by side and nothing has to be migrated.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from newsletter.actions.log import log
from newsletter.store.database import is_on_a_server
from newsletter.store.mailings import has_due

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from procrastinate import App
    from procrastinate.connector import BaseConnector

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

_TASK = "look"
_LOOK_EVERY = 5.0  # seconds without a job
_HEAR_EVERY = 0.2  # a signal to stop
_AGAIN = 5.0  # seconds until the next try when the server is away
_LOCK = 0x6E65_7773_6A6F_62  # any number of ours, while the tables are made


def is_used(url: str) -> bool:
    """Whether there is an engine for the list at this address, or every worker only looks for itself."""
    return is_on_a_server(url) and importlib.util.find_spec("procrastinate") is not None


def announce(url: str, mailing: Mailing, at: datetime | None) -> None:
    """Let a worker look at a mailing at a time, or at once. Whatever goes wrong is no matter: they look anyway."""
    if not is_used(url):
        return
    import procrastinate

    try:
        make_tables(url)
        with _app(procrastinate.SyncPsycopgConnector, url).open() as app:
            later = app.configure_task(_TASK, queueing_lock=_lock(mailing.id), schedule_at=at)
            with suppress(procrastinate.exceptions.AlreadyEnqueued):
                later.defer(mailing=mailing.id)
    except Exception as error:
        log("not announced", mailing=mailing.id, why=type(error).__name__)


class Bell:
    """What wakes one worker: `wait` ends as soon as a job says so."""

    def __init__(self, url: str, database: Database, clock: Callable[[], datetime], stop: Callable[[], bool]) -> None:
        """Listen, in a thread of its own."""
        self._url = url
        self._database = database
        self._clock = clock
        self._stop = stop
        self._rung = Event()
        self._idle = Event()
        self._closed = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def wait(self, _seconds: float) -> None:
        """Be idle until there is something to look at, or for a few seconds."""
        self._idle.set()
        end = monotonic() + _LOOK_EVERY
        while not self._rung.wait(_HEAR_EVERY) and not self._stop() and monotonic() < end:
            pass
        self._rung.clear()

    def close(self) -> None:
        """Listen no longer."""
        self._closed.set()
        self._idle.set()
        if self._loop and self._task:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_AGAIN)

    def _run(self) -> None:
        for name in ("psycopg.pool", "procrastinate"):  # what goes wrong is told below, once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        while not self._closed.is_set():
            try:
                make_tables(self._url)
                asyncio.run(self._listen())
            except Exception as error:
                # Until the server is back, this worker looks for itself, as it does anyway.
                log("not listening", why=type(error).__name__)
                self._closed.wait(_AGAIN)

    async def _listen(self) -> None:
        import procrastinate

        app = _app(procrastinate.PsycopgConnector, self._url)

        @app.task(name=_TASK)
        async def look(mailing: int) -> None:
            if await asyncio.to_thread(self._is_due, mailing):
                with suppress(procrastinate.exceptions.AlreadyEnqueued):
                    await app.configure_task(_TASK, queueing_lock=_lock(mailing)).defer_async(mailing=mailing)
            self._idle.clear()
            self._rung.set()
            await asyncio.to_thread(self._idle.wait)

        self._loop = asyncio.get_running_loop()
        async with app.open_async():
            self._task = asyncio.create_task(
                app.run_worker_async(
                    concurrency=1,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_LOOK_EVERY,
                    shutdown_graceful_timeout=1,
                    delete_jobs="always",
                )
            )
            log("listening")
            with suppress(asyncio.CancelledError):
                await self._task

    def _is_due(self, mailing: int) -> bool:
        return not self._closed.is_set() and has_due(self._database, mailing, int(self._clock().timestamp()))


def _lock(mailing: int) -> str:
    return f"mailing {mailing}"


def _schema() -> str:
    from importlib.metadata import version

    return "newsletter_jobs_" + "_".join(version("procrastinate").split(".")[:2])


def _app(connector: Callable[..., BaseConnector], url: str) -> App:
    import procrastinate

    session = {"options": f"-c search_path={_schema()}"}
    return procrastinate.App(connector=connector(conninfo=url, min_size=1, max_size=4, kwargs=session))


def make_tables(url: str) -> None:
    """Make Procrastinate's tables, unless they are there, or another worker makes them at this moment."""
    import procrastinate
    import psycopg

    name = _schema()
    run: Any = partial(psycopg.Connection.execute)

    def are_made() -> bool:
        # Who asks by to_regclass() gets the answer of before the wait: the server remembers that there was no schema.
        query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'procrastinate_jobs'"
        return run(connection, query, (name,)).fetchone() is not None

    with psycopg.connect(url, autocommit=True) as connection:
        if are_made():
            return
        with connection.transaction():
            run(connection, f"SELECT pg_advisory_xact_lock({_LOCK})")
            if not are_made():
                run(connection, f"CREATE SCHEMA IF NOT EXISTS {name}")
                run(connection, f"SET LOCAL search_path = {name}")
                run(connection, procrastinate.schema.SchemaManager.get_schema())
