"""Consents on record: written once, read in order. Nothing changes one; only `forget` and `expire` take any away.

record            one, in the transaction in which the person is stored
record_imported   those of a whole batch of an import, by address
imported_of       what earlier imports have recorded of some
of                all of a person's
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.consent import Consent, How

if TYPE_CHECKING:
    from collections.abc import Iterable

    from newsletter.store.database import Connection, Database

_COLUMNS = "subscriber_id, at, how, source, page, words, language, confirmed_at, network"
_INSERT = f"INSERT INTO consents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  (constant columns)

# The person's number is not known while a batch is being stored: the address finds it, by its unique index.
_INSERT_BY_ADDRESS = (
    f"INSERT INTO consents ({_COLUMNS}) "  # noqa: S608  (constant columns)
    "SELECT s.id, ?, ?, ?, ?, ?, ?, ?, ? FROM subscribers s WHERE s.canonical = ?"
)


def record(connection: Connection, consent: Consent) -> None:
    """Put one consent on record, inside a transaction that is under way."""
    record_many(connection, (consent,))


def record_many(connection: Connection, consents: Iterable[Consent]) -> None:
    """Put consents on record, inside a transaction that is under way."""
    connection.executemany(_INSERT, map(_row, consents))


def record_imported(
    connection: Connection,
    people: Iterable[tuple[str, int, int, str]],
    *,
    source: str,
    page: str = "",
    words: str = "",
    language: str = "",
) -> None:
    """Put on record what a list says of those who were just imported, inside the transaction that stores them.

    Each is a canonical address; when the person agreed, and when they confirmed (0: not known), both in UTC seconds;
    and the network, "" where none is kept.
    `page` says where and when they agreed, in the words of whoever imports. An address that is not stored is passed by.
    """
    how = How.IMPORT.value
    connection.executemany(
        _INSERT_BY_ADDRESS,
        (
            (at, how, source, page, words, language, confirmed, network, address)
            for address, at, confirmed, network in people
        ),
    )


def imported_of(connection: Connection, subscribers: Iterable[int]) -> set[tuple[int, int, str]]:
    """What earlier lists said of these people, inside a transaction: number, when they agreed, how that is known."""
    say = connection.dialect
    return set(
        connection.execute(
            "SELECT c.subscriber_id, c.at, c.page "  # noqa: S608  (our own words)
            f"FROM {say.listed.format('bigint')} JOIN consents c ON c.subscriber_id = item.value WHERE c.how = ?",
            (say.lists(list(subscribers)), How.IMPORT.value),
        )
    )


def of(database: Database, subscriber: int) -> list[Consent]:
    """The consents of the person with this number, in the order in which they came."""
    with database.reading() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS}, id FROM consents WHERE subscriber_id = ? ORDER BY id",  # noqa: S608  (constant columns)
            (subscriber,),
        ).fetchall()
    return [
        Consent(
            subscriber=number,
            at=datetime.fromtimestamp(at, UTC),
            how=How(how),
            source=source,
            page=page,
            words=words,
            language=language,
            confirmed_at=datetime.fromtimestamp(confirmed, UTC) if confirmed else None,
            network=network,
            id=key,
        )
        for number, at, how, source, page, words, language, confirmed, network, key in rows
    ]


def _row(consent: Consent) -> tuple[int | str, ...]:
    return (
        consent.subscriber,
        int(consent.at.timestamp()),
        consent.how.value,
        consent.source,
        consent.page,
        consent.words,
        consent.language,
        int(consent.confirmed_at.timestamp()) if consent.confirmed_at else 0,
        consent.network,
    )
