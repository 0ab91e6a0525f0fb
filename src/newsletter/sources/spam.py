"""Spam: what SpamAssassin says of messages, where it is installed. Nothing leaves this machine for it.

A running spamd answers at once, and is asked wherever there is one. To start the program of the same name takes a
second or more before it reads a word: that is only done when somebody asks for it, and once for all messages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\s", re.MULTILINE)
_MESSAGE = re.compile(r"^X-Spam-Checker-Version:", re.MULTILINE)
# About the way that a message came, which this one has not gone yet.
_WAY = re.compile(r"ALL_TRUSTED|NO_RE(?:CEIVED|LAYS)|MSGID_|DKIM|SPF_|RDNS_|HELO_|RCVD_|UNPARSEABLE_RELAY|DMARC|ARC_")
_SECONDS = 30  # for one message, and for the start
_AT_ONCE = 4  # of spamd's children


class Judged(NamedTuple):
    """What came of it: which program read the messages ("" for none), and of each its rules and their points."""

    by: str
    points: tuple[Mapping[str, float] | None, ...]


def spam_points(messages: Sequence[bytes], *, start: bool = False) -> Judged:
    """SpamAssassin's rules that each message meets. `start`: start the program where no spamd answers."""
    nobody = Judged("", (None,) * len(messages))
    if not messages:
        return nobody
    if client := shutil.which("spamc"):
        ask = partial(_by_spamd, client)
        if first := ask(messages[0]):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return Judged("spamd", (first, *pool.map(ask, messages[1:])))
    if start and (program := shutil.which("spamassassin")):
        return _by_program(program, messages) or nobody
    return nobody


def _by_spamd(client: str, message: bytes) -> Mapping[str, float] | None:
    return _points(_run([client, "-R", "-t", str(_SECONDS), "--connect-retries=1"], message, _SECONDS))


def _by_program(program: str, messages: Sequence[bytes]) -> Judged | None:
    with tempfile.TemporaryDirectory() as home:
        files = [Path(home, f"{number:06}.eml") for number in range(len(messages))]
        for file, message in zip(files, messages, strict=True):
            file.write_bytes(message)
        settings = Path(home, "user_prefs")
        settings.touch()
        seconds = _SECONDS * (1 + len(messages))
        said = _run([program, "-L", "-t", "-p", str(settings), *map(str, files)], b"", seconds, home)
    reports = _MESSAGE.split(said)[1:]
    # A message that looks like two of them makes it unknown which report is whose.
    return Judged("spamassassin", tuple(map(_points, reports))) if len(reports) == len(messages) else None


def _points(report: str) -> Mapping[str, float] | None:
    found = {name: float(points) for points, name in _RULE.findall(report.rpartition("pts rule name")[2])}
    return {name: points for name, points in found.items() if not _WAY.match(name)} if found else None


def _run(command: Sequence[str], said: bytes, seconds: float, home: str = "") -> str:
    """What a program of this machine answers; "" when it does not."""
    try:
        done = subprocess.run(  # noqa: S603  (by its full path, and no shell)
            command, input=said, capture_output=True, timeout=seconds, check=False,
            env={**os.environ, **({"HOME": home} if home else {})},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
