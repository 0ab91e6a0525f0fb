"""Transactions and reads, in each kind of database: all or nothing, one moment, and nobody lost between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.store.keys import load_keys
from tests.support.stores import addresses, new_store, put_someone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store.database import Database


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store(busy_seconds=0.05) as database:
        yield database


def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    def interrupted() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO subscribers (email, canonical) VALUES ('a', 'a')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert addresses(database) == []


def test_an_error_of_the_caller_stays_its_own(database: Database) -> None:
    with pytest.raises(BrokenPipeError), database.transaction():
        raise BrokenPipeError  # from a socket, say: nothing that the database can explain


def test_a_long_read_goes_on_while_others_write_and_sees_what_it_began_with(database: Database) -> None:
    put_someone(database)
    with database.reading() as connection:
        rows = connection.execute("SELECT email FROM subscribers")
        put_someone(database, "bo@example.org")
        assert rows.fetchall() == [("ana@example.org",)]
        assert connection.execute("SELECT count(*) FROM subscribers").fetchone() == (1,)
    assert addresses(database) == ["ana@example.org", "bo@example.org"]


def test_the_number_of_a_person_who_is_gone_is_never_given_again(database: Database) -> None:
    put_someone(database)
    with database.transaction() as connection:
        connection.execute("DELETE FROM subscribers")
    put_someone(database)
    with database.reading() as connection:
        assert connection.execute("SELECT id FROM subscribers").fetchone() == (2,)


def test_sqlalchemy_reads_and_writes_the_same_database(database: Database) -> None:
    from sqlalchemy import insert, select

    from newsletter.store.schema import subscribers

    with database.engine.begin() as connection:
        connection.execute(insert(subscribers), [{"email": "Bo@example.org", "canonical": "bo@example.org"}])
    assert addresses(database) == ["Bo@example.org"]
    with database.engine.connect() as connection:
        assert connection.execute(select(subscribers.c.status)).scalar_one() == "active"


def test_the_signing_key_is_made_once(database: Database) -> None:
    keys = load_keys(database)
    assert [(number, len(secret)) for number, secret in keys.items()] == [(1, 32)]
    assert load_keys(database) == keys


def test_a_statement_about_many_rows_changes_each_of_them_and_says_how_many(database: Database) -> None:
    with database.transaction() as connection:
        insert = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
        connection.executemany(insert, [(f"n{n}", "it's ?, 100 %") for n in range(2000)])
        connection.executemany(insert, [("n1", "new"), ("n2000", "")])
        changed = connection.executemany(
            "UPDATE meta SET value = ? WHERE name = ? AND value <> '?'", [(f"{n}", f"n{n}") for n in range(3000)]
        )
        assert changed.rowcount == 2001
        assert connection.executemany("DELETE FROM meta WHERE name = ?", [("n1",), ("n1500",), ("x",)]).rowcount == 2
        assert connection.executemany("DELETE FROM meta WHERE name = ?", []).rowcount <= 0
        rows = connection.execute("SELECT value FROM meta WHERE name LIKE 'n%' AND value <> ?", ("7",)).fetchall()
    assert {value for (value,) in rows} == {str(n) for n in range(2001) if n not in (1, 7, 1500)}


def test_a_stream_may_be_left_before_its_end(database: Database) -> None:
    with database.transaction() as connection:
        connection.executemany("INSERT INTO meta (name) VALUES (?)", [(f"n{n}",) for n in range(9000)])
    with database.reading() as connection:
        rows = connection.stream("SELECT name FROM meta WHERE name LIKE ? ORDER BY length(name), name", ("n%",))
        assert next(iter(rows)) == ("n0",)
        rows.close()
        rows = connection.stream("SELECT count(*) FROM meta WHERE name LIKE 'n%'")
        assert list(rows) == [(9000,)]


def test_what_changes_when_something_is_written_stays_the_same_otherwise(database: Database) -> None:
    def is_the_same_after_a_look() -> bool:
        before = database.state()
        assert addresses(database) == []
        return database.state() == before

    # On a server that others use for lists of their own, what they write counts as well: not at each moment, though.
    assert any(is_the_same_after_a_look() for _ in range(200))
    before = database.state()
    put_someone(database)
    assert database.state() != before
