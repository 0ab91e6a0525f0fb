"""Known tags: the words that a list's people are tagged with, so that a misspelt one can be found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.store.database import Database


def known_tags(database: Database) -> frozenset[str]:
    """Every tag that anybody has. A list has few combinations of tags, whatever its size."""
    with database.reading() as connection:
        rows = connection.execute("SELECT DISTINCT tags FROM subscribers").fetchall()
    return frozenset(tag for (tags,) in rows for tag in json.loads(tags))
