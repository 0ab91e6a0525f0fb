"""The list: who is on it, who joins, who leaves. `imports.py` takes many at once."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.audience import EVERYBODY, Audience
from newsletter.delivery import State
from newsletter.errors import ListError, Problem
from newsletter.field import typed
from newsletter.segment_values import Vocabulary
from newsletter.store import life, segments
from newsletter.store.consents import record
from newsletter.store.seals import known_seal
from newsletter.subscriber import Status, Subscriber, canonical
from newsletter.suppression import Reason, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from newsletter.audience import Rule
    from newsletter.consent import Consent
    from newsletter.field import Field
    from newsletter.store.database import Connection, Database
    from newsletter.store.dialects import Dialect

COLUMNS = (
    "id, email, first_name, last_name, name, language, status, tags, fields, joined, source, "
    "time_zone, paused_until, last_active_at"
)
NO_FIELDS: Mapping[str, Field] = MappingProxyType({})
NO_SEGMENTS: Mapping[str, str] = MappingProxyType({})

COLUMNS_OF_NEW = (
    "email", "canonical", "first_name", "last_name", "name", "language", "status", "tags", "fields", "joined", "source",
    "created_at", "updated_at", "time_zone",
)  # fmt: skip
_INSERT = f"INSERT INTO subscribers ({', '.join(COLUMNS_OF_NEW)}) VALUES ({', '.join('?' * len(COLUMNS_OF_NEW))}) RETURNING id"  # noqa: S608, E501  (constant columns)

# A complaint weighs more than a wish to leave, that more than the author's decision, that more than a bounce, which may
# be mended: a lighter reason never takes the place of a weightier one.
_WEIGHT = "instr('bounced manual unsubscribed complained', {})"
SUPPRESS = f"""
    INSERT INTO suppressions (address, reason, since, source) VALUES (?, ?, ?, ?)
    ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, since = excluded.since, source = excluded.source
    WHERE {_WEIGHT.format("excluded.reason")} > {_WEIGHT.format("suppressions.reason")}
"""  # noqa: S608  (our own SQL)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One issue in a person's story."""

    issue: str
    title: str
    state: State
    at: datetime  # UTC


class Subscribers:
    """The people on the list of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # ── reading

    def get(self, email: str) -> Subscriber | None:
        """Who has this address, whatever its case; None when nobody has."""
        return self._one("canonical = ?", canonical(email))

    def by_id(self, number: int) -> Subscriber | None:
        """Whom the number in a signed link means; None when the person is gone."""
        return self._one("id = ?", number)

    def _one(self, where: str, value: str | int) -> Subscriber | None:
        with self.database.reading() as connection:
            row = connection.execute(f"SELECT {COLUMNS} FROM subscribers WHERE {where}", (value,)).fetchone()  # noqa: S608  (our own words)
        return row and read_row(row)

    def suppression(self, email: str) -> Suppression | None:
        """Why this address must not be written to; None when it may."""
        address = canonical(email)
        with self.database.reading() as connection:
            # Of somebody who is forgotten, only the seal of the address is known.
            forms = (address, known_seal(connection, address) or address)
            row = connection.execute(
                "SELECT reason, since, source FROM suppressions WHERE address IN (?, ?)", forms
            ).fetchone()
        return row and Suppression(address, Reason(row[0]), datetime.fromtimestamp(row[1], UTC), row[2])

    def history(self, subscriber: Subscriber) -> list[Receipt]:
        """The issues that were meant for this person, the latest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                """
                SELECT m.issue, m.title, d.state, coalesce(nullif(d.updated_at, 0), m.planned_at)
                FROM mailings m JOIN deliveries d ON d.mailing_id = m.id AND d.subscriber_id = ?
                ORDER BY m.id DESC
                """,
                (subscriber.id,),
            ).fetchall()
        return [
            Receipt(issue, title, State(state), datetime.fromtimestamp(at, UTC)) for issue, title, state, at in rows
        ]

    def iterate(
        self, rule: Rule = EVERYBODY, *, status: Status | None = None, language: str = ""
    ) -> Iterator[tuple[Subscriber, Reason | None]]:
        """Everybody in the segment, in the order of joining the list, each with the reason for a suppression.

        It streams, and shows the list as it was when it began. `language` is the newsletter's.
        """
        where, parameters = _chosen(self.database.dialect, rule, status, language)
        columns = ", ".join(f"s.{name}" for name in COLUMNS.split(", "))
        with self.database.reading() as connection:
            found = connection.stream(
                f"SELECT {columns}, x.reason FROM subscribers s LEFT JOIN suppressions x ON x.address = s.canonical "  # noqa: S608  (our own SQL)
                f"WHERE {where} ORDER BY s.id",
                parameters,
            )
            with closing(found) as rows:
                for row in rows:
                    yield read_row(row), row[-1] and Reason(row[-1])

    def count(self, rule: Rule = EVERYBODY, *, status: Status | None = None, language: str = "") -> int:
        """How many are in the segment, suppressed ones included."""
        where, parameters = _chosen(self.database.dialect, rule, status, language)
        with self.database.reading() as connection:
            (number,) = connection.execute(f"SELECT count(*) FROM subscribers s WHERE {where}", parameters).fetchone()  # noqa: S608  (our own SQL)
        return int(number)

    def audience(self, rule: Rule = EVERYBODY, *, language: str = "", now: int) -> Audience:
        """Whom an issue for this segment would reach today, and who is left out, and why. `now` is in UTC seconds."""
        inside = segments.condition(rule, language=language, dialect=self.database.dialect)
        with self.database.reading() as connection:
            counted = dict(
                connection.execute(
                    f"""
                    SELECT CASE WHEN s.status <> 'active' THEN s.status WHEN NOT {segments.FREE} THEN 'suppressed'
                                WHEN NOT {inside.sql} THEN 'outside' WHEN {segments.PAUSED} THEN 'paused'
                                ELSE 'recipients' END AS kind, count(*)
                    FROM subscribers s GROUP BY kind
                    """,  # noqa: S608  (our own SQL)
                    (*inside.parameters, now),
                ).fetchall()
            )
        return Audience(**counted)

    def vocabulary(
        self, fields: Mapping[str, Field] = NO_FIELDS, segments: Mapping[str, str] = NO_SEGMENTS, *, now: int
    ) -> Vocabulary:
        """What a segment's rule can speak of: this list's columns, with the types and the named rules of the settings.

        `now` is in UTC seconds.
        """
        with self.database.reading() as connection:
            issues = {issue for (issue,) in connection.execute("SELECT DISTINCT issue FROM mailings")}
        return Vocabulary(typed(fields, self.field_names()), segments, issues, now)

    def field_names(self) -> set[str]:
        """The names of all custom fields that anybody ever had, so that a misspelt one can be found."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT substr(name, 7) FROM meta WHERE name LIKE 'field:%'").fetchall()
        return {name for (name,) in rows}

    # ── writing

    def add(self, subscriber: Subscriber, now: int, *, consent: Consent | None = None) -> Subscriber:
        """Put one person on the list, with what they agreed to; the one stored is returned, with its number.

        Raises ListError when the person is on it already, has left, or must not be written to.
        """
        address = canonical(subscriber.email)
        if suppression := self.suppression(address):
            raise ListError(_why_not(subscriber.email, suppression))
        with self.database.transaction() as connection:
            if connection.execute("SELECT 1 FROM subscribers WHERE canonical = ?", (address,)).fetchone():
                raise ListError(Problem(f"{subscriber.email} is on the list already",
                                        fix=f"see: newsletter subscribers show {subscriber.email}"))  # fmt: skip
            joined = int(subscriber.joined.timestamp()) if subscriber.joined else now
            row = (
                subscriber.email,
                address,
                subscriber.first_name,
                subscriber.last_name,
                subscriber.name,
                subscriber.language,
                subscriber.status.value,
                tags_text(subscriber.tags),
                fields_text(subscriber.fields),
                joined,
                subscriber.source,
                now,
                now,
                subscriber.time_zone,
            )
            (number,) = connection.execute(_INSERT, row).fetchone()
            remember_fields(connection, subscriber.fields)
            if consent:
                record(connection, replace(consent, subscriber=number))
        added = self.by_id(number)
        assert added is not None
        return added

    def unsubscribe(self, email: str, *, now: int, source: str, reason: Reason = Reason.UNSUBSCRIBED) -> bool:
        """Take an address off the list, for good: also one that was never on it. False when it was off already.

        From this moment it gets nothing, not even from a mailing that is under way.
        """
        with self.database.transaction() as connection:
            left = leave(connection, canonical(email), now=now, source=source, reason=reason)
        life.settle(self.database)
        return left


def leave(connection: Connection, address: str, *, now: int, source: str, reason: Reason) -> bool:
    """The same, inside a transaction that is under way, after which comes `life.settle`; `address` is canonical."""
    left = connection.execute(
        "UPDATE subscribers SET status = 'unsubscribed', updated_at = ? "
        "WHERE canonical = ? AND status <> 'unsubscribed'",
        (now, address),
    ).rowcount
    if left:
        connection.execute(
            "INSERT INTO changes (subscriber_id, at, what, source) SELECT id, ?, 'left', ? FROM subscribers "
            "WHERE canonical = ?",
            (now, source, address),
        )
    suppressed = suppress(connection, address, now=now, source=source, reason=reason)
    if left and not suppressed:
        life.count_leaving(connection)
    return bool(left) or suppressed


def suppress(connection: Connection, address: str, *, now: int, source: str, reason: Reason) -> bool:
    """Put a canonical address on the list of those that get nothing. False when it was there, for as good a reason."""
    changed = connection.execute(SUPPRESS, (address, reason.value, now, source)).rowcount > 0
    if changed:
        life.count_leaving(connection)
    return changed


def _chosen(dialect: Dialect, rule: Rule, status: Status | None, language: str) -> tuple[str, tuple[Any, ...]]:
    inside = segments.condition(rule, language=language, dialect=dialect)
    if status is None:
        return inside.sql, inside.parameters
    return f"s.status = ? AND {inside.sql}", (status.value, *inside.parameters)


_WHY = {
    Reason.UNSUBSCRIBED: "has left the list on {day}: only the person can come back",
    Reason.COMPLAINED: "called a message spam on {day}: only the person can come back",
    Reason.BOUNCED: "is suppressed since {day}: messages to it came back",
    Reason.MANUAL: "is suppressed since {day}, by hand",
}


def _why_not(email: str, suppression: Suppression) -> Problem:
    told = _WHY[suppression.reason].format(day=f"{suppression.since:%Y-%m-%d}")
    return Problem(f"{email} {told}", fix=f"see: newsletter subscribers show {email}")


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_row(row: tuple[Any, ...]) -> Subscriber:
    """The subscriber in a row of COLUMNS."""
    return Subscriber(
        id=row[0],
        email=row[1],
        first_name=row[2],
        last_name=row[3],
        name=row[4],
        language=row[5],
        status=Status(row[6]),
        tags=tuple(json.loads(row[7])) if row[7] != "[]" else (),
        fields=json.loads(row[8]) if row[8] != "{}" else {},
        joined=datetime.fromtimestamp(row[9], UTC) if row[9] else None,
        source=row[10],
        time_zone=row[11],
        paused_until=row[12],
        last_active=row[13],
    )


@lru_cache(10_000)
def tags_text(tags: tuple[str, ...]) -> str:
    """Tags as they are stored."""
    return json.dumps(tags, ensure_ascii=False)


def fields_text(fields: Mapping[str, str]) -> str:
    """Fields as they are stored. What json.dumps would write, at a third of the time: a list may have a million."""
    return (
        f"{{{', '.join([f'{encode_basestring(name)}: {encode_basestring(text)}' for name, text in fields.items()])}}}"
    )


def remember_fields(connection: Connection, names: Iterable[str]) -> None:
    """Put names on record for `field_names`, which would have to read every row otherwise."""
    connection.executemany(
        "INSERT INTO meta (name) VALUES (?) ON CONFLICT DO NOTHING", [(f"field:{name}",) for name in names]
    )
