"""An empty list for a test, in each kind of database.

Once with each kind runs a module that imports `new_store` or `new_list`, what has the mark `in_each_database`, and each
journey of an author. With the mark `soak_on_a_server`, on a module, a test, or one of its parameters, the turn on a
server is one of the long tests.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from newsletter.store.database import open_database
from tests.support import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from newsletter.store.database import Database

_kind = ["sqlite"]


def use(kind: str) -> Iterator[str]:
    """Let `new_store` open this kind until the end."""
    _kind.append(kind)
    yield kind
    _kind.pop()


@cache
def _empty_file() -> bytes:
    """A list in a file: a copy of one takes a fourth of the time that it takes to make one."""
    with TemporaryDirectory(prefix="newsletter-") as folder:
        path = Path(folder) / "newsletter.db"
        open_database(f"sqlite:///{path}").close()
        return path.read_bytes()


@contextmanager
def store_of(kind: str, busy_seconds: float | None = None) -> Iterator[Database]:
    """An open database of a kind, with an empty list."""
    if kind == "sqlite":
        with TemporaryDirectory(prefix="newsletter-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "newsletter.db"
            path.write_bytes(_empty_file())
            with open_database(f"sqlite:///{path}", busy_seconds=busy_seconds, synchronous="OFF") as database:
                yield database
    else:
        with postgresql.empty_list() as url, open_database(url, busy_seconds=busy_seconds) as database:
            yield database


def new_store(busy_seconds: float | None = None) -> AbstractContextManager[Database]:
    """An open database with an empty list, of the kind that is in use."""
    return store_of(_kind[-1], busy_seconds)


@contextmanager
def new_list(folder: Path) -> Iterator[str]:
    """The address of an empty list, of the kind that is in use; a file is in this folder."""
    if _kind[-1] == "sqlite":
        yield f"sqlite:///{folder}/newsletter.db"
    else:
        with postgresql.empty_list() as url:
            yield url


@contextmanager
def copied(url: str, folder: Path) -> Iterator[str]:
    """The address of a copy of a list that nobody has open; a file's is in this folder."""
    if url.startswith("sqlite:"):
        shutil.copy(url.removeprefix("sqlite:///"), folder / "copy.db")
        yield f"sqlite:///{folder}/copy.db"
    else:
        with postgresql.copy_of(url) as copy:
            yield copy


def with_each_kind(metafunc: pytest.Metafunc, *, soaking: bool = False) -> None:
    """Let a test run with each kind of list, with `soaking` on a server as a long one; called by conftest.py."""
    server = pytest.param("postgresql", marks=pytest.mark.soak if soaking else ())
    metafunc.parametrize("store_kind", ("sqlite", server), indirect=True, scope="module")


def let_long_ones_soak(items: Iterable[pytest.Item]) -> None:
    """Let tests that are marked so take their turn on a server among the long ones; called by conftest.py."""
    for item in items:
        here = getattr(item, "callspec", None)
        if here and here.params.get("store_kind") == "postgresql" and item.get_closest_marker("soak_on_a_server"):
            item.add_marker(pytest.mark.soak)


def put_someone(database: Database, address: str = "ana@example.org") -> None:
    """Put a person on the list who has nothing but an address."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO subscribers (email, canonical) VALUES (?, ?)", (address, address))


def addresses(database: Database) -> list[str]:
    """Who is on the list, in the order in which they came."""
    with database.reading() as connection:
        return [email for (email,) in connection.execute("SELECT email FROM subscribers ORDER BY id")]
