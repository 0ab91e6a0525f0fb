"""What SQLite and PostgreSQL say differently, as one table. Parameters are `?` in both, and `instr` is (see
postgresql_words.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Dialect(NamedTuple):
    """The words of one database. In the templates, {} is a text."""

    key: Callable[[str], str]  # the parameter that finds a field
    field: str  # the text of a field, "" when there is none
    tags: str  # the rows of a person's tags, in a column `value`
    lower: str  # without case, for a value in ASCII
    fold: str  # without case, for any value
    folded: Callable[[str], str]  # the value, in the same way
    is_date: str  # whether a text begins with a day
    is_number: str  # whether a text is a number as fields keep one; what is longer than 30 signs is none
    locked: str  # behind a SELECT: nobody else may change these rows before our end
    by_waiting: str  # behind `deliveries`: only those that wait are looked at, by way of their index
    listed: str  # the rows of a list of this type that is a parameter, numbered from 0: item(key, value)
    lists: Callable[[Sequence[Any]], Any]  # that parameter
    on_a_server: bool  # where many write at once, and what is committed outlives our machine


def _json_path(name: str) -> str:
    return '$."{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))


def _itself(name: str) -> str:
    return name


SQLITE = Dialect(
    key=_json_path,
    field="coalesce(json_extract(s.fields, ?), '')",
    tags="json_each(s.tags)",
    # SQLite's lower() knows only ASCII, but takes a fifth of the time of our fold() (store/sqlite.py).
    lower="lower",
    fold="fold",
    folded=str.casefold,
    is_date="{} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'",
    # GLOB knows no "at most one": whatever is no digit and no point, a second point, and a point at either end.
    is_number=(
        "length({0}) <= 30 AND ltrim(substr({0}, 1, 1), '-') || substr({0}, 2) GLOB '[0-9]*' AND "
        "substr({0}, 2) NOT GLOB '*[^0-9.]*' AND {0} NOT GLOB '*.*.*' AND {0} NOT GLOB '*.'"
    ),
    locked="",  # whoever writes has the whole file
    # Left to itself it takes the primary key, and reads all who have their message already, at each claim.
    by_waiting=" INDEXED BY ix_deliveries_waiting",
    listed="json_each(?) AS item",
    lists=json.dumps,
    on_a_server=False,
)

POSTGRESQL = Dialect(
    key=_itself,
    field="coalesce(s.fields::json ->> ?, '')",
    tags="json_array_elements_text(s.tags::json) AS tag(value)",
    lower="lower",
    fold="lower",
    folded=str.lower,
    is_date="{} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
    is_number="length({0}) <= 30 AND {0} ~ '^-{{0,1}}[0-9]+([.][0-9]+){{0,1}}$'",  # a ? would be a parameter
    locked=" FOR UPDATE",
    by_waiting="",  # it knows how many there are of each state, and finds this out
    listed="(SELECT value, place - 1 AS key FROM unnest(?::{}[]) WITH ORDINALITY AS one(value, place)) AS item",
    lists=list,
    on_a_server=True,
)
