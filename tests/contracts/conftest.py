"""What is true of the list and the ledger is true in each kind of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import postgresql, stores

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    stores.with_each_kind(metafunc)


@pytest.fixture(scope="module", autouse=True)
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which database `new_store` opens."""
    yield from stores.use(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session", autouse=True)
def _databases() -> Iterator[None]:
    yield
    postgresql.drop_all()
