"""Signals that ask this process to end."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def heeded(*names: str) -> list[int]:
    """The numbers of those signals that may be handled; Windows has not all of them.

    One that whoever started us wants ignored stays ignored: nohup and a shell's background jobs rely on it.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def handled(*names: str, by: Callable[[int, object], None]) -> Iterator[list[int]]:
    """Let those that are heeded be handled by a function while the block runs; their numbers. Main thread only."""
    before = {number: signal.signal(number, by) for number in heeded(*names)}
    try:
        yield list(before)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
