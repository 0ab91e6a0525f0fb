"""The circuit breaker: stop a mailing that does harm, before the rest of the list has paid for it.

20 refusals in a row that are about us, not about the reader    a block list, a missing signature, a limit of theirs
more than 5 % hard bounces after 200 answers                     an old list, or one that was bought

Greylisting is no refusal: it asks everybody to come back. What came in before the breaker opened stays on record, but
for the readers of the streak, who are pending again as if nobody had tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.bounce import BounceClass, classify
from newsletter.delivery import is_greylisting
from newsletter.errors import Paused, Problem
from newsletter.outcome import Accepted, Deferred, Rejected

if TYPE_CHECKING:
    from newsletter.outcome import Reply
    from newsletter.transports import Results

MOST_REFUSALS = 20  # in a row
MOST_HARD_PERCENT = 5
ENOUGH_ANSWERS = 200


class Breaker:
    """What one sender has heard since it began."""

    def __init__(self) -> None:
        self.streak: list[int] = []  # who was refused because of us, since somebody was not
        self.is_open = False
        self._answers = 0
        self._hard = 0
        self._reason = ""

    def hear(self, results: Results) -> None:
        """Take in what became of messages."""
        for message, outcome in results:
            if isinstance(outcome, Accepted):
                self._answers += 1
                self._break_streak()
            elif isinstance(outcome, Deferred | Rejected):
                self._answers += 1
                self._refused(message.key, outcome.reply)

    def _refused(self, key: int, reply: Reply) -> None:
        if is_greylisting(reply):
            return
        bounce = classify(reply)
        if bounce is BounceClass.BLOCK:
            self.streak.append(key)
            if len(self.streak) == MOST_REFUSALS:
                self._open(f"the mail server refuses us, {MOST_REFUSALS} times in a row: {reply}")
            return
        self._break_streak()
        if bounce is BounceClass.HARD:
            self._hard += 1
            percent = 100 * self._hard / self._answers
            if self._answers >= ENOUGH_ANSWERS and percent > MOST_HARD_PERCENT:
                which = f"{self._hard} of {self._answers} addresses do not exist ({percent:.0f} %)"
                self._open(f"{which}, and a sender of such a list is soon blocked; the last answer: {reply}")

    def _break_streak(self) -> None:
        # What was under way when the breaker opened belongs to it, whatever is answered in between.
        if self.streak and not self.is_open:
            self.streak.clear()

    def _open(self, reason: str) -> None:
        if not self.is_open:
            self.is_open, self._reason = True, reason

    def pause(self, issue: str) -> Paused | None:
        """Why the mailing stopped; None when it did not."""
        if not self.is_open:
            return None
        if self.streak:
            fix = f"nobody was struck off for it; once it is mended: newsletter resume {issue}"
        else:
            fix = f"see who they are: newsletter status {issue}; to go on all the same: newsletter resume {issue}"
        return Paused(Problem(self._reason, fix=fix))
