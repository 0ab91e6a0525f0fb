"""A clock that tests move, so that nobody waits."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.sending import NOW


class Clock:
    """Goes on by a little at each look, and by what is waited."""

    def __init__(self, start: datetime = NOW, step: float = 0.001) -> None:
        """Begin at `start`; each look takes `step` seconds."""
        self.moment = start
        self._step = timedelta(seconds=step)

    def __call__(self) -> datetime:
        """The time now."""
        self.moment += self._step
        return self.moment

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)

    @property
    def seconds(self) -> float:
        """The time since 1970, without the look that costs time."""
        return self.moment.timestamp()


def most_in_any(stretch: float, moments: list[float]) -> int:
    """The most moments of an ordered list in any stretch of so many seconds."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= stretch:
            first += 1
        most = max(most, last - first + 1)
    return most
