"""Asked: what the author wants of a mailing while it is being sent, read from its row by whoever sends it."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from newsletter.actions.log import log
from newsletter.errors import Halted, Problem
from newsletter.mailing import Wish
from newsletter.store.schedules import wish_of

if TYPE_CHECKING:
    from newsletter.store.database import Database

_LOOK_EVERY = 0.5  # seconds: a look costs 15 µs, and whoever asked waits


class Asked:
    """One sender's ear."""

    def __init__(self, database: Database, mailing: int) -> None:
        self._database = database
        self._mailing = mailing
        self._wish = Wish.NONE
        self._again = 0.0

    def to_stop(self) -> bool:
        """Whether nobody more is to be written to. Once it was asked for, this sender does not begin again."""
        if self._wish is Wish.NONE and (now := monotonic()) >= self._again:
            self._again = now + _LOOK_EVERY
            self._wish = wish_of(self._database, self._mailing)
            if self._wish is not Wish.NONE:
                log(f"{self._wish.value} heard", mailing=self._mailing)
        return self._wish is not Wish.NONE

    def pause(self, issue: str) -> Halted | None:
        """Why this sender has stopped, if somebody asked for it."""
        if self._wish is Wish.NONE and wish_of(self._database, self._mailing) is Wish.CANCEL:
            self._wish = Wish.CANCEL  # there was nobody left to claim before it was heard
        match self._wish:
            case Wish.PAUSE:
                return Halted(Problem("this mailing was paused", fix=f"to go on: newsletter resume {issue}"))
            case Wish.CANCEL:
                return Halted(Problem("this mailing was cancelled", fix=f"who has it: newsletter status {issue}"))
            case _:
                return None
