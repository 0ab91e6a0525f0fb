"""The fast mail server of the benchmarks, as a process that keeps a record of who got how many messages."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from benchmarks.measure import free_port
from benchmarks.sending import HERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Record(NamedTuple):
    """What it took."""

    messages: int
    by_reader: bytes  # how many messages r0@ or reader0@, r1@ … got; as long as the last one who got any needs

    def without(self, readers: int) -> set[int]:
        """The numbers of those, of so many readers, who got nothing."""
        known = self.by_reader.ljust(readers, b"\0")
        return {number for number in range(readers) if not known[number]}

    def has_two_for_nobody(self) -> bool:
        """Whether nobody got more than one."""
        return max(self.by_reader, default=0) <= 1


@contextmanager
def fast_sink(folder: Path) -> Iterator[tuple[int, Callable[[], Record]]]:
    """Its port, and what ends it and gives its record. Skips the test where there is no compiler."""
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    program, record, port = folder / "fastsink", folder / "record", free_port()
    subprocess.run([compiler, "-O2", "-o", program, HERE / "fastsink.c"], check=True)
    with subprocess.Popen([program, str(port), record], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        assert sink.stdout.readline() == "ready\n"

        def ended() -> Record:
            assert sink.stdout is not None
            sink.terminate()
            taken = int(sink.stdout.read())
            assert sink.wait(60) == 0
            return Record(taken, record.read_bytes())

        try:
            yield port, ended
        finally:
            sink.terminate()
