"""Workers of one mailing, as processes: `newsletter worker`, killed, frozen, woken and stopped as a test wants it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.errors import StoreError
from newsletter.store.database import open_database
from newsletter.store.leases import workers_of
from newsletter.store.mailings import mailings_of, tally_of, undelivered
from tests.support.sending import fill_list, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.store.database import Database
    from tests.support.sink import Sink

ROOT = Path(__file__).parents[2]
CONNECTIONS = 3
PATIENCE = 90.0  # seconds: a machine that is busy with other things is slow
_SETTINGS = """
[newsletter]
title = "The letter"
base_url = "https://letter.example.org"
postal_address = "12 Lilac Street"
[sender]
email = "letter@example.org"
[store]
url = "{url}"
[transports.relay]
kind = "smtp"
host = "{host}"
port = {port}
security = "none"
connections = {connections}
"""


def settings_for(url: str, port: int, connections: int = CONNECTIONS, host: str = "127.0.0.1") -> str:
    """A newsletter.toml whose list is there, and whose mail goes there."""
    return _SETTINGS.format(url=url, host=host, port=port, connections=connections)


def until(true: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    end = monotonic() + PATIENCE
    while not true():
        assert monotonic() < end, f"never happened: {what}"
        sleep(0.01)


class WorkerProcess:
    """One `newsletter worker`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def events(self) -> list[dict[str, str]]:
        """What it has logged."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def said(self) -> str:
        """All that it has written."""
        return self._log.read_text("utf-8", "replace")

    def has_logged(self, event: str) -> bool:
        """Whether this has happened."""
        return any(each["event"] == event for each in self.events)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def freeze(self, url: str) -> None:
        """Stop it, at a moment when it has not the whole of a SQLite file for itself."""
        while True:
            self.process.send_signal(signal.SIGSTOP)
            until(lambda: _state(self.process.pid) == "T", "the process stands still")
            try:
                with open_database(url, busy_seconds=0.2) as database, database.transaction():
                    return
            except StoreError:
                self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end, and see that it does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


class Cluster:
    """A mailing to so many readers in a database, and workers who send it."""

    def __init__(
        self,
        folder: Path,
        url: str,
        port: int,
        readers: int,
        *,
        host: str = "127.0.0.1",
        connections: int = CONNECTIONS,
        more: str = "",
        waits: bool = False,
    ) -> None:
        self.url = url
        self.readers = readers
        self._folder = folder
        self.settings = folder / "newsletter.toml"
        self.settings.write_text(settings_for(url, port, connections, host) + more)
        self.workers: list[WorkerProcess] = []
        with self.database() as database:
            fill_list(database, readers)
            self.mailing = plan(database)
            if not waits:
                self.release(database)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The list and the ledger."""
        with open_database(self.url) as database:
            yield database

    def release(self, database: Database) -> None:
        """Let the mailing be due now."""
        with database.transaction() as connection:
            connection.execute("UPDATE mailings SET starts_at = ? WHERE id = ?", (int(time()), self.mailing.id))

    def start(
        self,
        *words: str,
        under: str = "short-leases",
        before: Sequence[str] = (),
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        command: str = "worker",
    ) -> WorkerProcess:
        """Start one more worker; `before` is what starts it, `environ` what its environment has besides."""
        log = self._folder / f"worker-{len(self.workers)}.log"
        line = [*before, sys.executable, "-m", "tests.support.program", under, command,
                   "--config", str(config or self.settings), "--jobs", "1", "--log-format", "json", *words]  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen(
                line,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=os.environ | (environ or {}),
            )
        worker = WorkerProcess(process, log)
        self.workers.append(worker)
        return worker

    def standing(self) -> Mailing:
        """The mailing as it stands."""
        with self.database() as database:
            return mailings_of(database)[-1]

    def present(self) -> int:
        """How many workers take part."""
        with self.database() as database:
            return len(workers_of(database, self.mailing.id))

    def tally(self) -> Tally:
        """The counts."""
        with self.database() as database:
            return tally_of(database, self.mailing.id)

    def until_finished(self) -> None:
        """Wait for the end of the mailing."""
        until(lambda: self.standing().is_over, "the mailing is finished")

    def check(self, sink: Sink, *, lost_connections: int) -> None:
        """The promise, to the letter, by what the mail server has on record."""
        everybody = {f"reader{n}@example.org" for n in range(self.readers)}
        with self.database() as database:
            counts = tally_of(database, self.mailing.id)
            uncertain = {who.email for who in undelivered(database, self.mailing.id) if who.state is State.UNCERTAIN}
        assert counts.planned == self.readers
        assert counts.accepted + counts.uncertain == self.readers
        assert [who for who, times in Counter(sink.accepted).items() if times > 1] == []
        assert everybody - set(sink.accepted) <= uncertain
        assert len(uncertain) <= lost_connections

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()
