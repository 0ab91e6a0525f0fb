"""The secrets that links are signed with (newsletter.links). They live beside the list that they serve."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from newsletter.errors import Problem, StoreError

if TYPE_CHECKING:
    from newsletter.store.database import Database

SECRET_BYTES = 32
MOST = 255  # a token names its key in one octet


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


def newest_key(database: Database) -> int:
    """The number of the key that signs; 0 while there is none."""
    with database.reading() as connection:
        (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM keys").fetchone()
    return int(number)


def add_key(database: Database) -> int:
    """Make a new key, which signs from now on; its number. The others stay: links in old mails must work for ever.

    Raises StoreError when there are as many as a token can name.
    """
    load_keys(database)
    with database.transaction() as connection:
        (number,) = connection.execute("SELECT max(number) + 1 FROM keys").fetchone()
        if number > MOST:
            raise StoreError(Problem(f"there are {MOST} keys, and a link can name no more", path=database.name))
        connection.execute(
            "INSERT INTO keys (number, secret, created_at) VALUES (?, ?, ?)",
            (number, secrets.token_bytes(SECRET_BYTES), int(time.time())),
        )
    return int(number)


def keys_known(database: Database) -> list[tuple[int, int]]:
    """The keys by number and when they were made (UTC seconds), the oldest first; never the secrets."""
    with database.reading() as connection:
        return connection.execute("SELECT number, created_at FROM keys ORDER BY number").fetchall()
