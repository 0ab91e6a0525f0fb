"""The author whom these tests watch, with the list in a file and on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import stores
from tests.support.author import Author

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "author" in metafunc.fixturenames:
        assert not hasattr(metafunc.module, "author"), "one who keeps the list in a file alone stands before ours"
        stores.with_each_kind(metafunc)


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    """An author with settings that are whole, an empty list, and no issue yet."""
    author = Author(tmp_path / "newsletter", monkeypatch)
    with stores.new_list(author.folder) as url:
        if url != author.store_url:
            author.keep_list_at(url)
        yield author
