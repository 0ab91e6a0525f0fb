"""What is known of an audience before an issue goes out to it: who lacks what is printed, and the longest of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.manuscript import Audience
from newsletter.store.acquaintance import acquaintance
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Subscriber
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database

NOW = 1_795_248_000
PEOPLE = (
    Subscriber("zoe@example.org", "Zoé", language="fr", fields={"city": "Nantes"}),
    Subscriber("bo@example.com", "Bo", fields={"city": ""}),
    Subscriber("maximilian@example.org", "Maximilian"),
    Subscriber("left@example.org", "Somebody who has left since"),
)


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        people = Subscribers(database)
        for person in PEOPLE:
            people.add(person, NOW)
        people.unsubscribe("left@example.org", now=NOW, source="test")
        yield database


def test_of_each_field_that_is_printed_it_is_known_who_lacks_it_and_which_is_the_longest(database: Database) -> None:
    printed = {"first_name": 3, "fields.city": 5, "last_name": 8, "email": 9}
    assert acquaintance(database, printed, now=NOW) == Audience(
        3,
        {"first_name": 0, "fields.city": 2, "last_name": 3},
        printed,
        {"first_name": "Maximilian", "fields.city": "Nantes", "last_name": ""},
        {"example.org": 2, "example.com": 1},
    )


def test_of_an_empty_list_there_is_nothing_to_know(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM subscribers")
    assert acquaintance(database, {"first_name": 3}, now=NOW) == Audience(
        0, {"first_name": 0}, {"first_name": 3}, {"first_name": ""}, {}
    )
