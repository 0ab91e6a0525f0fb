"""Questions to a server that are not waited for: their answer, what the server says against them, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import StoreError
from newsletter.store.postgresql import PostgresDatabase
from tests.support.postgresql import empty_list

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = (
    "INSERT INTO meta (name, value) VALUES (?, 'what ?') ON CONFLICT (name) DO UPDATE SET value = 'again' RETURNING 7"
)


@pytest.fixture
def database() -> Iterator[PostgresDatabase]:
    with empty_list() as url, PostgresDatabase(url) as database:
        yield database


def marks(database: PostgresDatabase) -> dict[str, str]:
    with database.reading() as connection:
        return dict(connection.execute("SELECT name, value FROM meta WHERE name LIKE 'mark%'").fetchall())


def end(database: PostgresDatabase, question_fd: int) -> None:
    """Let the server end the connection that has this socket."""
    with database.transaction() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert question_fd >= 0


def test_a_question_is_a_transaction_by_itself_and_its_connection_serves_the_next_one(
    database: PostgresDatabase,
) -> None:
    pid = "SELECT pg_backend_pid(), ?::int"
    pids = set()
    for number in range(3):
        question = database.ask(_MARK, (f"mark{number}",))
        assert question.answer() == (7,)
        pids.add(database.ask(pid, (number,)).answer()[0])  # type: ignore[index]
    assert marks(database) == {f"mark{number}": "what ?" for number in range(3)}
    assert len(pids) == 1


def test_two_questions_may_be_on_their_way_and_answers_be_taken_in_any_order(database: PostgresDatabase) -> None:
    slow = database.ask("SELECT 1 + length(pg_sleep(0.2)::text) * 0, ?::int", (1,))
    quick = database.ask("SELECT 2, ?::int", (2,))
    assert not slow.is_answered()
    assert quick.answer() == (2, 2)
    assert slow.answer() == (1, 1)


def test_a_statement_that_the_server_does_not_take_is_told_and_the_connection_is_as_good_as_before(
    database: PostgresDatabase,
) -> None:
    with database.transaction() as connection:
        connection.execute("SET lock_timeout = 20")  # of the connection that is given out next
        connection.execute("INSERT INTO meta (name, value) VALUES ('mark', '')")
    with PostgresDatabase(database.url) as other, other.transaction() as theirs:
        theirs.execute("UPDATE meta SET value = 'theirs' WHERE name = 'mark'")
        with pytest.raises(StoreError, match="locked by another process"):
            database.ask(_MARK, ("mark",)).answer()
    assert database.ask(_MARK, ("mark",)).answer() == (7,)
    assert marks(database) == {"mark": "again"}


def test_a_question_may_be_asked_again_on_a_connection_whose_transaction_came_to_nothing(
    database: PostgresDatabase,
) -> None:
    def come_to_nothing() -> None:
        with database.transaction() as connection:
            for number in range(9):  # so often that the driver prepares it, and at the end forgets all that is prepared
                connection.execute("SELECT ?::int", (number,))
            raise BrokenPipeError

    for _ in range(2):
        assert database.ask(_MARK, ("mark",)).answer() == (7,)
        with pytest.raises(BrokenPipeError):
            come_to_nothing()


@pytest.mark.parametrize("asked_before", [False, True])
def test_of_a_question_whose_connection_ends_nobody_knows_whether_it_was_done(
    database: PostgresDatabase, *, asked_before: bool
) -> None:
    if asked_before:
        assert database.ask("SELECT 1 + length(pg_sleep(?)::text) * 0", (0,)).answer() == (1,)
    question = database.ask("SELECT 1 + length(pg_sleep(?)::text) * 0", (30,))
    with PostgresDatabase(database.url) as other:
        end(other, question.fileno())
    assert question.answer() is None
    assert question.is_answered()
    assert database.ask(_MARK, ("mark",)).answer() == (7,)


def test_a_connection_that_died_while_nobody_used_it_is_one_that_is_lost(database: PostgresDatabase) -> None:
    for prepared in (False, True):
        if prepared:
            assert database.ask(_MARK, ("mark",)).answer() == (7,)
        else:
            marks(database)
        with PostgresDatabase(database.url) as other:
            end(other, 0)
        question = database.ask(_MARK, ("mark",))
        assert question.answer() is None
        assert question.fileno() == -1
