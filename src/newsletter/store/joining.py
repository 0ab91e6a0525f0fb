"""Joining, as the database sees it: who an address belongs to, a new entry, a token used up. Inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.store.seals import known_seal
from newsletter.store.subscribers import COLUMNS, fields_text, read_row, remember_fields, tags_text
from newsletter.subscriber import Status, canonical
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from newsletter.store.database import Connection
    from newsletter.subscriber import Subscriber

_INSERT = """
    INSERT INTO subscribers (email, canonical, first_name, last_name, name, language, status, tags, fields, joined,
                             source, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the list knows of an address."""

    person: Subscriber | None
    suppressed: Reason | None  # also when the person was forgotten

    @property
    def is_reader(self) -> bool:
        """Whether issues go there today, or would but for a pause."""
        return self.person is not None and self.person.status is Status.ACTIVE and self.suppressed is None


def standing_of(connection: Connection, email: str) -> Standing:
    """What the list knows of an address."""
    address = canonical(email)
    row = connection.execute(f"SELECT {COLUMNS} FROM subscribers WHERE canonical = ?", (address,)).fetchone()  # noqa: S608  (constant columns)
    return _standing(connection, row, address)


def standing_of_number(connection: Connection, number: int) -> Standing:
    """The same for the person with a number."""
    row = connection.execute(f"SELECT {COLUMNS} FROM subscribers WHERE id = ?", (number,)).fetchone()  # noqa: S608  (constant columns)
    return _standing(connection, row, canonical(row[1])) if row else Standing(None, None)


def _standing(connection: Connection, row: tuple[object, ...] | None, address: str) -> Standing:
    forms = (address, known_seal(connection, address) or address)
    reasons = {
        Reason(reason)
        for (reason,) in connection.execute("SELECT reason FROM suppressions WHERE address IN (?, ?)", forms)
    }
    weightiest = Reason.MANUAL if Reason.MANUAL in reasons else next(iter(reasons), None)
    return Standing(read_row(row) if row else None, weightiest)


def insert(connection: Connection, person: Subscriber, now: int) -> int:
    """Put somebody on the list who is not on it; the number."""
    joined = int(person.joined.timestamp()) if person.joined else now
    (number,) = connection.execute(
        _INSERT,
        (
            person.email,
            canonical(person.email),
            person.first_name,
            person.last_name,
            person.name,
            person.language,
            person.status.value,
            tags_text(person.tags),
            fields_text(person.fields),
            joined,
            person.source,
            now,
            now,
        ),
    ).fetchone()
    remember_fields(connection, person.fields)
    return int(number)


def left_since(connection: Connection, notice: int) -> bool:
    """Whether the person to whom a notice went has left since: whatever it asked for is over."""
    row = connection.execute(
        """
        SELECT EXISTS (SELECT 1 FROM changes c WHERE c.subscriber_id = s.id AND c.what = 'left' AND c.at > n.created_at)
            OR EXISTS (SELECT 1 FROM suppressions x WHERE x.address = s.canonical AND x.since > n.created_at
                       AND x.reason IN ('unsubscribed', 'complained'))
        FROM notices n JOIN subscribers s ON s.id = n.subscriber_id WHERE n.id = ?
        """,
        (notice,),
    ).fetchone()
    return bool(row and row[0])


def use_up(connection: Connection, token: str, until: int) -> bool:
    """Let a token be used, which is possible once; False when it was. Only its digest is kept."""
    digest = sha256(token.encode()).hexdigest()
    return (
        connection.execute(
            "INSERT INTO used_tokens (digest, until) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, until)
        ).rowcount
        > 0
    )


def address_of(connection: Connection, number: int) -> str | None:
    """The canonical address of the person with a number; None when the person is gone."""
    row = connection.execute("SELECT canonical FROM subscribers WHERE id = ?", (number,)).fetchone()
    return row and str(row[0])


def keep_departure(connection: Connection, mailing: int, reason: str, now: int) -> None:
    """Put on record that somebody left, and why; not who."""
    connection.execute("INSERT INTO departures (at, mailing_id, reason) VALUES (?, ?, ?)", (now, mailing, reason))
