"""A round of a sender on a server, put on record in one message: as nearly every round of a mailing can be.

A transaction is five messages there and back: begin, prolong the lease, who was answered, who is offered, commit. Here
it is one statement, which is a transaction by itself. Whoever has lost the lease changes nothing: both changes go by
way of the row of the lease. A round of 30 rows takes 0.2 ms of the server's time, and as long as its disk takes to have
it; the sender goes on with other things meanwhile (newsletter.transports.offering).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from newsletter.delivery import State
from newsletter.outcome import Accepted
from newsletter.store.leases import LEASE_SECONDS, taken_over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.outcome import Outcome
    from newsletter.store.database import Database
    from newsletter.store.leases import Lease
    from newsletter.store.postgresql import PostgresDatabase
    from newsletter.store.postgresql_questions import Question

_ROUND = f"""
    WITH mine AS (UPDATE workers SET lease_until = ? WHERE id = ? RETURNING mailing_id),
    answered AS (
        UPDATE deliveries d SET state = {State.ACCEPTED.value}, attempts = d.attempts + 1, code = v.code,
                                reply = v.reply, updated_at = ?
        FROM mine, unnest(?::bigint[], ?::bigint[], ?::text[]) AS v(subscriber_id, code, reply)
        WHERE d.mailing_id = mine.mailing_id AND d.subscriber_id = v.subscriber_id
    ),
    offered AS (
        UPDATE deliveries d SET state = {State.OFFERED.value} FROM mine, unnest(?::bigint[]) AS v(subscriber_id)
        WHERE d.mailing_id = mine.mailing_id AND d.subscriber_id = v.subscriber_id
    )
    SELECT count(*) FROM mine
"""  # noqa: S608  (our own words)


class Recording:
    """A record on its way."""

    def __init__(self, question: Question | None = None, otherwise: Callable[[], None] = lambda: None) -> None:
        """Without a question, all is on record. `otherwise` puts it there when the question was lost."""
        self._question = question
        self._otherwise = otherwise

    def fileno(self) -> int:
        """What can be read from once there is news; -1 if there is nothing to wait for."""
        return self._question.fileno() if self._question else -1

    def is_done(self) -> bool:
        """Whether `finish` will not have to wait for the answer."""
        return self._question is None or self._question.is_answered()

    def finish(self) -> None:
        """Wait until it is on record. Raises TakenOver when another worker has, or StoreError."""
        question, self._question = self._question, None
        if question is None:
            return
        row = question.answer()
        if row is None:
            self._otherwise()
        elif not row[0]:
            raise taken_over()


def begin_round(
    database: Database,
    lease: Lease,
    outcomes: Sequence[tuple[int, Outcome | None]],
    offered: Sequence[int],
    now: int,
    otherwise: Callable[[], None],
) -> Recording | None:
    """Begin to put a round on record, if it is one that can be said so; None if it is not.

    When the connection is lost on the way, nobody knows whether it is there: `otherwise` records it once more, which
    does no harm. Raises StoreError.
    """
    if not database.dialect.on_a_server or not all(isinstance(outcome, Accepted) for _, outcome in outcomes):
        return None
    replies = [outcome.reply for _, outcome in outcomes if outcome is not None]
    keys = [key for key, _ in outcomes]
    if not set(keys).isdisjoint(offered):
        return None
    question = cast("PostgresDatabase", database).ask(
        _ROUND,
        (
            now + LEASE_SECONDS,
            lease.worker,
            now,
            keys,
            [each.code for each in replies],
            [each.text.replace("\0", " ") for each in replies],
            list(offered),
        ),
    )
    return Recording(question, otherwise)
