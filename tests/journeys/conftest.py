"""The author whom these tests watch, with the list in a file and on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.author import Author
from tests.support.postgresql import empty_list

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What these tell of kills and pauses is the ledger's, which tests/contracts holds against both databases every time.
LONG = ("test_schedules", "test_repeats", "test_through_a_provider")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "author" in metafunc.fixturenames:
        long = metafunc.module.__name__.endswith(LONG)
        server = pytest.param("postgresql", marks=pytest.mark.soak) if long else "postgresql"
        metafunc.parametrize("author", ["sqlite", server], indirect=True)


@pytest.fixture
def author(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    """An author with settings that are whole, an empty list, and no issue yet."""
    author = Author(tmp_path / "newsletter", monkeypatch)
    if request.param == "sqlite":
        yield author
    else:
        with empty_list() as url:
            author.keep_list_at(url)
            yield author
