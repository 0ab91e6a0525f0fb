"""A segment's rule said in SQL, held against the same rule in Python."""

from __future__ import annotations

import operator
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.audience import (
    STATES,
    Amount,
    And,
    Between,
    Bounced,
    Contains,
    Everybody,
    Has,
    InState,
    Not,
    OneOf,
    Or,
    Received,
    Rule,
    Tagged,
)
from newsletter.delivery import State
from newsletter.field import Field, Kind
from newsletter.store.segments import condition
from newsletter.store.subscribers import Subscribers, fields_text, tags_text
from newsletter.subscriber import Status, Subscriber
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
DAY = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"children": Field("children", Kind.NUMBER), "born": Field("born", Kind.DATE)}

ANA = Subscriber(
    "Ana@example.org",
    "Ana",
    "Pérez",
    language="fr",
    tags=("volunteer",),
    joined=DAY,
    fields={"city": "Nantes", "children": "2"},
    time_zone="Europe/Paris",
)
BO = Subscriber(
    "bo@example.com",
    "Bo",
    language="en-GB",
    tags=("Board member", "volunteer"),
    fields={"city": "ÉVIAN", "children": "10"},
)
CHLOÉ = Subscriber("chloe@example.org", "Chloé", joined=datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))
DJ = Subscriber("dj@example.org", name="DJ \"Robert'); DROP TABLE subscribers;--", fields={"born": "1980-05-06"})
EVE = Subscriber(
    "eve@example.com", status=Status.PENDING, fields={"children": "-2.5", "city": "1e5"}, paused_until=NOW,
    last_active=int(datetime(2026, 1, 2, 3, tzinfo=UTC).timestamp()), joined=datetime(2024, 5, 6, tzinfo=UTC),
)  # fmt: skip
FAY = Subscriber("fay@example.com", fields={"children": "two", "city": "1.5.2"}, paused_until=NOW + 1)
PEOPLE = [ANA, BO, CHLOÉ, DJ, EVE, FAY]
SUPPRESSED = {"fay@example.com"}
CAME_BACK = {"bo@example.com"}


# In words of SQL that every database knows.
HISTORY = [
    *(f"UPDATE subscribers SET paused_until = {p.paused_until}, last_active_at = {p.last_active} "
      f"WHERE email = '{p.email}'" for p in PEOPLE),
    *(f"INSERT INTO suppressions VALUES ('{email}', 'bounced', 0, '')" for email in SUPPRESSED),
    "INSERT INTO editions VALUES ('f', '{}')",
    "INSERT INTO mailings (id, issue, fingerprint, planned_at) VALUES (1, '2026-10-hello', 'f', 7)",
    f"INSERT INTO deliveries (mailing_id, subscriber_id, state) VALUES (1, 1, {State.ACCEPTED.value})",
    f"INSERT INTO deliveries (mailing_id, subscriber_id, state) VALUES (1, 2, {State.REJECTED.value})",
    "INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id) VALUES ('a', 'bounced', 'hard', 1, 2)",
    "INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id) VALUES ('b', 'bounced', 'block', 1, 1)",
    "INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id) VALUES ('c', 'complained', '', 1, 3)",
]  # fmt: skip


@pytest.fixture(scope="module")
def filled() -> Iterator[Subscribers]:
    with new_store() as database:
        people = Subscribers(database)
        for person in PEOPLE:
            people.add(person, NOW)
        with database.transaction() as connection:
            for statement in HISTORY:
                connection.execute(statement)
        yield people


def names(people: Subscribers, rule: Rule) -> list[str]:
    return [person.email.partition("@")[0] for person, _ in people.iterate(rule)]


TEXTS = st.sampled_from(
    ["nantes", "Évian", "", "ana", "bo@example.com", "volunteer", "example", "fr", "en", "1980-05-06"]
)
DAYS = st.none() | st.sampled_from([date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2), date(1980, 5, 6)])
NAMES = st.sampled_from(["email", "first_name", "name", "language", "time_zone", "city", "born"])
COMPARE = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
LEAVES: st.SearchStrategy[Rule] = st.one_of(
    st.just(Everybody()),
    st.builds(Tagged, st.tuples(TEXTS)),
    st.builds(OneOf, NAMES, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.builds(Contains, NAMES, TEXTS),
    st.builds(Between, st.sampled_from(["joined", "last_active", "born"]), DAYS, DAYS),
    st.builds(Has, st.one_of(NAMES, st.just("tag"), st.just("joined"))),
    st.builds(Received, st.sampled_from(["2026-10-hello", "2026-11-none"])),
    st.builds(Bounced, st.sampled_from(["", "2026-10-hello", "2026-11-none"])),
    st.builds(InState, st.sampled_from(STATES), st.sampled_from([NOW - 1, NOW, NOW + 1])),
    st.builds(
        Amount,
        st.sampled_from(["city", "children"]),
        st.sampled_from([*COMPARE]),
        st.sampled_from([-1.0, 0.0, 2.0, 2.5, 10.0, 1e300]),
    ),
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def means(rule: Rule, person: Subscriber, newsletter: str = "") -> bool:
    """The same language in Python, as the truth that the SQL is held against."""

    def text(name: str) -> str:
        return str(getattr(person, name, None) or person.fields.get(name, ""))

    match rule:
        case Everybody():
            return True
        case Tagged(tags):
            return any(tag.casefold() == own.casefold() for tag in tags for own in person.tags)
        case OneOf("language", values):
            spoken = (text("language") or newsletter).casefold()
            return any(spoken == value.casefold() or spoken.startswith(value.casefold() + "-") for value in values)
        case OneOf(name, values):
            return text(name).casefold() in [value.casefold() for value in values]
        case Contains(name, value):
            return value.casefold() in text(name).casefold()
        case Between("joined" | "last_active" as name, first, last):
            day = (person.joined or datetime.fromtimestamp(NOW, UTC)).date()
            if name == "last_active" and person.last_active:
                day = max(day, datetime.fromtimestamp(person.last_active, UTC).date())
            return (first is None or first <= day) and (last is None or day <= last)
        case Between(name, first, last):
            if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text(name)):
                return False
            day = date.fromisoformat(text(name)[:10])
            return (first is None or first <= day) and (last is None or day <= last)
        case Has("tag"):
            return bool(person.tags)
        case Has("joined"):
            return True
        case Has(name):
            return bool(text(name))
        case Not(inner):
            return not means(inner, person, newsletter)
        case And(rules):
            return all(means(inner, person, newsletter) for inner in rules)
        case Or(rules):
            return any(means(inner, person, newsletter) for inner in rules)
        case Received(issue):
            return person is ANA and issue == "2026-10-hello"
        case Amount(name, sign, number):
            known = re.fullmatch(r"-?[0-9]+([.][0-9]+)?", text(name)) and len(text(name)) <= 30
            return bool(known) and COMPARE[sign](float(text(name)), number)
        case InState("paused", now):
            return person.paused_until > now
        case InState("suppressed", _):
            return person.email in SUPPRESSED
        case InState(state, _):
            return person.status.value == state
        case Bounced(issue):
            return person.email in CAME_BACK and issue in ("", "2026-10-hello")


@given(RULES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sql_of_a_rule_means_what_the_rule_means(filled: Subscribers, rule: Rule) -> None:
    assert names(filled, rule) == [p.email.partition("@")[0] for p in PEOPLE if means(rule, p)]


WORDS = st.sampled_from(
    ["nantes", "NANTES", "Évian", "évian", "", "1980-05-06", "2", "10", "-2.5", "1e5", "two", "%", "'"]
)
MOMENTS = st.sampled_from([0, NOW - 1, NOW, NOW + 1, int(DAY.timestamp()) - 1, int(DAY.timestamp())])
SOMEBODY = st.builds(
    Subscriber,
    email=st.uuids().map(lambda number: f"{number}@example.org"),
    first_name=WORDS,
    name=WORDS,
    language=st.sampled_from(["", "fr", "fr-CA", "en", "EN-gb"]),
    time_zone=st.sampled_from(["", "Europe/Paris"]),
    status=st.sampled_from(Status),
    tags=st.lists(WORDS.filter(bool), max_size=2, unique=True).map(tuple),
    joined=st.sampled_from([DAY, DAY - timedelta(seconds=1), datetime(2019, 2, 28, tzinfo=UTC)]),
    fields=st.dictionaries(st.sampled_from(["city", "born", "children"]), WORDS),
    paused_until=MOMENTS,
    last_active=MOMENTS,
)


@given(RULES, st.lists(SOMEBODY, max_size=4, unique_by=lambda person: person.email), st.sampled_from(["fr", "en"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_for_any_people_the_sql_of_a_rule_means_what_the_rule_means(
    filled: Subscribers, rule: Rule, people: list[Subscriber], language: str
) -> None:
    chosen = condition(rule, language=language, dialect=filled.database.dialect)
    with filled.database.transaction() as connection:
        connection.execute("SAVEPOINT people")
        for number, person in enumerate(people, start=100):
            connection.execute(
                "INSERT INTO subscribers (id, email, canonical, first_name, name, language, time_zone, status, tags, "
                "fields, joined, paused_until, last_active_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number, person.email, person.email, person.first_name, person.name, person.language,
                    person.time_zone, person.status.value, tags_text(person.tags), fields_text(person.fields),
                    int(person.joined.timestamp()) if person.joined else 0, person.paused_until, person.last_active,
                ),
            )  # fmt: skip
        rows = connection.execute(
            f"SELECT s.email FROM subscribers s WHERE s.id >= 100 AND {chosen.sql} ORDER BY s.id", chosen.parameters
        ).fetchall()
        connection.execute("ROLLBACK TO people")
    assert [email for (email,) in rows] == [each.email for each in people if means(rule, each, language)]
