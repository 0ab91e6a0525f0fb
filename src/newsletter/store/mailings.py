"""Mailings: what is sent, frozen, and what became of it, in numbers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.delivery import State
from newsletter.edition import Edition
from newsletter.mailing import Mailing, MailingState, Wish
from newsletter.store.leases import count_states, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.report import Tally
    from newsletter.store.database import Database

# A mailing's number is the second in which it was planned (newsletter.store.ledger); smaller ones say no time.
_FIRST_SECOND = 1_000_000_000

_COLUMNS = (
    "id, issue, title, fingerprint, sender, segment, transport, state, planned_at, finished_at, commit_hash, modified, "
    "starts_at, local, spread, wish"
)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Somebody in the audience who has not got the mailing, as far as is known, and why."""

    email: str
    state: State
    code: int
    enhanced: str
    reply: str
    attempts: int
    next_at: datetime | None


def _mailing(row: tuple[Any, ...]) -> Mailing:
    number, issue, title, fingerprint, sender, segment, transport, state, planned, finished, commit, modified = row[:12]
    starts_at, local, spread, wish = row[12:]
    return Mailing(
        id=number,
        issue=issue,
        title=title,
        fingerprint=fingerprint,
        sender=sender,
        segment=segment,
        transport=transport,
        state=MailingState(state),
        planned_at=datetime.fromtimestamp(planned, UTC),
        finished_at=None if finished is None else datetime.fromtimestamp(finished, UTC),
        commit=commit,
        modified=bool(modified),
        starts_at=datetime.fromtimestamp(starts_at, UTC) if starts_at else None,
        local=local,
        spread=spread,
        wish=Wish(wish),
    )


def mailings_of(database: Database, issue: str | None = None) -> list[Mailing]:
    """The mailings of one issue, or all of them, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM mailings WHERE CAST(? AS TEXT) IS NULL OR issue = ? ORDER BY id",  # noqa: S608  (constant columns)
            (issue, issue),
        ).fetchall()
    return [_mailing(row) for row in rows]


def standing_of(database: Database, mailing: int) -> str:
    """Where a mailing stands now, in one word."""
    return next(each for each in mailings_of(database) if each.id == mailing).standing


def scheduled(database: Database) -> list[Mailing]:
    """The mailings that were given a time and are not at their end, the first ones first."""
    with database.reading() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM mailings WHERE starts_at > 0 AND state IN (?, ?) ORDER BY starts_at, id",  # noqa: S608  (constant columns)
            (MailingState.PLANNED.value, MailingState.SENDING.value),
        ).fetchall()
    return [_mailing(row) for row in rows]


def joined_after(database: Database, subscriber: int, mailing: int) -> bool:
    """Whether the person joined after a mailing was planned that this database does not know.

    Then the database was restored from a copy since, and what speaks of the two means somebody else, who had the
    person's number before.
    """
    with database.reading() as connection:
        found = connection.execute(
            "SELECT 1 FROM subscribers WHERE id = ? AND created_at > ? AND ? > ? "
            "AND NOT EXISTS (SELECT 1 FROM mailings m WHERE m.id = ?)",
            (subscriber, mailing, mailing, _FIRST_SECOND, mailing),
        ).fetchone()
    return found is not None


def edition_of(database: Database, mailing: Mailing) -> Edition:
    """The edition that the mailing froze, with its pictures."""
    with database.reading() as connection:
        (content,) = connection.execute(
            "SELECT content FROM editions WHERE fingerprint = ?", (mailing.fingerprint,)
        ).fetchone()

        def picture(digest: str) -> bytes:
            (found,) = connection.execute("SELECT content FROM pictures WHERE digest = ?", (digest,)).fetchone()
            return bytes(found)

        return Edition.from_json(content, mailing.issue, picture)


def tally_of(database: Database, mailing: int) -> Tally:
    """How many deliveries stand where."""
    with database.reading() as connection:
        return count_states(connection, mailing)


def undelivered(database: Database, mailing: int) -> Iterator[Undelivered]:
    """Everybody who has not got it, or may not have, in the order of the list."""
    with database.reading() as connection:
        found = connection.stream(
            """
            SELECT coalesce(s.email, '(no longer on the list)'), d.state, d.code, d.enhanced, d.reply, d.attempts,
                   d.next_at
            FROM deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id
            WHERE d.mailing_id = ? AND d.state != ? ORDER BY d.subscriber_id
            """,
            (mailing, State.ACCEPTED.value),
        )
        with closing(found) as rows:
            for email, state, code, enhanced, reply, attempts, next_at in rows:
                due = datetime.fromtimestamp(next_at, UTC) if next_at else None
                yield Undelivered(email, State(state), code, enhanced, reply, attempts, due)


def next_retry(database: Database, mailing: int) -> datetime | None:
    """When the first deferred delivery may be tried again."""
    with database.reading() as connection:
        (moment,) = connection.execute(
            "SELECT min(next_at) FROM deliveries WHERE mailing_id = ? AND state = ?", (mailing, State.DEFERRED.value)
        ).fetchone()
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def next_due(database: Database, mailing: int) -> datetime | None:
    """When somebody may be written to: the first who waits for their time, or was deferred. None: nobody waits."""
    with database.reading() as connection:
        (moment,) = connection.execute(
            f"SELECT min(next_at) FROM deliveries{database.dialect.by_waiting} "  # noqa: S608  (our own words)
            "WHERE mailing_id = ? AND state IN (0, 4)",
            (mailing,),
        ).fetchone()
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


# Who waits and may be written to at this moment, in UTC seconds.
_DUE = "WHERE mailing_id = ? AND state IN (0, 4) AND next_at <= ?"


def has_due(database: Database, mailing: int, now: int) -> bool:
    """Whether somebody waits who may be written to now."""
    with database.reading() as connection:
        found = connection.execute(
            f"SELECT 1 FROM deliveries{database.dialect.by_waiting} {_DUE} LIMIT 1",  # noqa: S608  (our own words)
            (mailing, now),
        ).fetchone()
    return found is not None


def number_due(database: Database, mailing: int, now: int) -> int:
    """How many wait who may be written to now."""
    with database.reading() as connection:
        (number,) = connection.execute(
            f"SELECT count(*) FROM deliveries{database.dialect.by_waiting} {_DUE}",  # noqa: S608  (our own words)
            (mailing, now),
        ).fetchone()
    return int(number)


def last_sign_of_life(database: Database, mailing: int) -> tuple[str, datetime]:
    """The machine that is sending the mailing, or was when it broke off ("" for none); when it was last heard of."""
    with database.reading() as connection:
        starts_at, planned_at = connection.execute(
            "SELECT starts_at, planned_at FROM mailings WHERE id = ?", (mailing,)
        ).fetchone()
        (updated,) = connection.execute(
            "SELECT max(updated_at) FROM deliveries WHERE mailing_id = ?", (mailing,)
        ).fetchone()
        host = next((each.worker.host for each in present(connection, mailing)), "")
    return host, datetime.fromtimestamp(max(starts_at, planned_at, updated or 0), UTC)
