"""An author at work: a newsletter in a folder, its commands run here or as processes, mail servers beside it.

author.issue("Hello.")
author.reader("zoe@example.org", first_name="Zoé")
with author.inbox() as inbox:
    answer = author.run("publish", "2026-11-hello", "--yes")
    assert readers_of(inbox) == ["zoe@example.org"]
assert answer.code == 0
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.cli import main
from newsletter.inbox import Inbox, Manners
from newsletter.store.database import Database, open_database
from newsletter.store.mailings import mailings_of, tally_of
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Subscriber
from newsletter.transports.smtp import SmtpTransport
from tests.support.sending import fill_list
from tests.support.sink import Sink
from tests.support.stores import new_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.report import Tally

__all__ = ["COUNTS", "HELLO", "Answer", "Author", "author", "hurry", "readers_of"]

ROOT = Path(__file__).parents[2]
HELLO = "2026-11-hello"
_FAMILY = "NEWSLETTER_TEST_FAMILY"  # the variable by which a process and what it started are known
COUNTS = ("accepted", "deferred", "rejected", "skipped", "uncertain", "pending")

SETTINGS = """\
[newsletter]
title = "The letter"
language = "en"
base_url = "https://letter.example.org"
postal_address = "12 Lilac Street, Springfield"

[sender]
name = "Camille"
email = "camille@letter.example.org"

[transport]
use = "relay"

[transports.relay]
kind = "smtp"
host = "127.0.0.1"
port = 2525
security = "none"
connections = 4

[transports.outbox]
kind = "folder"
path = "outbox"
"""


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Standard output as JSON, which must be all that is there."""
        assert self.out, self.err
        return json.loads(self.out)


def readers_of(inbox: Inbox) -> list[str]:
    """Who got a message, once for each."""
    return sorted(recipient for message in inbox.messages() for recipient in message.recipients)


class Author:
    """Somebody who keeps a newsletter in `folder`, and is there now."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        (folder / "issues").mkdir(parents=True)
        self.config = folder / "newsletter.toml"
        self.store_url = f"sqlite:///{folder}/newsletter.db"
        self.config.write_text(SETTINGS, encoding="utf-8")
        monkeypatch.chdir(folder)
        monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)

    # ── What is written

    def settings(self, old: str, new: str) -> None:
        """Change a piece of newsletter.toml, which must be in it."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def send_to(self, port: int) -> None:
        """Let the transport "relay" lead to this port."""
        lines = self.config.read_text(encoding="utf-8").splitlines()
        changed = [f"port = {port}" if line.startswith("port = ") else line for line in lines]
        self.config.write_text("\n".join(changed) + "\n", encoding="utf-8")

    def keep_list_at(self, url: str) -> None:
        """Let the list be in this database."""
        text = self.config.read_text(encoding="utf-8")
        assert "[store]" not in text
        self.config.write_text(f'{text}\n[store]\nurl = "{url}"\n', encoding="utf-8")
        self.store_url = url

    def issue(self, body: str = "Hello.\n", *, name: str = HELLO, head: str = 'title: "Hello"') -> Path:
        """Write an issue with these lines between its fences."""
        path = self.folder / "issues" / f"{name}.md"
        path.write_text(f"---\n{head}\n---\n\n{body}", encoding="utf-8")
        return path

    # ── Who reads

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The list and the ledger."""
        with open_database(self.store_url) as database:
            yield database

    def reader(self, email: str, **known: Any) -> None:
        """Put one person on the list."""
        with self.database() as database:
            Subscribers(database).add(Subscriber(email=email, **known), now=1_700_000_000)

    def readers(self, number: int) -> set[str]:
        """Put reader0@example.org … on the list; their addresses."""
        with self.database() as database:
            fill_list(database, number)
        return {f"reader{n}@example.org" for n in range(number)}

    def unsubscribes(self, email: str) -> None:
        """Take one person off the list."""
        with self.database() as database:
            Subscribers(database).unsubscribe(email, now=1_700_000_001, source="test")

    # ── What is on record

    def tallies(self) -> list[Tally]:
        """Where each mailing stands, the oldest first."""
        with self.database() as database:
            return [tally_of(database, mailing.id) for mailing in mailings_of(database)]

    # ── What is done

    def run(self, *arguments: str, answer: str = "") -> Answer:
        """Run a command in this process. `answer` is what the author types; "" is nobody there."""
        out, err = io.StringIO(), io.StringIO()
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        assert "Traceback" not in err.getvalue()
        return Answer(code, out.getvalue(), err.getvalue())

    @contextmanager
    def start(self, *arguments: str, under: str = "", **settings: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a command in a process of its own; `under` these circumstances of program.py. It does not survive."""
        program = ["tests.support.program", under] if under else ["newsletter"]
        family = f"{os.getpid()}-{monotonic_ns()}"
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(
            [sys.executable, "-m", *program, *arguments],
            cwd=self.folder,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))), _FAMILY: family},
            **pipes | settings,
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                _kill_family(family)
                raise

    def run_process(self, *arguments: str, under: str = "") -> Answer:
        """Run a command in a process of its own, to its end."""
        with self.start(*arguments, under=under) as process:
            out, err = process.communicate()
        return Answer(process.returncode, out, err)

    def git(self, *arguments: str) -> str:
        """Run git in the folder; what it prints."""
        who = ("-c", "user.name=Camille", "-c", "user.email=camille@letter.example.org", "-c", "commit.gpgsign=no")
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    # ── Where it goes

    @contextmanager
    def inbox(self, **manners: Any) -> Iterator[Inbox]:
        """A mailbox with these manners, to which the transport "relay" leads."""
        with Inbox(self.folder / "mail", http_port=None, manners=Manners(**manners)) as inbox:
            self.send_to(inbox.smtp_port)
            yield inbox

    @contextmanager
    def sink(self, **habits: Any) -> Iterator[Sink]:
        """A server that counts, and misbehaves as told, to which the transport "relay" leads."""
        with Sink(**habits) as sink:
            self.send_to(sink.port)
            yield sink


def _kill_family(family: str) -> None:
    """Kill what a process has started: one that lives on holds our pipes open, and who reads them waits for ever."""
    mark = f"{_FAMILY}={family}\0".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process try as often as ever, and not wait: for a locked database, for a lost server."""
    monkeypatch.setattr("newsletter.store.database.BUSY_SECONDS", 0.05)
    pauses = SmtpTransport.__init__.__defaults__
    assert pauses
    shorter = tuple((0.0,) * len(each) if isinstance(each, tuple) else each for each in pauses)
    assert shorter != pauses
    monkeypatch.setattr(SmtpTransport.__init__, "__defaults__", shorter)


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    """An author with settings that are whole, an empty list of the kind that is in use, and no issue yet."""
    author = Author(tmp_path / "newsletter", monkeypatch)
    with new_list(author.folder) as url:
        if url != author.store_url:
            author.keep_list_at(url)
        yield author
