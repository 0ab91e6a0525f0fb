"""The documentation as a script: marked blocks of a page are files to write and commands to run, in their order.

    <!-- run -->            the console block below it is run; every command must succeed, and answer as shown
    <!-- run: exit 3 -->    the same, and its last command must end with that code
    <!-- shown: why -->     the block below it is only shown
    <!-- file: PATH -->     the block below it is written to that file
    <!-- add to: PATH -->   the block below it is written to the end of that file
    <!-- inbox: stop -->    from here on nobody listens where mail is taken; <!-- inbox: start --> ends that

In an answer, `…` stands for anything within a line, and alone on a line for any lines; a command without an answer may
say what it likes. How long something took is not compared. The day 2026-11-21 in a page means today.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Self
from unittest.mock import patch

import pytest

from newsletter.cli import main
from newsletter.inbox import HANG_UP, Inbox, Manners

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
# Whom the mailbox treats as the pages tell.
RELAY = Manners(
    refuse={
        "full@example.org": "452 4.2.2 The mailbox is full",
        "strict@example.org": "550 5.7.1 Your server is not trusted here",
    },
    refuse_content={"silent@example.org": HANG_UP},
)
LOGIN = ("camille@example.org", "correct-horse")

_FENCE = re.compile(r"(`{3,})([\w{}+-]*)[^`]*")
_MARK = re.compile(r"<!-- (run|shown|file|add to|inbox)(?:: (.+?))? -->")
_QUESTION = re.compile(r"\[y/N\]: (\w+)$")
_DURATION = re.compile(r"\b\d+(?:\.\d+)? s\b")
_NO_SUCH_PROGRAM = 127
_FOR_A_SHELL = re.compile(r"[|&;<>$*`]")


@dataclass(frozen=True, slots=True)
class Step:
    """A marked block, or a mark alone."""

    line: int
    kind: str  # run, shown, file, add to, inbox; "" for a block without a mark
    said: str  # what stands behind the colon of the mark
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command as one types it, and what the page shows below it."""

    line: str
    answer: tuple[str, ...]


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in their order; blocks without a mark, too."""
    lines = page.split("\n")
    at, mark = 0, ("", "")
    while at < len(lines):
        number = at + 1
        if found := _MARK.fullmatch(lines[at]):
            kind, said = found[1], found[2] or ""
            if kind == "inbox":
                yield Step(number, kind, said, "", "")
            else:
                mark = (kind, said)
        elif fence := _FENCE.fullmatch(lines[at]):
            end = lines.index(fence[1], at + 1)
            yield Step(number, *mark, fence[2], "\n".join(lines[at + 1 : end]))
            at, mark = end, ("", "")
        elif lines[at].strip():
            mark = ("", "")
        at += 1


def commands(block: str) -> Iterator[Command]:
    """The commands of a console block."""
    command, answer = "", list[str]()
    for line in block.split("\n"):
        if line.startswith("$ "):
            if command:
                yield Command(command, tuple(answer))
            command, answer = line[2:], []
        else:
            answer.append(line)
    if command:
        yield Command(command, tuple(answer))


def fits(answer: tuple[str, ...], said: str) -> bool:
    """Whether a command has said what the page shows."""
    lines = [line.rstrip() for line in answer]
    if not any(lines):
        return True
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else f"{re.escape(_DURATION.sub('0 s', line)).replace('…', '.*')}\n"
        for line in "\n".join(lines).strip("\n").split("\n")
    )
    return re.fullmatch(pattern, _DURATION.sub("0 s", said)) is not None


class Walk:
    """A page's steps, done in a folder of their own beside two mailboxes: one open to all, one with a login."""

    def __init__(self, folder: Path, *, in_processes: bool = False) -> None:
        """`in_processes`: start the program anew for each command, as its readers do."""
        self._in_processes = in_processes
        self._here = folder / "here"
        self._here.mkdir()
        self._mail = folder / "mail"
        self._relay = Inbox(self._mail, http_port=None, manners=RELAY)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(CERTIFICATE)
        self._provider = Inbox(folder / "provider", http_port=None, manners=Manners(login=LOGIN, starttls=tls))
        program = Path(sys.executable).parent
        self._environment = {
            "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "SSL_CERT_FILE": str(CERTIFICATE),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Camille",
            "GIT_AUTHOR_EMAIL": "camille@example.org",
            "GIT_COMMITTER_NAME": "Camille",
            "GIT_COMMITTER_EMAIL": "camille@example.org",
        }
        self._today = date.today()

    def __enter__(self) -> Self:
        self._relay.__enter__()
        self._provider.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._provider.__exit__(None, None, None)
        self._relay.__exit__(None, None, None)

    def do(self, step: Step) -> None:
        """Do one step. Raises AssertionError, which tells the line, when it does not go as the page says."""
        match step.kind:
            case "run":
                self._run(step)
            case "file" | "add to":
                path = self._here / self._of_today(step.said)
                path.parent.mkdir(parents=True, exist_ok=True)
                before = path.read_text("utf-8") + "\n" if step.kind == "add to" else ""
                path.write_text(f"{before}{self._of_today(step.text)}\n", "utf-8")
            case "inbox" if step.said == "stop":
                self._relay.__exit__(None, None, None)
            case "inbox":
                self._relay = Inbox(self._mail, self._relay.smtp_port, None, manners=RELAY)
                self._relay.__enter__()
        self._point_to_mailboxes()

    def _run(self, step: Step) -> None:
        code = int(step.said.removeprefix("exit ")) if step.said else 0
        found = list(commands(self._of_today(step.text)))
        for command in found:
            wanted = code if command is found[-1] else 0
            ended, said = self._answer(command)
            told = f"line {step.line}: $ {command.line}\n{said}"
            assert ended == wanted, f"exit code {ended}, not {wanted}; {told}"
            assert fits(command.answer, said), told
            self._point_to_mailboxes()

    def _answer(self, command: Command) -> tuple[int, str]:
        """Run one command as a shell would; its exit code, and what one would see, the progress left out."""
        word, _, rest = command.line.partition(" ")
        if word == "cd":
            self._here = (self._here / rest).resolve(strict=True)
            return 0, ""
        if word == "export":
            name, _, value = rest.partition("=")
            self._environment[name] = value
            return 0, ""
        answers = [found[1] for line in command.answer if (found := _QUESTION.search(line))]
        typed = "".join(f"{answer}\n" for answer in answers)
        if word == "newsletter" and not self._in_processes and not _FOR_A_SHELL.search(rest):
            code, said = self._in_this_process(shlex.split(rest), typed)
        else:
            code, said = self._in_a_shell(command.line, typed)
        if code == _NO_SUCH_PROGRAM and shutil.which(word, path=self._environment["PATH"]) is None:
            pytest.skip(f"{word} is not installed")
        for answer in answers:  # what is typed on a terminal is seen there
            said = said.replace("[y/N]: ", f"[y/N]: {answer}\n", 1)
        lines = [line.rstrip() for line in said.strip("\n").split("\n") if not line.startswith("Sending: ")]
        return code, "\n".join(lines) + "\n"

    def _in_a_shell(self, line: str, typed: str) -> tuple[int, str]:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self._here,
            env=self._environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def _in_this_process(self, arguments: list[str], typed: str) -> tuple[int, str]:
        """A command of ours where no shell has a part in it: to start Python takes longer than most of them."""
        said = io.StringIO()
        with (
            chdir(self._here),
            patch.dict(os.environ, self._environment, clear=True),
            patch.object(sys, "stdin", io.StringIO(typed)),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            code = main(arguments)
        return code, said.getvalue()

    def _of_today(self, text: str) -> str:
        return text.replace("2026-11-21", self._today.isoformat()).replace("2026-11", f"{self._today:%Y-%m}")

    def _point_to_mailboxes(self) -> None:
        """Put the ports of these mailboxes into the settings, in place of those that the page tells of."""
        path = self._here / "newsletter.toml"
        if path.is_file():
            text = before = path.read_text("utf-8")
            text = text.replace("\nport = 2525\n", f"\nport = {self._relay.smtp_port}\n")
            text = text.replace(
                '\nhost = "smtp.example.org"\n', f'\nhost = "localhost"\nport = {self._provider.smtp_port}\n'
            )
            if text != before:
                path.write_text(text, "utf-8")
