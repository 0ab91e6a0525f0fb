"""Amends: what the ledger learns from the author, or from a log, after a send.

An uncertain delivery becomes accepted when somebody has seen it arrive, and pending when somebody has seen that it
did not. A rejected one may be tried again. No other state can be talked away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.errors import LedgerError, Problem
from newsletter.mailing import AT_ITS_END, MailingState, Wish
from newsletter.store.leases import count_states, lock, present

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from newsletter.store.database import Connection, Database


def uncertain(database: Database, mailing: int) -> dict[int, str]:
    """The uncertain deliveries: subscriber → address ("" for one who is no longer on the list)."""
    with database.reading() as connection:
        return dict(
            connection.execute(
                """
                SELECT d.subscriber_id, coalesce(s.email, '')
                FROM deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id
                WHERE d.mailing_id = ? AND d.state = ? ORDER BY d.subscriber_id
                """,
                (mailing, State.UNCERTAIN.value),
            ).fetchall()
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What uncertain deliveries of a mailing are from now on; `how` it is known stands in their reply."""

    mailing: int
    subscribers: Collection[int]
    sent: bool  # accepted; otherwise pending
    how: str


def settle(database: Database, verdicts: Sequence[Verdict], now: int) -> None:
    """Write verdicts down, all of them or none.

    Deliveries that are not uncertain stay as they are. Raises LedgerError while a process is sending such a mailing.
    """
    with database.transaction() as connection:
        for verdict in verdicts:
            _at_rest(connection, verdict.mailing)
            state = State.ACCEPTED if verdict.sent else State.PENDING
            connection.executemany(
                "UPDATE deliveries SET state = ?, reply = ?, next_at = 0, updated_at = ? "
                "WHERE mailing_id = ? AND subscriber_id = ? AND state = ?",
                [
                    (state.value, verdict.how, now, verdict.mailing, key, State.UNCERTAIN.value)
                    for key in verdict.subscribers
                ],
            )
            _state_anew(connection, verdict.mailing, now)


def reopen_rejected(database: Database, mailing: int, now: int) -> int:
    """Let rejected deliveries be tried again, as if they had never been; how many there are.

    Raises LedgerError while a process is sending the mailing.
    """
    with database.transaction() as connection:
        _at_rest(connection, mailing)
        number = connection.execute(
            "UPDATE deliveries SET state = ?, attempts = 0, next_at = 0, deferred_at = 0, updated_at = ? "
            "WHERE mailing_id = ? AND state = ?",
            (State.PENDING.value, now, mailing, State.REJECTED.value),
        ).rowcount
        _state_anew(connection, mailing, now)
    return number


def _at_rest(connection: Connection, mailing: int) -> None:
    lock(connection, mailing)
    if present(connection, mailing):
        raise LedgerError(
            Problem(
                "this mailing is being sent, or its sender was killed and left it open",
                fix="wait for its end, or bring it to one with `newsletter resume`",
            )
        )


def _state_anew(connection: Connection, mailing: int, now: int) -> None:
    before, wish = connection.execute("SELECT state, wish FROM mailings WHERE id = ?", (mailing,)).fetchone()
    if count_states(connection, mailing).is_settled:
        # One that was cancelled stays so, until the author wants somebody written to after all.
        over = MailingState.CANCELLED if before == MailingState.CANCELLED.value else MailingState.FINISHED
        state, finished = over, now
    else:
        state, finished = MailingState.SENDING, None
        # A pause holds until `resume`, for all who wait. What was wanted of a mailing that had ended holds nobody.
        if wish == Wish.CANCEL.value or MailingState(before) in AT_ITS_END:
            wish = Wish.NONE.value
    connection.execute(
        "UPDATE mailings SET state = ?, finished_at = ?, wish = ? WHERE id = ?",
        (state.value, finished, wish, mailing),
    )
