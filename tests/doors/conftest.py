"""Whom these tests watch: an author at work, and the commands about the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import stores
from tests.support.author import author
from tests.support.told import letter, told

if TYPE_CHECKING:
    import pytest

__all__ = ["author", "letter", "told"]

# What asks the list the most. On a server they are long tests: their SQL is held against it by tests/contracts.
_ON_A_SERVER_TOO = frozenset(
    f"test_{name}"
    for name in (
        "check", "publish", "run", "schedule", "segments_command", "variants", "watching", "web_joining",
        "web_own_data", "web_preferences", "web_serve", "web_unsubscribe", "webhooks_command", "webhooks_serve",
    )
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in _ON_A_SERVER_TOO:
        stores.with_each_kind(metafunc, soaking=True)
