"""`newsletter store copy`, and a newsletter whose list is in PostgreSQL, as an author has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from newsletter.store.database import open_database
from newsletter.store.subscribers import Subscribers
from tests.support.postgresql import address_of, empty_list, fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.author import Author


@pytest.fixture
def server() -> Iterator[str]:
    with empty_list() as url:
        yield url


def test_a_newsletter_moves_to_a_server_and_goes_on_there(author: Author, server: str) -> None:
    author.issue("Hello.\n")
    author.readers(3)
    moved = author.run("store", "copy", "--to", server)
    assert moved.code == 0
    assert "agree" in moved.out
    assert f'write url = "{server}" under [store]' in moved.out
    author.keep_list_at(server)
    with author.inbox():
        told = author.run("publish", "2026-11-hello", "--yes", "--json")
    assert told.code == 0
    assert json.loads(told.out)["accepted"] == 3
    assert "finished" in author.run("status").out
    back = author.run("store", "copy", "--to", "sqlite:///back.db", "--json")
    assert back.code == 0
    rows = {each["table"]: each["rows"] for each in json.loads(back.out)["tables"]}
    assert (rows["subscribers"], rows["deliveries"]) == (3, 3)
    with open_database(f"sqlite:///{author.folder}/back.db") as database:
        assert Subscribers(database).count() == 3


def test_a_dry_run_makes_nothing(author: Author) -> None:
    author.readers(2)
    told = author.run("store", "copy", "--to", "sqlite:///new.db", "--dry-run")
    assert told.code == 0
    assert "Would copy" in told.out
    assert not (author.folder / "new.db").exists()


def test_a_list_in_another_place_is_not_written_over(author: Author, server: str) -> None:
    author.readers(2)
    assert author.run("store", "copy", "--to", server).code == 0
    again = author.run("store", "copy", "--to", server)
    assert again.code == 3
    assert "something in this database already" in again.err


def test_an_address_with_a_password_is_refused_and_not_repeated(author: Author) -> None:
    author.readers(1)
    told = author.run("store", "copy", "--to", "postgresql://ana:secret@db.example.org/list")
    assert told.code == 2
    assert "PGPASSWORD" in told.err
    assert "secret" not in told.err + told.out


def test_a_server_that_does_not_answer_is_told_with_what_to_do(author: Author) -> None:
    author.keep_list_at("postgresql://ana@127.0.0.1:1/list")
    told = author.run("status")
    assert told.code == 4
    assert "no PostgreSQL server answers at 127.0.0.1" in told.err
    assert "[store] in newsletter.toml" in told.err


def test_a_database_that_does_not_exist_is_told_with_the_command_that_makes_it(author: Author) -> None:
    author.keep_list_at(address_of("nowhere"))
    told = author.run("status")
    assert told.code == 4
    assert "the server has no database nowhere" in told.err
    assert "createdb --owner newsletter nowhere" in told.err


def test_an_empty_database_has_no_list_until_one_is_imported(author: Author) -> None:
    author.keep_list_at(fresh())
    assert author.run("subscribers", "list").code == 4
    (author.folder / "list.csv").write_text("email\nana@example.org\n")
    assert author.run("subscribers", "import", "list.csv").code == 0
    assert "ana@example.org" in author.run("subscribers", "list").out
