"""A statement of the store as PostgreSQL and its driver take it. Each text is translated once.

?                              %s                            outside of quotes; a % is written twice
?                              $1                            where it goes past the driver
instr(a, b)                    strpos(a, b)
UPDATE … WHERE key = ?         UPDATE … FROM unnest(…) …     for many rows: one statement with a list a column,
INSERT … VALUES (?, ?)         INSERT … SELECT unnest(…)     for which 500 rows take 5 ms instead of 30
DELETE … WHERE key = ?         DELETE … USING unnest(…) …
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART = re.compile(r"'(?:[^']|'')*'|\?|%|\binstr\(")
_MANY = re.compile(
    r"\s*(?:(?P<update>UPDATE \w+ SET .*?)\s+(?P<where>WHERE .*)"
    r"|(?P<insert>INSERT INTO \w+ \([^)]*\))\s+VALUES \(\?(?:, \?)*\)"
    r"(?P<rest>\s+ON CONFLICT(?: \([\w, ]+\))? DO NOTHING)?\s*"
    r"|(?P<delete>DELETE FROM \w+)\s+(?P<which>WHERE .*))",
    re.DOTALL,
)
_TYPES: dict[type, str] = {int: "bigint", str: "text", bytes: "bytea", bool: "boolean"}


@lru_cache(1000)
def spoken(sql: str) -> bytes:
    """A statement with parameters."""
    return _PART.sub(_one, sql).encode()


@lru_cache(1000)
def spoken_plain(sql: str) -> bytes:
    """A statement without parameters, in which the driver leaves % alone."""
    return spoken(sql).replace(b"%%", b"%")


@lru_cache(100)
def numbered(sql: str) -> bytes:
    """A statement with parameters as the server itself takes it: $1, $2, …"""
    numbers = count(1)
    return _PART.sub(lambda found: f"${next(numbers)}" if found.group() == "?" else found.group(), sql).encode()


def _one(found: re.Match[str]) -> str:
    part = found.group()
    if part == "?":
        return "%s"
    return "strpos(" if part == "instr(" else part.replace("%", "%%")


def kinds(columns: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The type of each column of values."""
    return tuple(
        _TYPES[next((type(each) for each in column if each is not None), str)] for column in columns
    )  # fmt: skip


@lru_cache(200)
def for_many(sql: str, types: tuple[str, ...]) -> bytes | None:
    """A statement for one row, said of many, whose parameters are lists then; None for one that cannot be said so.

    No two rows may be about the same row of the table: the second one would be passed by.
    """
    found = _MANY.fullmatch(sql)
    if found is None or "SELECT" in sql:
        return None
    names = [f"c{number}" for number in range(len(types))]
    marks = iter(names)
    lists = f"unnest({', '.join(f'%s::{each}[]' for each in types)}) AS v({', '.join(names)})"

    def numbered(text: str) -> str:
        return _PART.sub(lambda found: f"v.{next(marks)}" if found.group() == "?" else _one(found), text)

    if found["update"]:
        return f"{numbered(found['update'])} FROM {lists} {numbered(found['where'])}".encode()
    if found["delete"]:
        return f"{found['delete']} USING {lists} {numbered(found['which'])}".encode()
    return f"{found['insert']} SELECT * FROM {lists}{found['rest'] or ''}".encode()  # noqa: S608  (our own SQL)
