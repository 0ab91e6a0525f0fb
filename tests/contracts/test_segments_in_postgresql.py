"""The tables and the segments' conditions in PostgreSQL, held against SQLite, where a server is named.

NEWSLETTER_TEST_POSTGRESQL="host=/tmp/pg dbname=postgres" pytest tests/contracts/test_segments_in_postgresql.py
"""

from __future__ import annotations

import os
import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.segment import parse
from newsletter.store.database import open_database
from newsletter.store.dialects import POSTGRESQL
from newsletter.store.schema import metadata
from newsletter.store.segments import condition
from newsletter.store.subscribers import Subscribers
from tests.contracts.test_segments_in_sql import FIELDS, HISTORY, NOW, PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVER = os.environ.get("NEWSLETTER_TEST_POSTGRESQL", "")
pytestmark = pytest.mark.skipif(not SERVER, reason="NEWSLETTER_TEST_POSTGRESQL names no server")

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
    with open_database("sqlite://") as database:
        people = Subscribers(database)
        for person in PEOPLE:
            people.add(person, NOW)
        with database.transaction() as connection:
            for statement in HISTORY:
                connection.execute(statement)
        yield people


@pytest.fixture(scope="module")
def postgresql(sqlite: Subscribers) -> Iterator[None]:
    """The same list in the tables that the program would make there."""
    from sqlalchemy import create_mock_engine
    from sqlalchemy.dialects.postgresql import dialect

    statements: list[str] = ["CREATE SCHEMA segments", "SET search_path = segments"]

    def say(sql: Any, *_: Any, **__: Any) -> None:
        spoken = dialect()  # type: ignore[no-untyped-call]
        statements.append(str(sql.compile(dialect=spoken)))

    engine = create_mock_engine("postgresql://", say)
    metadata.create_all(engine, checkfirst=False)
    with sqlite.database.reading() as connection:
        for table in ("subscribers", "suppressions", "editions", "mailings", "deliveries", "events"):
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            names = ", ".join(column.name for column in metadata.tables[table].columns)
            statements += [f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(quoted, row))})" for row in rows]
    psql(statements)
    yield
    psql(["DROP SCHEMA segments CASCADE"])


def psql(statements: Sequence[str]) -> list[str]:
    done = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", SERVER],
        input="".join(f"{statement};\n" for statement in statements), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def quoted(value: Any) -> str:
    if isinstance(value, str):
        return "'{}'".format(value.replace("'", "''"))
    return "NULL" if value is None else str(value)


def found_in_both(sqlite: Subscribers, rule: str) -> tuple[list[str], list[str]]:
    tree = parse(rule, sqlite.vocabulary(FIELDS, now=NOW))
    chosen = condition(tree, language="fr", dialect=POSTGRESQL)
    parts = chosen.sql.split("?")
    assert len(parts) == len(chosen.parameters) + 1
    where = "".join(part + quoted(value) for part, value in zip(parts, chosen.parameters, strict=False)) + parts[-1]
    there = psql(["SET search_path = segments", f"SELECT s.email FROM subscribers s WHERE {where} ORDER BY s.id"])
    return [person.email for person, _ in sqlite.iterate(tree, language="fr")], there


@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize("rule", CONDITIONS)
def test_a_condition_means_the_same_people_in_both(sqlite: Subscribers, rule: str) -> None:
    for text in (rule, f"not ({rule})"):
        here, there = found_in_both(sqlite, text)
        assert here == there


@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize("seed", range(20))
def test_conditions_joined_at_random_mean_the_same_people_in_both(sqlite: Subscribers, seed: int) -> None:
    chance = random.Random(seed)
    rule = chance.choice(CONDITIONS)
    for _ in range(5):
        rule = f"({rule}) {chance.choice(('and', 'or', 'and not', 'or not'))} {chance.choice(CONDITIONS)}"
    here, there = found_in_both(sqlite, rule)
    assert here == there


@pytest.mark.usefixtures("postgresql")
def test_a_consent_is_never_changed_there_either() -> None:
    psql(["SET search_path = segments", "INSERT INTO consents (words) VALUES ('yes')"])
    with pytest.raises(AssertionError, match="a consent is never changed"):
        psql(["SET search_path = segments", "UPDATE consents SET words = 'no'"])
