"""The list in the database: segments said in SQL, who joins, who leaves, and who is counted where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.audience import Audience, Has, OneOf, Rule
from newsletter.delivery import State
from newsletter.errors import ListError
from newsletter.segment import parse
from newsletter.store.segments import recipients
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber, canonical
from newsletter.suppression import Reason
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
DAY = datetime(2026, 1, 1, tzinfo=UTC)

ANA = Subscriber(
    "Ana@example.org", "Ana", "Pérez", language="fr", tags=("volunteer",), joined=DAY, fields={"city": "Nantes"}
)
BO = Subscriber("bo@example.com", "Bo", language="en-GB", tags=("Board member", "volunteer"), fields={"city": "ÉVIAN"})
CHLOÉ = Subscriber("chloe@example.org", "Chloé", joined=datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))
DJ = Subscriber("dj@example.org", name="DJ \"Robert'); DROP TABLE subscribers;--", fields={"born": "1980-05-06"})
PEOPLE = [ANA, BO, CHLOÉ, DJ]


@pytest.fixture(scope="module")
def filled() -> Iterator[Subscribers]:
    """A list that tests only read."""
    with new_store() as database:
        people = Subscribers(database)
        for person in PEOPLE:
            people.add(person, NOW)
        with database.transaction() as connection:
            connection.execute("INSERT INTO editions VALUES ('f', '{}')")
            connection.execute("INSERT INTO mailings (issue, fingerprint, planned_at) VALUES ('2026-10-hello', 'f', 7)")
            connection.executemany(
                "INSERT INTO deliveries (mailing_id, subscriber_id, state) VALUES (1, ?, ?)",
                [(1, State.ACCEPTED.value), (2, State.REJECTED.value)],
            )
        yield people


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with new_store() as database:
        yield Subscribers(database)


def names(people: Subscribers, rule: Rule, language: str = "") -> list[str]:
    return [person.email.partition("@")[0] for person, _ in people.iterate(rule, language=language)]


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("all", "Ana bo chloe dj"),
        ("tag:volunteer", "Ana bo"),
        ("tag:VOLUNTEER", "Ana bo"),
        ('tag:"board member"', "bo"),
        ("tag in (nobody, volunteer)", "Ana bo"),
        ("tag:volunt", ""),
        ("has tag", "Ana bo"),
        ("city = nantes", "Ana"),
        ("city = évian", "bo"),
        ("city = evian", ""),
        ("city != Nantes", "bo chloe dj"),
        ('city = ""', "chloe dj"),
        ("has city", "Ana bo"),
        ("not has city", "chloe dj"),
        ("city contains VI", "bo"),
        ("first_name = chloé", "chloe"),
        ("first_name contains É", "chloe"),
        ("email = ana@EXAMPLE.org", "Ana"),
        ("email contains @example.org", "Ana chloe dj"),
        ('email contains "%"', ""),
        ("joined before 2026-01-01", "chloe"),
        ("joined = 2026-01-01", "Ana"),
        ("joined after 2025-12-31", "Ana bo dj"),
        ("joined after 2026-01-01", "bo dj"),
        ("not joined after 2026-01-01", "Ana chloe"),
        ("born before 1980-05-06", ""),
        ("born before 1980-05-07", "dj"),
        ("born after 1980-05-05", "dj"),
        ("born after 1980-05-06", ""),
        ("city after 1000-01-01", ""),
        ("language = en", "bo"),
        ("language = en-gb", "bo"),
        ("language = en_GB", "bo"),
        ("language = e", ""),
        ("language = fr", "Ana"),
        ('received "2026-10-hello"', "Ana"),
        ("not received 2026-10-hello", "bo chloe dj"),
        ("tag:volunteer and not city = Nantes or born contains 1980", "bo dj"),
    ],
)
def test_a_segment_finds_whom_its_rule_means(filled: Subscribers, rule: str, found: str) -> None:
    assert names(filled, parse(rule, filled.vocabulary(now=NOW))) == found.split()


def test_who_named_no_language_reads_the_newsletters_own(filled: Subscribers) -> None:
    assert names(filled, parse("language = fr"), "fr") == ["Ana", "chloe", "dj"]
    assert names(filled, parse("not language = fr"), "fr") == ["bo"]


@pytest.mark.parametrize(
    "value",
    [
        "'",
        "''",
        '\\" or 1=1 --',
        "x' OR 'a'='a",
        "Robert'); DROP TABLE subscribers;--",
        "?",
        "%",
        "\\",
        "$.city",
        "\x00",
    ],
)
@pytest.mark.parametrize("rule", ["name = «{}»", "name contains «{}»", "tag:«{}»", "city in («{}»)", "received «{}»"])
def test_what_stands_in_quotes_is_only_data(filled: Subscribers, rule: str, value: str) -> None:
    found = names(filled, parse(rule.format(value.replace("\\", "\\\\"))))
    assert found == (["dj"] if rule == "name contains «{}»" and value in DJ.name else [])
    assert filled.count() == len(PEOPLE)


@pytest.mark.parametrize("key", ["'", '"', '"."', '$."city"', "city') = 'Nantes' OR ('1'='1", "?", "a\\"])
def test_the_name_of_a_field_is_only_data(people: Subscribers, key: str) -> None:
    people.add(Subscriber("a@example.org", fields={key: "x"}), NOW)
    people.add(Subscriber("b@example.org", fields={"city": "Nantes"}), NOW)
    assert names(people, OneOf(key, ("nantes",))) == []
    assert len(names(people, Has(key))) <= 1
    assert people.field_names() == {key, "city"}


# ── audiences ────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(people: Subscribers, sizes: dict[str, int]) -> None:
    for kind, number in sizes.items():
        for each in range(number):
            email = f"{kind}{each}@example.org"
            status = Status.PENDING if kind == "pending" else Status.ACTIVE
            people.add(Subscriber(email, status=status, tags=() if kind == "outside" else ("t",)), NOW)
            if kind == "unsubscribed":
                people.unsubscribe(email, now=NOW, source="test")
            if kind == "paused":
                with people.database.transaction() as connection:
                    connection.execute(
                        "UPDATE subscribers SET paused_until = ? WHERE canonical = ?", (NOW + 1 + each, email)
                    )
            if kind == "suppressed":
                with people.database.transaction() as connection:
                    connection.execute("INSERT INTO suppressions VALUES (?, 'bounced', 0, '')", (email,))


def test_everybody_is_a_recipient_or_left_out_for_one_reason(people: Subscribers) -> None:
    sizes = {"recipients": 5, "pending": 4, "unsubscribed": 3, "suppressed": 2, "outside": 1, "paused": 2}
    fill(people, sizes)
    rule = parse("tag:t")
    audience = people.audience(rule, now=NOW)
    assert audience == Audience(**sizes)
    assert audience.total == people.count() == 17
    chosen = recipients(rule, now=NOW, dialect=people.database.dialect)
    with people.database.reading() as connection:
        found = connection.execute(f"SELECT s.email FROM subscribers s WHERE {chosen.sql}", chosen.parameters)
        assert [email for (email,) in found] == [f"recipients{number}@example.org" for number in range(5)]
    assert people.audience(now=NOW).recipients == 6
    assert people.audience(now=NOW + 1).paused == 1, "the end of a pause is the moment from which messages come again"


def test_the_empty_list_has_an_audience_of_nobody(people: Subscribers) -> None:
    assert people.audience(now=NOW) == Audience()


@pytest.mark.parametrize(
    "rule",
    [
        " or ".join(f"not (city = «é» and tag:a{number} and language = x)" for number in range(115)),
        " and ".join(["not tag:a"] * 450),
        "not tag in (" + ", ".join(["a"] * 450) + ")",
        "not city in (" + ", ".join(["é"] * 450) + ")",
        "not language in (" + ", ".join(["x"] * 450) + ")",
        "not joined in (" + ", ".join(["2025-01-01"] * 450) + ")",
        " and ".join(["not tag:a"] * 200) + " and not tag in (" + ", ".join(["a"] * 250) + ")",
    ],
    ids=["conditions", "ands", "tags", "texts", "languages", "days", "both"],
)
def test_the_largest_rule_that_can_be_written_is_not_too_large_for_the_database(filled: Subscribers, rule: str) -> None:
    assert filled.count(parse("(" * 38 + rule + ")" * 38)) == len(PEOPLE)


# ── joining and leaving ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_comes_back_as_stored(people: Subscribers) -> None:
    added = people.add(ANA, NOW)
    assert added.id > 0
    assert people.get("ANA@example.org ") == added == people.by_id(added.id)
    assert added == Subscriber(
        "Ana@example.org", "Ana", "Pérez", language="fr", tags=("volunteer",), joined=DAY, fields={"city": "Nantes"},
        id=added.id,
    )  # fmt: skip
    assert people.get("bo@example.com") is None
    assert people.by_id(added.id + 1) is None


def test_who_is_on_the_list_is_not_added_a_second_time(people: Subscribers) -> None:
    people.add(ANA, NOW)
    with pytest.raises(ListError, match="is on the list already"):
        people.add(Subscriber("ANA@example.org"), NOW)
    assert people.count() == 1


def test_who_has_left_is_not_added_again(people: Subscribers) -> None:
    people.add(ANA, NOW)
    assert people.unsubscribe("ana@EXAMPLE.org", now=NOW, source="one-click")
    with pytest.raises(ListError, match="has left the list on 2026-11-21: only the person can come back"):
        people.add(ANA, NOW)
    assert people.get(ANA.email) is not None
    suppression = people.suppression(ANA.email)
    assert suppression is not None
    assert (suppression.address, suppression.reason, suppression.source) == (
        canonical(ANA.email),
        Reason.UNSUBSCRIBED,
        "one-click",
    )


def test_leaving_twice_changes_nothing(people: Subscribers) -> None:
    people.add(ANA, NOW)
    assert people.unsubscribe(ANA.email, now=NOW, source="one-click")
    assert not people.unsubscribe(ANA.email, now=NOW + 9, source="page")
    suppression = people.suppression(ANA.email)
    assert suppression is not None
    assert suppression.since.timestamp() == NOW


def test_an_address_that_was_never_on_the_list_can_be_kept_off_it(people: Subscribers) -> None:
    assert people.unsubscribe("x@example.org", now=NOW, source="command line")
    with pytest.raises(ListError, match="has left the list"):
        people.add(Subscriber("x@example.org"), NOW)


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        (Reason.BOUNCED, Reason.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
        (Reason.UNSUBSCRIBED, Reason.BOUNCED, Reason.UNSUBSCRIBED),
        (Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.COMPLAINED),
        (Reason.COMPLAINED, Reason.UNSUBSCRIBED, Reason.COMPLAINED),
        (Reason.MANUAL, Reason.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
        (Reason.MANUAL, Reason.BOUNCED, Reason.MANUAL),
    ],
)
def test_the_weightier_reason_stays(people: Subscribers, first: Reason, then: Reason, kept: Reason) -> None:
    for reason in (first, then):
        people.unsubscribe("x@example.org", now=NOW, source="", reason=reason)
    suppression = people.suppression("x@example.org")
    assert suppression is not None
    assert suppression.reason is kept


def test_a_persons_story_has_the_issues_with_what_became_of_them(filled: Subscribers) -> None:
    bo = filled.get(BO.email)
    assert bo is not None
    (receipt,) = filled.history(bo)
    assert (receipt.issue, receipt.state, receipt.at.timestamp()) == ("2026-10-hello", State.REJECTED, 7)


def test_a_listing_goes_on_while_the_list_changes(people: Subscribers) -> None:
    people.add(ANA, NOW)
    people.add(BO, NOW)
    listing = people.iterate()
    assert next(listing)[0].email == ANA.email
    people.add(CHLOÉ, NOW)
    assert [person.email for person, _ in listing] == [BO.email]


def test_a_listing_can_be_limited_to_a_status(people: Subscribers) -> None:
    people.add(ANA, NOW)
    people.add(BO, NOW)
    people.unsubscribe(BO.email, now=NOW, source="")
    assert [(p.email, reason) for p, reason in people.iterate(status=Status.UNSUBSCRIBED)] == [
        (BO.email, Reason.UNSUBSCRIBED)
    ]
    assert people.count(status=Status.ACTIVE) == 1


def test_the_list_of_a_locked_database_can_be_read(filled: Subscribers) -> None:
    writer: Database = filled.database
    with writer.transaction():
        assert filled.count() == len(PEOPLE)
