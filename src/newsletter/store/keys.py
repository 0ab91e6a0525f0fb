"""The secrets that links are signed with (newsletter.links). They live beside the list that they serve."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.store.database import Database

SECRET_BYTES = 32


def load_keys(database: Database) -> dict[int, bytes]:
    """All keys by their number; the highest signs, the others still verify. The first one is made on first use."""
    with database.reading() as connection:
        keys = dict(connection.execute("SELECT number, secret FROM keys ORDER BY number").fetchall())
    if keys:
        return keys
    with database.transaction() as connection:
        # Whoever comes second finds the key of the first.
        connection.execute(
            "INSERT INTO keys (number, secret, created_at) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",
            (secrets.token_bytes(SECRET_BYTES), int(time.time())),
        )
        return dict(connection.execute("SELECT number, secret FROM keys ORDER BY number").fetchall())
