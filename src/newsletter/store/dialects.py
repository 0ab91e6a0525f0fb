"""What SQLite and PostgreSQL say differently in a segment's condition, as one table. Parameters are `?` in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Dialect(NamedTuple):
    """The words of one database. In the templates, {} is a text."""

    key: Callable[[str], str]  # the parameter that finds a field
    field: str  # the text of a field, "" when there is none
    tags: str  # the rows of a person's tags, in a column `value`
    find: str  # the function that tells where a text has another one in it, 0: nowhere
    later: str  # the function that tells the greater of two numbers
    lower: str  # without case, for a value in ASCII
    fold: str  # without case, for any value
    folded: Callable[[str], str]  # the value, in the same way
    is_date: str  # whether a text begins with a day
    is_number: str  # whether a text is a number as fields keep one; what is longer than 30 signs is none


def _json_path(name: str) -> str:
    return '$."{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))


def _itself(name: str) -> str:
    return name


SQLITE = Dialect(
    key=_json_path,
    field="coalesce(json_extract(s.fields, ?), '')",
    tags="json_each(s.tags)",
    find="instr",
    later="max",
    # SQLite's lower() knows only ASCII, but takes a fifth of the time of our fold() (store/database.py).
    lower="lower",
    fold="fold",
    folded=str.casefold,
    is_date="{} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'",
    # GLOB knows no "at most one": whatever is no digit and no point, a second point, and a point at either end.
    is_number=(
        "length({0}) <= 30 AND ltrim(substr({0}, 1, 1), '-') || substr({0}, 2) GLOB '[0-9]*' AND "
        "substr({0}, 2) NOT GLOB '*[^0-9.]*' AND {0} NOT GLOB '*.*.*' AND {0} NOT GLOB '*.'"
    ),
)

POSTGRESQL = Dialect(
    key=_itself,
    field="coalesce(s.fields::json ->> ?, '')",
    tags="json_array_elements_text(s.tags::json) AS tag(value)",
    find="strpos",
    later="greatest",
    lower="lower",
    fold="lower",
    folded=str.lower,
    is_date="{} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
    is_number="length({0}) <= 30 AND {0} ~ '^-{{0,1}}[0-9]+([.][0-9]+){{0,1}}$'",  # a ? would be a parameter
)
