"""Run a command as a process of its own, and say what it cost."""

from __future__ import annotations

import compileall
import os
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took, with all the processes it waited for."""

    seconds: float
    cpu: float  # seconds, user and system
    peak: float  # MB, of the process itself
    output: str


def cost(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. Raises RuntimeError when it fails, with what it printed."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err)
        peak = _Peak(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}: {out.read()}{err.read()}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime, peak.end(), out.read())


class _Peak:
    """The largest memory of a process, read while it runs: what wait4 says has this process's own size in it."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._megabytes = 0.0
        self._done = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            with suppress(OSError, StopIteration):
                line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmHWM:"))
                self._megabytes = int(line.split()[1]) / 1024

    def end(self) -> float:
        self._done.set()
        self._thread.join()
        return self._megabytes


def as_installed() -> None:
    """Compile the package, as its installation does: otherwise each process would do that first, for half a second."""
    import newsletter

    compileall.compile_dir(Path(newsletter.__file__).parent, quiet=1)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown, as the documentation shows it."""
    cells = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    cells.insert(1, ["-" * width for width in widths])
    print(f"\n{title}\n")
    for row in cells:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
