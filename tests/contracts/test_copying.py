"""A list that moves to another database is whole there: every row, every number, and nothing that was not here."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.send import send
from newsletter.errors import ListError, StoreError
from newsletter.store import copying
from newsletter.store.copying import copy, sizes
from newsletter.store.keys import load_keys
from newsletter.store.leases import Worker, join, leave
from newsletter.store.life import is_old_copy
from newsletter.store.mailings import mailings_of, tally_of
from newsletter.store.schema import metadata
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Subscriber
from newsletter.transports.memory import MemoryTransport
from tests.support.sending import NOW, clock, fill_list, plan, post_for
from tests.support.stores import store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.store.database import Database

SECOND = int(NOW.timestamp())
WAYS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "sqlite")]


@pytest.fixture
def open_one() -> Iterator[Callable[[str], Database]]:
    with ExitStack() as stack:

        def opened(kind: str) -> Database:
            return stack.enter_context(store_of(kind))

        yield opened


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.reading() as connection:
        return {
            table.name: sorted(row for row in connection.execute(f"SELECT * FROM {table.name}").fetchall())
            for table in metadata.sorted_tables
            if table.name != "meta"
        }


def lived_in(database: Database) -> Database:
    """A list with a past, and something in every table."""
    people = Subscribers(database)
    people.add(Subscriber("zoé@example.org", "Zoé", fields={"city": "Nantes, «là»"}, tags=("a", "ü\u202f!")), SECOND)
    fill_list(database, 20)
    people.unsubscribe("reader3@example.org", now=SECOND, source="test")
    load_keys(database)
    mailing = plan(database)
    send(database, mailing, post_for(database, mailing), MemoryTransport(keep=0), clock)
    chance = random.Random(5)
    with database.transaction() as connection:
        for table in metadata.sorted_tables:
            if connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] == 0:
                names = [column.name for column in table.columns]
                values = [value_for(column.type.python_type, chance) for column in table.columns]
                marks = ", ".join("?" * len(names))
                connection.execute(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", values)
        connection.execute("DELETE FROM workers")
    return database


def value_for(kind: type, chance: random.Random) -> object:
    if kind is int:
        return chance.randrange(2**40)
    text = "".join(chance.choices("aé\t\n\\N'\"%?{}\u202f😀", k=12))
    return text.encode() + bytes(range(256)) if kind is bytes else text


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_a_copy_holds_every_row_of_every_table(open_one: Callable[[str], Database], here: str, there: str) -> None:
    old, new = lived_in(open_one(here)), open_one(there)
    told = copy(old, new)
    assert everything(new) == everything(old)
    assert {each.table: each.rows for each in told} == {each.table: each.rows for each in sizes(new)}
    assert len({each.checksum for each in told if each.rows}) > 10
    assert load_keys(new) == load_keys(old)
    assert Subscribers(new).field_names() == {"city"}
    assert not is_old_copy(new)


def test_a_list_that_goes_there_and_back_is_the_same(open_one: Callable[[str], Database]) -> None:
    old, between, new = lived_in(open_one("sqlite")), open_one("postgresql"), open_one("sqlite")
    assert copy(old, between) == copy(between, new)
    assert everything(new) == everything(old)


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_numbers_go_on_where_they_were_and_none_is_given_twice(
    open_one: Callable[[str], Database], here: str, there: str
) -> None:
    old, new = open_one(here), open_one(there)
    fill_list(old, 5)
    with old.transaction() as connection:
        connection.execute("DELETE FROM subscribers WHERE id > 3")
    copy(old, new)
    for database in (old, new):
        assert Subscribers(database).add(Subscriber("next@example.org"), SECOND).id == 6


@pytest.mark.parametrize(("here", "there"), WAYS[:2])
def test_a_mailing_that_was_stopped_goes_on_in_the_new_place(
    open_one: Callable[[str], Database], here: str, there: str
) -> None:
    old, new = open_one(here), open_one(there)
    fill_list(old, 30)
    mailing = plan(old)
    before = MemoryTransport(keep=0)
    send(old, mailing, post_for(old, mailing), before, clock, stop=iter([False] * 1 + [True] * 99).__next__)
    sent = tally_of(old, mailing.id).accepted
    copy(old, new)
    (there_too,) = mailings_of(new)
    counts = send(new, there_too, post_for(new, there_too), MemoryTransport(keep=0), clock)
    assert counts.accepted == 30
    assert tally_of(old, mailing.id).accepted == sent, "the old place was left as it was"


@pytest.mark.parametrize(("here", "there"), WAYS[:2])
def test_nothing_is_copied_while_a_mailing_is_being_sent(
    open_one: Callable[[str], Database], here: str, there: str
) -> None:
    old, new = open_one(here), open_one(there)
    fill_list(old, 3)
    lease = join(old, plan(old).id, Worker("host", "boot", 1), SECOND, lambda _: True)
    with pytest.raises(ListError, match=r"2026-11-hello is being sent(?s:.*)newsletter resume 2026-11-hello"):
        copy(old, new)
    with pytest.raises(ListError, match="is being sent"):
        sizes(old)
    assert Subscribers(new).count() == 0
    leave(old, lease, SECOND)
    copy(old, new)
    assert Subscribers(new).count() == 3


@pytest.mark.parametrize(("here", "there"), WAYS[:2])
def test_a_place_that_is_not_empty_is_refused_and_left_as_it_is(
    open_one: Callable[[str], Database], here: str, there: str
) -> None:
    old, new = lived_in(open_one(here)), open_one(there)
    fill_list(new, 1)
    before = everything(new)
    with pytest.raises(ListError, match="something in this database already"):
        copy(old, new)
    assert everything(new) == before
    with pytest.raises(ListError, match="where the list is already"):
        copy(old, old)


@pytest.mark.parametrize(("here", "there"), WAYS[:2])
def test_a_copy_that_is_not_the_same_is_found_and_not_kept(
    open_one: Callable[[str], Database], here: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = lived_in(open_one(here)), open_one(there)
    whole = copying._copy_table

    def lossy(*arguments: Any) -> Any:
        told = whole(*arguments)
        if told.table == "deliveries":
            arguments[1].execute("UPDATE deliveries SET code = code + 1 WHERE subscriber_id = 2")
        return told

    monkeypatch.setattr(copying, "_copy_table", lossy)
    with pytest.raises(StoreError, match="the copy of deliveries is not the same"):
        copy(old, new)
    assert sum(each.rows for each in sizes(new)) == 0
