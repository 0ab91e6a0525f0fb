"""An empty list for a test, in each kind of database: a module that imports `new_store` runs once with each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from newsletter.store.database import open_database
from tests.support import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from newsletter.store.database import Database

_kind = ["sqlite"]


def use(kind: str) -> Iterator[str]:
    """Let `new_store` open this kind until the end."""
    _kind.append(kind)
    yield kind
    _kind.pop()


@contextmanager
def store_of(kind: str, busy_seconds: float | None = None) -> Iterator[Database]:
    """An open database of a kind, with an empty list."""
    if kind == "sqlite":
        with open_database("sqlite://", busy_seconds=busy_seconds) as database:
            yield database
    else:
        with postgresql.empty_list() as url, open_database(url, busy_seconds=busy_seconds) as database:
            yield database


def new_store(busy_seconds: float | None = None) -> AbstractContextManager[Database]:
    """An open database with an empty list, of the kind that is in use."""
    return store_of(_kind[-1], busy_seconds)


def with_each_kind(metafunc: pytest.Metafunc) -> None:
    """Let a test of a module that imports `new_store` run with each kind; called by conftest.py."""
    if hasattr(metafunc.module, "new_store"):
        long = metafunc.definition.get_closest_marker("soak_on_a_server")
        server = pytest.param("postgresql", marks=pytest.mark.soak) if long else "postgresql"
        metafunc.parametrize("store_kind", ("sqlite", server), indirect=True, scope="module")


def put_someone(database: Database, address: str = "ana@example.org") -> None:
    """Put a person on the list who has nothing but an address."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO subscribers (email, canonical) VALUES (?, ?)", (address, address))


def addresses(database: Database) -> list[str]:
    """Who is on the list, in the order in which they came."""
    with database.reading() as connection:
        return [email for (email,) in connection.execute("SELECT email FROM subscribers ORDER BY id")]
