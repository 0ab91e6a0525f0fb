"""What is true of the list, the ledger and a whole journey is true in each kind of database."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgresql, stores

if TYPE_CHECKING:
    from collections.abc import Iterator


# How long an example takes is a matter of what else the machine does.
settings.register_profile("untimed", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("untimed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    makes_lists = hasattr(metafunc.module, "new_store") or hasattr(metafunc.module, "new_list")
    if makes_lists or metafunc.definition.get_closest_marker("in_each_database"):
        stores.with_each_kind(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    stores.let_long_ones_soak(items)


def pytest_collection_finish() -> None:
    # Thousands of tests and all that was imported stay until the end: to look through them again and again for what
    # could go was a seventh of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="module", autouse=True)
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which database `new_store` and `new_list` are."""
    yield from stores.use(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session", autouse=True)
def _databases() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("newsletter.store.forgetting._LOOKS", 1200)  # the server has many neighbours, who write
        yield
    postgresql.drop_all()
