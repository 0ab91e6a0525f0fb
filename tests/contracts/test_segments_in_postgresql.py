"""The segments' conditions in PostgreSQL, held against SQLite over the same list."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from newsletter.segment import parse
from newsletter.store.database import open_database
from newsletter.store.subscribers import Subscribers
from tests.contracts.test_segments_in_sql import FIELDS, HISTORY, NOW, PEOPLE
from tests.support.postgresql import empty_list

if TYPE_CHECKING:
    from collections.abc import Iterator

CONDITIONS = [
    "all", "tag:volunteer", "tag in (nobody, VOLUNTEER)", "has tag", "tag is empty", "city = nantes", "city = évian",
    'city = ""', "has city", "city contains VI", "first_name contains É", "email contains @example.org",
    'email contains "%"', "name = «DJ \"Robert'); DROP TABLE subscribers;--»", "language = en", "language = en_GB",
    "language = fr", "time_zone = europe/paris", "joined before 2026-01-01", "joined = 2026-01-01",
    "joined in the last 3 years", "last_active after 2026-01-01", "last_active not in the last 2 months",
    "born before 1980-05-07", "born = 1980-05-06", "children = 2", "children > 2", "children <= 2", "children < -2",
     "pending", "active", "suppressed", "paused", "status in (pending, paused)", "bounced",
    'bounced "2026-10-hello"', 'received "2026-10-hello"', "source contains x",
]  # fmt: skip


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Subscribers]:
    yield from filled("sqlite://")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Subscribers]:
    with empty_list() as url:
        yield from filled(url)


def filled(url: str) -> Iterator[Subscribers]:
    with open_database(url) as database:
        people = Subscribers(database)
        for person in PEOPLE:
            people.add(person, NOW)
        with database.transaction() as connection:
            for statement in HISTORY:
                connection.execute(statement)
        yield people


def found(people: Subscribers, rule: str) -> list[str]:
    tree = parse(rule, people.vocabulary(FIELDS, now=NOW))
    return [person.email for person, _ in people.iterate(tree, language="fr")]


@pytest.mark.parametrize("rule", CONDITIONS)
def test_a_condition_means_the_same_people_in_both(sqlite: Subscribers, postgresql: Subscribers, rule: str) -> None:
    for text in (rule, f"not ({rule})"):
        assert found(sqlite, text) == found(postgresql, text)


@pytest.mark.parametrize("seed", range(20))
def test_conditions_joined_at_random_mean_the_same_people_in_both(
    sqlite: Subscribers, postgresql: Subscribers, seed: int
) -> None:
    chance = random.Random(seed)
    rule = chance.choice(CONDITIONS)
    for _ in range(5):
        rule = f"({rule}) {chance.choice(('and', 'or', 'and not', 'or not'))} {chance.choice(CONDITIONS)}"
    assert found(sqlite, rule) == found(postgresql, rule)
