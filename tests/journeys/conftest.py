"""The author whom these tests watch, with the list in a file and on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import stores
from tests.support.author import author

if TYPE_CHECKING:
    import pytest

__all__ = ["author"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "author" in metafunc.fixturenames:
        stores.with_each_kind(metafunc)
