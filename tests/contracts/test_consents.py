"""What people agreed to: kept in order, and never changed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from newsletter.consent import Consent, How, proof
from newsletter.store import consents
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Subscriber
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database

CHANGED = (sqlite3.IntegrityError, psycopg.errors.RaiseException)
DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = int(DAY.timestamp())
WISH = Consent(
    subscriber=1,
    at=DAY,
    how=How.DOUBLE_OPT_IN,
    source="form",
    page="https://lettre.example.org/subscribe",
    words="Oui, écrivez-moi une fois par mois.",
    language="fr",
)


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


def test_a_consent_comes_back_as_it_was_recorded(database: Database) -> None:
    confirmed = replace(WISH, confirmed_at=DAY + timedelta(minutes=3), network="192.0.2.0")
    with database.transaction() as connection:
        consents.record(connection, WISH)
        consents.record(connection, confirmed)
        consents.record(connection, replace(WISH, subscriber=2))
    assert [replace(each, id=0) for each in consents.of(database, 1)] == [WISH, confirmed]


def test_an_import_records_by_address_what_the_list_says(database: Database) -> None:
    ana = Subscribers(database).add(Subscriber("Ana@example.org"), NOW)
    people = [("ana@example.org", NOW - 86_400, NOW, "192.0.2.0/24"), ("nobody@example.org", NOW, 0, "")]
    with database.transaction() as connection:
        consents.record_imported(connection, people, source="import:fair.csv", page="at the fair in Nantes, 2026-06")
    (found,) = consents.of(database, ana.id)
    assert (found.how, found.source, found.page) == (How.IMPORT, "import:fair.csv", "at the fair in Nantes, 2026-06")
    assert (found.at, found.confirmed_at) == (DAY - timedelta(days=1), DAY)


def test_a_consent_is_never_changed(database: Database) -> None:
    with database.transaction() as connection:
        consents.record(connection, WISH)
    with pytest.raises(CHANGED, match="never changed"), database.transaction() as connection:
        connection.execute("UPDATE consents SET words = 'I agree to everything'")
    assert consents.of(database, 1)[0].words == WISH.words


@pytest.mark.parametrize(
    ("how", "confirmed", "is_proof"),
    [
        (How.DOUBLE_OPT_IN, None, False),
        (How.DOUBLE_OPT_IN, DAY, True),
        (How.SINGLE, None, True),
        (How.IMPORT, None, True),
        (How.COMMAND_LINE, None, True),
    ],
)
def test_a_wish_by_a_form_proves_nothing_until_it_is_confirmed(
    how: How, confirmed: datetime | None, is_proof: bool
) -> None:
    assert replace(WISH, how=how, confirmed_at=confirmed).is_proof is is_proof


def test_the_proof_is_the_latest_yes() -> None:
    first = replace(WISH, confirmed_at=DAY)
    later = replace(WISH, at=DAY + timedelta(days=1))
    last = replace(later, confirmed_at=DAY + timedelta(days=2))
    assert proof([last, first, later]) == last
    assert proof([first, later]) == first
    assert proof([later]) is None
