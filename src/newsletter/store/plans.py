"""Plan: the edition and the audience are frozen, one delivery a recipient, before the first byte leaves.

INSERT … SELECT over the list: who is active, not suppressed, and in the segment, on that day.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.errors import LedgerError, Problem
from newsletter.mailing import Mailing, MailingState
from newsletter.store.claims import CANCELLED
from newsletter.store.database import Lock

if TYPE_CHECKING:
    from newsletter.edition import Edition
    from newsletter.store.archive import Kept
    from newsletter.store.database import Database
    from newsletter.store.segments import Condition
    from newsletter.timing import Timing

# Who has a delivery of this issue already, in whatever mailing, does not get another one; but for those whom a mailing
# that was cancelled left out.
_NOT_YET = f"""
    NOT EXISTS (SELECT 1 FROM deliveries d JOIN mailings m ON m.id = d.mailing_id
                WHERE m.issue = ? AND d.subscriber_id = s.id
                AND NOT (d.state = {State.SKIPPED.value} AND d.reply = '{CANCELLED}'))
"""  # noqa: S608  (our own words)


def count_new(database: Database, issue: str, audience: Condition) -> int:
    """How many of the audience have no delivery of this issue."""
    with database.reading() as connection:
        (number,) = connection.execute(
            f"SELECT count(*) FROM subscribers s WHERE ({audience.sql}) AND {_NOT_YET}",  # noqa: S608  (our own SQL)
            (*audience.parameters, issue),
        ).fetchone()
    return int(number)


def write_plan(
    database: Database,
    *,
    issue: str,
    edition: Edition,
    audience: Condition,
    segment: str,
    sender: str,
    transport: str,
    commit: str,
    modified: bool,
    now: int,
    earlier: int | None = None,
    kept: Kept | None = None,
    timing: Timing | None = None,
    zone: str = "",
) -> Mailing:
    """Freeze the edition and the audience: one delivery for everybody in it who has none of this issue yet.

    All or nothing: a crash leaves no half of a plan. `kept` is what the archive will show of it. `earlier` is how
    many mailings of the issue the author knew of when they agreed; raises LedgerError when there are others by now.
    With a timing, the deliveries are due as it says; `zone` is that of recipients who named none.
    """
    with database.transaction(lock=Lock.PLANS) as connection:
        (found,) = connection.execute("SELECT count(*) FROM mailings WHERE issue = ?", (issue,)).fetchone()
        if earlier is not None and found != earlier:
            raise LedgerError(
                Problem(
                    "another process has begun to send this issue; this one sends nothing",
                    fix=f"see how it goes: newsletter status {issue}",
                )
            )
        connection.execute(
            "INSERT INTO editions (fingerprint, content) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (edition.fingerprint, edition.to_json()),
        )
        connection.executemany(
            "INSERT INTO pictures (digest, type, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(each.digest, each.type, each.content) for each in (*edition.pictures, *edition.files)],
        )
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM mailings").fetchone()
        # Its number stands in links and Message-IDs. Were it the next one, a database restored from a copy would give
        # the numbers once more that were given after the copy was made; of a second there is only one.
        number = max(now, last + 1)
        connection.execute(
            """
            INSERT INTO mailings (id, issue, title, fingerprint, sender, segment, transport, state, planned_at,
                                  commit_hash, modified)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                number,
                issue,
                edition.title,
                edition.fingerprint,
                sender,
                segment,
                transport,
                MailingState.PLANNED.value,
                now,
                commit,
                int(modified),
            ),
        )
        connection.execute(
            "INSERT INTO deliveries (mailing_id, subscriber_id) "  # noqa: S608  (our own SQL)
            f"SELECT ?, s.id FROM subscribers s WHERE ({audience.sql}) AND {_NOT_YET} ORDER BY s.id",
            (number, *audience.parameters, issue),
        )
        if connection.dialect.on_a_server:
            # It learns of so many new rows some time later by itself, and until then claims them as if they were few.
            connection.execute("ANALYZE deliveries")
        if kept is not None:
            from newsletter.store.archive import keep

            keep(connection, number, issue, kept)
        starts_at = 0
        if timing is not None:
            from newsletter.store.schedules import set_times

            starts_at = set_times(connection, number, timing, zone, now)
    return Mailing(
        id=number,
        issue=issue,
        title=edition.title,
        fingerprint=edition.fingerprint,
        sender=sender,
        segment=segment,
        transport=transport,
        state=MailingState.PLANNED,
        planned_at=datetime.fromtimestamp(now, UTC),
        commit=commit,
        modified=modified,
        starts_at=datetime.fromtimestamp(starts_at, UTC) if starts_at else None,
        local=str(timing.local or "") if timing else "",
        spread=timing.spread if timing else 0,
    )
