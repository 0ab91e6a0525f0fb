"""The circuit breaker: stop a mailing that does harm, before the rest of the list has paid for it.

20 refusals in a row that are not about the reader    a block list, a limit of theirs, our sender address, the message
more than 5 % hard bounces after 200 answers          an old list, or one that was bought

It is counted since the mailing was begun or gone on with, over all who send it: each tells the ledger what it has
heard, bad news at once and good ones a few times a second, and hears the sum.

Greylisting is no refusal: it asks everybody to come back. What came in before the breaker opened stays on record, but
for the readers of the streak, who are pending again as if nobody had tried.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from newsletter.bounce import BounceClass, classify
from newsletter.delivery import is_greylisting
from newsletter.errors import Paused, Problem
from newsletter.outcome import Accepted, Deferred, Rejected
from newsletter.store.leases import Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.outcome import Reply
    from newsletter.transports import Results

MOST_REFUSALS = 20  # in a row
MOST_HARD_PERCENT = 5
ENOUGH_ANSWERS = 200
_SHARE_EVERY = 0.25  # seconds, for good news

# What a refusal may be of that is the same for every reader, and what to do about it.
_MEND = {
    BounceClass.BLOCK: ("us", "once it is mended: newsletter resume {issue}"),
    BounceClass.SENDER: (
        "our sender address",
        "see whether the server lets this login write as [sender] email; then: newsletter resume {issue}",
    ),
    BounceClass.CONTENT: (
        "this message",
        "to change it: newsletter cancel {issue}, and publish it; to try it as it is: newsletter resume {issue}",
    ),
}
_LOOK = "see who they are: newsletter status {issue}; to go on all the same: newsletter resume {issue}"
_NOT_FOR_THIS_READER = ".6.7"  # an address outside ASCII (RFC 6531 section 3.5): the next reader's is another


class Breaker:
    """What the senders of a mailing have heard since it was begun or gone on with."""

    def __init__(self, share: Callable[[Heard], Heard]) -> None:
        """`share` adds what this one has heard to what all have, and returns that."""
        self.streak: list[int] = []  # who was refused here because of us, since somebody was not
        self.is_open = False
        self._share = share
        self._shared_at = monotonic()
        self._answered = self._hard = self._blocked = 0  # since the ledger was told
        self._is_broken = False
        self._last: Reply | None = None  # the last refusal since then
        self._problem = ("", "")  # why it opened, and what to do then about the issue of this name

    def hear(self, results: Results) -> None:
        """Take in what became of messages. Raises what `share` raises."""
        for message, outcome in results:
            if isinstance(outcome, Accepted):
                self._answered += 1
                self._break_streak()
            elif isinstance(outcome, Deferred | Rejected):
                self._answered += 1
                self._refused(message.key, outcome.reply)
        if self._last or (self._answered and monotonic() - self._shared_at > _SHARE_EVERY):
            mine = Heard(self._answered, self._hard, self._blocked, self._is_broken)
            heard, reply = self._share(mine), self._last
            self._shared_at = monotonic()
            self._answered = self._hard = self._blocked = 0
            self._is_broken, self._last = False, None
            if reply:
                self._judge(heard, reply)

    def _refused(self, key: int, reply: Reply) -> None:
        if is_greylisting(reply):
            return
        bounce = classify(reply)
        if bounce in _MEND and not reply.enhanced.endswith(_NOT_FOR_THIS_READER):
            self.streak.append(key)
            self._blocked += 1
        else:
            self._break_streak()
            if bounce is not BounceClass.HARD:
                return
            self._hard += 1
        self._last = reply

    def _break_streak(self) -> None:
        self._blocked, self._is_broken = 0, True
        # What was under way when the breaker opened belongs to it, whatever is answered in between.
        if self.streak and not self.is_open:
            self.streak.clear()

    def _judge(self, heard: Heard, reply: Reply) -> None:
        """Open the breaker if it was enough; `reply` is the last refusal."""
        if self.is_open:
            return
        if heard.blocked >= MOST_REFUSALS:
            self.is_open = True
            whom, mend = _MEND.get(classify(reply), _MEND[BounceClass.BLOCK])
            reason = f"the mail server refuses {whom}, {MOST_REFUSALS} times in a row: {reply}"
            self._problem = reason, f"nobody was struck off for it; {mend}"
        elif heard.answered >= ENOUGH_ANSWERS and 100 * heard.hard > MOST_HARD_PERCENT * heard.answered:
            self.is_open = True
            which = (
                f"{heard.hard} of {heard.answered} addresses do not exist ({100 * heard.hard / heard.answered:.0f} %)"
            )
            self._problem = f"{which}, and a sender of such a list is soon blocked; the last answer: {reply}", _LOOK

    def pause(self, issue: str) -> Paused | None:
        """Why the mailing stopped; None when it did not."""
        if not self.is_open:
            return None
        reason, fix = self._problem
        return Paused(Problem(reason, fix=fix.format(issue=issue)))
