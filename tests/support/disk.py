"""What has certainly reached the disk, so that the power may go."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.store.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.store.database import Connection


def keep(here: Path, kept: Path) -> None:
    """Copy the files of a list, as they are after what was written through."""
    for file in here.glob("newsletter.db*"):
        if not file.name.endswith("-shm"):  # an index of the -wal file, in memory; made anew
            shutil.copy(file, kept / file.name)


@contextmanager
def keeping(here: Path, kept: Path) -> Iterator[None]:
    """Let a copy follow whenever something was written through, until the end."""
    plain, through = SqliteDatabase.transaction, SqliteDatabase.write_through

    @contextmanager
    def transaction(self: SqliteDatabase, *, durable: bool = False, **more: Any) -> Iterator[Connection]:
        with plain(self, durable=durable, **more) as connection:
            yield connection
        if durable:
            keep(here, kept)

    def write_through(self: SqliteDatabase) -> None:
        through(self)
        keep(here, kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteDatabase, "transaction", transaction)
        patch.setattr(SqliteDatabase, "write_through", write_through)
        yield
