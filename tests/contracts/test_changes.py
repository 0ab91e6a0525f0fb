"""What people do with their entry, and what stays of an address when its owner is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.delivery import State
from newsletter.store import changes
from newsletter.store.leases import Worker, join
from newsletter.store.ledger import claim
from newsletter.store.mailings import tally_of, undelivered
from newsletter.store.seals import known_seal, seal, sealed_among
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber
from newsletter.suppression import Reason
from tests.support.sending import plan
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.mailing import Mailing
    from newsletter.store.leases import Lease

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
ANA = Subscriber("Ana@example.org", first_name="Ana", language="fr", tags=("member",), fields={"city": "Nantes"})


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with new_store() as database:
        yield Subscribers(database)


def planned(people: Subscribers, addresses: list[str]) -> tuple[Mailing, Lease]:
    """A mailing to these, and the right to send it."""
    for address in addresses:
        people.add(Subscriber(address), NOW)
    mailing = plan(people.database)
    return mailing, join(people.database, mailing.id, Worker("here", "", 1), NOW, lambda _: True)


def test_what_a_person_changes_is_stored_and_told_by_name_alone(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    now = NOW + 60
    told = ana._replace(language="en", fields={"city": "Rennes", "team": "Blue"}, paused_until=NOW + 9999)
    with people.database.transaction() as connection:
        assert changes.change_entry(connection, told, now=now, source="preferences") == (
            "language",
            "paused_until",
            "fields.city",
            "fields.team",
        )
    assert people.by_id(ana.id) == told._replace(last_active=now)
    (change,) = changes.of(people.database, ana.id)
    assert change.what == "language, paused_until, fields.city, fields.team"
    assert "Rennes" not in repr(change)
    assert people.field_names() >= {"team"}


def test_to_say_the_same_again_is_a_sign_of_life_and_no_change(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    with people.database.transaction() as connection:
        assert changes.change_entry(connection, ana, now=NOW + 60, source="preferences") == ()
    assert changes.of(people.database, ana.id) == []
    assert people.by_id(ana.id) == ana._replace(last_active=NOW + 60)


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
        with new_store() as database, database.transaction() as connection:
            seals.add(seal(connection, "ana@example.org"))
    assert len(seals) == 2


def test_a_sealed_address_gets_nothing_even_if_it_came_onto_the_list_past_the_seal(people: Subscribers) -> None:
    mailing, lease = planned(people, ["ana@example.org", "bo@example.org"])
    with people.database.transaction() as connection:
        sealed = seal(connection, "ana@example.org")
        connection.execute("INSERT INTO suppressions VALUES (?, 'unsubscribed', ?, 'forgotten')", (sealed, NOW))
    assert [each.email for each in claim(people.database, lease, 10, NOW)] == ["bo@example.org"]
    assert tally_of(people.database, mailing.id).skipped == 1


def test_who_pauses_is_skipped_at_the_claim_and_the_ledger_says_why(people: Subscribers) -> None:
    mailing, lease = planned(people, ["ana@example.org", "bo@example.org"])
    ana = people.get("ana@example.org")
    assert ana is not None
    with people.database.transaction() as connection:
        changes.change_entry(connection, ana._replace(paused_until=NOW + 1), now=NOW, source="preferences")
    assert [each.email for each in claim(people.database, lease, 10, NOW)] == ["bo@example.org"]
    (skipped,) = [each for each in undelivered(people.database, mailing.id) if each.state is State.SKIPPED]
    assert (skipped.email, skipped.reply) == ("ana@example.org", "paused")
