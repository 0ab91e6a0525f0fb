"""What people do with their entry, and what stays of an address when its owner is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.store import changes
from newsletter.store.database import open_database
from newsletter.store.seals import known_seal, seal, sealed_among
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
ANA = Subscriber("Ana@example.org", first_name="Ana", language="fr", tags=("member",), fields={"city": "Nantes"})


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with open_database("sqlite://") as database:
        yield Subscribers(database)


def test_what_a_person_changes_is_stored_and_told_by_name_alone(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    now = NOW + 60
    told = replace(ana, language="en", fields={"city": "Rennes", "team": "Blue"}, paused_until=NOW + 9999)
    with people.database.transaction() as connection:
        assert changes.change_entry(connection, told, now=now, source="preferences") == (
            "language",
            "paused_until",
            "fields.city",
            "fields.team",
        )
    assert people.by_id(ana.id) == replace(told, last_active=now)
    (change,) = changes.of(people.database, ana.id)
    assert change.what == "language, paused_until, fields.city, fields.team"
    assert "Rennes" not in repr(change)
    assert people.field_names() >= {"team"}


def test_to_say_the_same_again_is_a_sign_of_life_and_no_change(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    with people.database.transaction() as connection:
        assert changes.change_entry(connection, ana, now=NOW + 60, source="preferences") == ()
    assert changes.of(people.database, ana.id) == []
    assert people.by_id(ana.id) == replace(ana, last_active=NOW + 60)


def test_leaving_is_on_record_once(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    for _ in range(2):
        people.unsubscribe("ANA@example.org", now=NOW + 5, source="one-click")
    assert [(each.what, each.source) for each in changes.of(people.database, ana.id)] == [("left", "one-click")]


@pytest.mark.parametrize("reason", [Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.BOUNCED])
def test_who_confirms_from_the_mailbox_comes_back_whatever_was_before(people: Subscribers, reason: Reason) -> None:
    ana = people.add(ANA, NOW)
    people.unsubscribe(ana.email, now=NOW, source="", reason=reason)
    with people.database.transaction() as connection:
        assert changes.confirm(connection, ana.id, now=NOW + 60, source="form")
    again = people.by_id(ana.id)
    assert again is not None
    assert (again.status, again.last_active) == (Status.ACTIVE, NOW + 60)
    assert people.suppression(ana.email) is None
    assert [each.what for each in changes.of(people.database, ana.id)] == ["left", "came back"]


def test_whom_the_author_has_blocked_stays_out(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    people.unsubscribe(ana.email, now=NOW, source="", reason=Reason.MANUAL)
    with people.database.transaction() as connection:
        assert not changes.confirm(connection, ana.id, now=NOW, source="form")
    assert people.suppression(ana.email) is not None


def test_a_sealed_address_is_known_again_and_says_nothing_of_itself(people: Subscribers) -> None:
    with people.database.transaction() as connection:
        assert known_seal(connection, "ana@example.org") is None
        assert sealed_among(connection, ["ana@example.org"]) == {}
        sealed = seal(connection, "ana@example.org")
        assert sealed == seal(connection, "ana@example.org") == known_seal(connection, "ana@example.org")
        assert sealed != seal(connection, "bo@example.org")
        assert "ana" not in sealed
        assert "example" not in sealed
        connection.execute("INSERT INTO suppressions VALUES (?, 'unsubscribed', ?, 'forgotten')", (sealed, NOW))
        assert sealed_among(connection, ["bo@example.org", "ana@example.org"]) == {"ana@example.org": "unsubscribed"}
    suppression = people.suppression("Ana@example.org")
    assert suppression is not None
    assert suppression.address == "ana@example.org"


def test_many_addresses_are_compared_with_the_seals_in_pieces(people: Subscribers) -> None:
    many = [f"{number}@example.org" for number in range(2500)]
    with people.database.transaction() as connection:
        for address in many[::100]:
            connection.execute(
                "INSERT INTO suppressions VALUES (?, 'bounced', ?, '')", (seal(connection, address), NOW)
            )
        assert set(sealed_among(connection, many)) == set(many[::100])


def test_two_databases_seal_differently() -> None:
    seals = set()
    for _ in range(2):
        with open_database("sqlite://") as database, database.transaction() as connection:
            seals.add(seal(connection, "ana@example.org"))
    assert len(seals) == 2
