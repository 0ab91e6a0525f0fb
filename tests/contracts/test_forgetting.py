"""A person who asks to be forgotten leaves no trace, and is brought back by nobody; and time that takes people away."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from newsletter.actions.expire import DAY, Expiry, expire, expiry
from newsletter.actions.export_person import MEANINGS, as_export, person_of
from newsletter.actions.forget import Forgotten, forget, forget_in
from newsletter.actions.import_subscribers import import_subscribers
from newsletter.consent import Consent, How
from newsletter.field import Field
from newsletter.sources.csv_list import CsvList
from newsletter.sources.list_files import SubscriberList
from newsletter.store import changes, consents
from newsletter.store.database import open_database
from newsletter.store.forgetting import scrub
from newsletter.store.joining import insert, standing_of
from newsletter.store.notices import Kind, put
from newsletter.store.postgresql import PostgresDatabase
from newsletter.store.schema import metadata
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber
from newsletter.suppression import Reason
from tests.support.pacing import put as put_people
from tests.support.postgresql import address_of
from tests.support.stores import new_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.entry import Counts

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW = int(TODAY.timestamp())
# Each of these words stands in this person's data and nowhere else.
ANA = Subscriber(
    "Ana.Quintero@Example.org",
    first_name="Anabelle",
    last_name="Quintero",
    tags=("cellist",),
    fields={"town": "Pornichet"},
    joined=TODAY - timedelta(days=400),
    time_zone="Europe/Andorra",
)
TRACES = [b"quintero", b"anabelle", b"cellist", b"pornichet", b"andorra", b"village fete"]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Subscribers]:
    with new_list(tmp_path) as url, open_database(url, busy_seconds=0.05) as database:
        yield Subscribers(database)


def bytes_of(people: Subscribers) -> bytes:
    """All that lies on the disk: the file, its log, the index of the log."""
    if isinstance(people.database, PostgresDatabase):
        return bytes_on_the_server(people.database.url).lower()
    return b"\n".join(each.read_bytes() for each in sorted(Path(people.database.name).parent.iterdir())).lower()


def bytes_on_the_server(url: str) -> bytes:
    """The files of the tables of people and of their indexes, and what stands in all other tables."""
    files = """
        SELECT pg_read_binary_file(pg_relation_filepath(found)) FROM (
            SELECT oid AS found FROM pg_class WHERE relname = ANY(%(ours)s) UNION ALL
            SELECT indexrelid FROM pg_index, pg_class t WHERE t.oid = indrelid AND t.relname = ANY(%(ours)s) UNION ALL
            SELECT reltoastrelid FROM pg_class WHERE relname = ANY(%(ours)s) AND reltoastrelid <> 0
        ) AS them
    """
    ours = ["subscribers", "suppressions", "consents", "changes", "notices", "hooks"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        content = [bytes(row[0]) for row in connection.execute(files, {"ours": ours})]
        for table in metadata.sorted_tables:
            content.append(str(connection.execute(f"SELECT * FROM {table.name}".encode()).fetchall()).encode())
    return b"\n".join(content)


def found_in(people: Subscribers) -> list[bytes]:
    content = bytes_of(people)
    return [trace for trace in TRACES if trace in content]


def a_life(people: Subscribers) -> Subscriber:
    """Ana, in every table that can speak of a person, among many others."""
    put_people(people.database, *(f"reader{number}@example.org" for number in range(400)))
    ana = people.add(ANA, NOW)
    put_people(people.database, *(f"reader{number}@example.org" for number in range(400, 800)))
    # Changes move rows about, and leave copies behind in pages that were split.
    for number in range(1, 30):
        with people.database.transaction() as connection:
            moved = ana._replace(fields={"town": "Pornichet " * number})
            changes.change_entry(connection, moved, now=NOW + number, source="preferences")
    agreed = Consent(ana.id, TODAY, How.IMPORT, source="import:list.csv", page="at the village fete of Pornichet")
    with people.database.transaction() as connection:
        consents.record(connection, agreed)
        put(connection, Kind.WELCOME, ana.id, NOW)
        connection.execute(
            "INSERT INTO notices (kind, content) VALUES ('asked', ?)", (json.dumps({"email": ANA.email}),)
        )
        connection.execute("INSERT INTO editions VALUES ('f', '{}')")
        connection.execute(
            "INSERT INTO mailings (id, issue, fingerprint, segment, planned_at) VALUES (1, '2026-10-hello', 'f', ?, ?)",
            ("email = ana.QUINTERO@example.org or all", NOW),
        )
        for state, number in ((5, ana.id), (3, 1)):
            connection.execute(
                "INSERT INTO deliveries (mailing_id, subscriber_id, state, code, reply) VALUES (1, ?, ?, 550, ?)",
                (number, state, f"5.1.1 <{ANA.email}>: no such user" if number == ana.id else "ok"),
            )
        connection.execute(
            "INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id, at, reply) "
            "VALUES ('x', 'bounced', 'hard', 1, ?, ?, ?)",
            (ana.id, NOW, f"<{ANA.email}> unknown"),
        )
    return ana


def imported(people: Subscribers, text: str) -> Counts:
    table = CsvList(lambda: io.BytesIO(text.encode()), "list.csv")
    return import_subscribers(people.database, SubscriberList("list.csv", [table], [], ExitStack(), 0), now=NOW).counts


# ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_a_person_who_is_forgotten_no_byte_is_left_on_the_disk(people: Subscribers) -> None:
    a_life(people)
    assert found_in(people) == TRACES
    assert forget(people.database, ["ANA.quintero@example.org"], now=NOW) == Forgotten(1, 0, (), True, ())
    assert found_in(people) == []
    people.database.close()
    assert found_in(people) == []


def test_who_left_before_is_forgotten_as_well(people: Subscribers) -> None:
    people.unsubscribe(ANA.email, now=NOW, source="one-click", reason=Reason.COMPLAINED)
    assert people.get(ANA.email) is None
    assert forget(people.database, [ANA.email], now=NOW) == Forgotten(0, 1, (), True, ())
    assert found_in(people) == []
    suppression = people.suppression(ANA.email)
    assert suppression is not None
    assert suppression.reason is Reason.COMPLAINED


def test_of_an_unknown_address_nothing_is_kept_not_even_a_seal(people: Subscribers) -> None:
    known = forget(people.database, [ANA.email], now=NOW)
    assert known.unknown == ("ana.quintero@example.org",)
    assert people.suppression(ANA.email) is None


def test_a_dry_run_forgets_nobody(people: Subscribers) -> None:
    a_life(people)
    assert forget(people.database, [ANA.email], now=NOW, dry_run=True).people == 1
    assert people.get(ANA.email) is not None
    assert found_in(people) == TRACES


def test_what_a_mailing_counted_stays_true(people: Subscribers) -> None:
    a_life(people)
    forget(people.database, [ANA.email], now=NOW)
    with people.database.reading() as connection:
        assert connection.execute("SELECT state, code FROM deliveries ORDER BY subscriber_id").fetchall() == [
            (3, 550),
            (5, 550),
        ]
        assert connection.execute("SELECT kind, bounce, reply FROM events").fetchall() == [("bounced", "hard", "")]
        assert connection.execute("SELECT segment FROM mailings").fetchall() == [("email = (forgotten) or all",)]


def test_others_whose_addresses_look_alike_are_left_alone(people: Subscribers) -> None:
    ana = people.add(ANA, NOW)
    with people.database.transaction() as connection:
        for email in (ANA.email, f"m{ANA.email}", f"{ANA.email}.au"):
            connection.execute(
                "INSERT INTO notices (kind, content) VALUES ('asked', ?)", (json.dumps({"email": email}),)
            )
        connection.execute("INSERT INTO editions VALUES ('f', '{}')")
        rule = f"email in (m{ANA.email}, {ANA.email}, {ANA.email}.au)"
        connection.execute("INSERT INTO mailings (issue, fingerprint, segment) VALUES ('x', 'f', ?)", (rule,))
    forget(people.database, [ana.email], now=NOW)
    with people.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM notices").fetchone() == (2,)
        ((rule,),) = connection.execute("SELECT segment FROM mailings").fetchall()
    assert rule == f"email in (m{ANA.email}, (forgotten), {ANA.email}.au)"


def test_no_import_brings_back_who_was_forgotten(people: Subscribers) -> None:
    a_life(people)
    forget(people.database, [ANA.email], now=NOW)
    counts = imported(
        people, "email,first_name,status\nANA.QUINTERO@example.org,Ana,subscribed\nnew@example.org,New,\n"
    )
    assert (counts.suppressed, counts.added) == (1, 1)
    assert people.get(ANA.email) is None
    assert found_in(people) == []


def test_who_was_forgotten_comes_back_by_asking_and_confirming_and_then_is_like_everybody(people: Subscribers) -> None:
    first = a_life(people)
    forget(people.database, [ANA.email], now=NOW)
    with people.database.transaction() as connection:
        assert standing_of(connection, ANA.email).suppressed is Reason.UNSUBSCRIBED
        number = insert(connection, ANA._replace(status=Status.PENDING), NOW)
    assert number > first.id, "the deliveries of the person who was forgotten are nobody's"
    assert people.audience(now=NOW).recipients == 800
    with people.database.transaction() as connection:
        assert changes.confirm(connection, number, now=NOW, source="form")
    assert people.audience(now=NOW).recipients == 801
    assert people.suppression(ANA.email) is None
    assert imported(people, "email,first_name\nana.quintero@example.org,Annie\n").updated == 1


def test_what_is_in_use_is_scrubbed_later(people: Subscribers) -> None:
    ana = a_life(people)
    with closing(people.database.connect()) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM subscribers").fetchone()
        assert not forget(people.database, [ANA.email], now=NOW).clean
        other.execute("COMMIT")
    assert people.by_id(ana.id) is None
    assert scrub(people.database)
    assert found_in(people) == []


def test_what_somebody_still_looks_at_as_it_was_is_scrubbed_later(
    people: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.store.forgetting._LOOKS", 2)
    a_life(people)
    with closing(people.database.connect()) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if other.dialect.on_a_server else "BEGIN")
        other.execute("SELECT count(*) FROM meta").fetchone()
        assert not forget(people.database, [ANA.email], now=NOW).clean
    assert scrub(people.database)
    assert found_in(people) == []


def test_what_a_neighbour_on_the_same_server_has_begun_to_write_is_waited_for(
    people: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's view there begins after the oldest transaction that writes, in whichever database: not even VACUUM's."""
    if not isinstance(people.database, PostgresDatabase):
        return
    monkeypatch.setattr("newsletter.store.forgetting._LOOKS", 2)
    a_life(people)
    with psycopg.connect(address_of("postgres")) as neighbour:
        neighbour.execute("SELECT pg_current_xact_id()")
        assert not forget(people.database, [ANA.email], now=NOW).clean
    assert scrub(people.database)
    assert found_in(people) == []


def test_copies_that_still_know_a_person_are_named(tmp_path: Path) -> None:
    """A file alone has copies beside it: a server is upgraded where it is."""
    with open_database(f"sqlite:///{tmp_path}/newsletter.db") as database:
        Subscribers(database).add(ANA, NOW)
        (tmp_path / "newsletter.db.before-0005").write_bytes(b"")
        assert forget(database, [ANA.email], now=NOW).copies == ("newsletter.db.before-0005",)


def test_many_are_forgotten_in_one_transaction_and_the_file_is_scrubbed_once(people: Subscribers) -> None:
    ana = a_life(people)
    with people.database.transaction() as connection:
        forget_in(connection, ana.id, "ana.quintero@example.org", now=NOW)
    assert people.get(ANA.email) is None
    assert scrub(people.database)
    assert found_in(people) == []


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_export_says_all_that_is_kept_and_what_its_words_mean(people: Subscribers) -> None:
    ana = a_life(people)
    found = person_of(people, ANA.email)
    assert found is not None
    told = as_export(found, TODAY, {"town": Field("town", labels={"fr": "Ville"})}, "fr")
    assert json.loads(json.dumps(told)) == told
    assert told["entry"]["number"] == ana.id
    assert told["entry"]["labels"] == {"town": "Ville"}
    assert told["consents"][0]["page"] == "at the village fete of Pornichet"
    assert len(told["changes"]) == 29
    assert [(each["issue"], each["state"], each["code"]) for each in told["sent"]] == [
        ("2026-10-hello", "rejected", 550)
    ]
    assert told["heard"][0]["bounce"] == "hard"
    assert set(MEANINGS) >= {each for each in told if each not in ("exported_at", "meanings")}


def test_a_story_is_told_in_order(people: Subscribers) -> None:
    ana = people.add(ANA._replace(joined=TODAY - timedelta(days=3)), NOW)
    asked = Consent(ana.id, TODAY - timedelta(days=3), How.DOUBLE_OPT_IN, source="form", words="Oui !", language="fr")
    with people.database.transaction() as connection:
        consents.record(connection, asked)
        consents.record(connection, replace(asked, confirmed_at=TODAY - timedelta(days=2)))
        changes.change_entry(connection, ana._replace(language="fr"), now=NOW - DAY, source="preferences")
    people.unsubscribe(ana.email, now=NOW, source="one-click")
    found = person_of(people, ana.email)
    assert found is not None
    assert [(step.what, step.about) for step in found.story] == [
        ("joined", ""),
        ("asked to join", "“Oui !” (form)"),
        ("confirmed", "“Oui !” (form)"),
        ("changed", "language (preferences)"),
        ("left", "one-click"),
    ]


def test_of_somebody_who_is_only_suppressed_the_story_is_the_suppression(people: Subscribers) -> None:
    people.unsubscribe(ANA.email, now=NOW, source="import:list.csv", reason=Reason.BOUNCED)
    found = person_of(people, ANA.email)
    assert found is not None
    assert [(step.what, step.about) for step in found.story] == [("suppressed", "bounced (import:list.csv)")]
    assert as_export(found, TODAY, {})["entry"] is None
    assert person_of(people, "nobody@example.org") is None


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

YEARS = 3 * 365 * DAY


def aged(people: Subscribers, email: str, days: int, *, status: Status = Status.ACTIVE, last_active: int = 0) -> None:
    """Somebody who joined so many days ago."""
    person = people.add(Subscriber(email, status=status, joined=TODAY - timedelta(days=days)), NOW - days * DAY)
    with people.database.transaction() as connection:
        connection.execute("UPDATE subscribers SET last_active_at = ? WHERE id = ?", (last_active, person.id))


@pytest.fixture
def old_list(people: Subscribers) -> Subscribers:
    aged(people, "silent@example.org", 3 * 365 + 1)
    aged(people, "just@example.org", 3 * 365)
    aged(people, "soon@example.org", 3 * 365 - 30)
    aged(people, "alive@example.org", 2000, last_active=NOW - 10 * DAY)
    aged(people, "left@example.org", 2000)
    people.unsubscribe("left@example.org", now=NOW - 1500 * DAY, source="one-click")
    aged(people, "unsure@example.org", 31, status=Status.PENDING)
    aged(people, "asked@example.org", 29, status=Status.PENDING)
    return people


def test_who_was_silent_for_too_long_or_never_confirmed_is_told_before_anything_is_done(old_list: Subscribers) -> None:
    told = expiry(old_list.database, after=YEARS, now=NOW)
    assert told == Expiry(silent=2, unconfirmed=1, soon=2, kept=4)
    assert old_list.count() == 7


def test_whose_time_has_passed_goes_and_only_who_had_left_stays_out(old_list: Subscribers) -> None:
    steps: list[int] = []
    done = expire(old_list.database, after=YEARS, now=NOW, progress=steps.append)
    assert (done.silent, done.unconfirmed, done.sealed, done.clean) == (2, 1, 1, True)
    assert steps == [2, 1]
    assert [person.email.partition("@")[0] for person, _ in old_list.iterate()] == ["just", "soon", "alive", "asked"]
    content = bytes_of(old_list)
    assert [name for name in (b"silent@", b"left@", b"unsure@") if name in content] == []
    counts = imported(old_list, "email\nsilent@example.org\nleft@example.org\n")
    assert (counts.added, counts.suppressed) == (1, 1)
    assert expiry(old_list.database, after=YEARS, now=NOW) == Expiry(0, 0, 2, 5)
