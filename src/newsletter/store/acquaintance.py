"""Acquaintance: what is known of an audience as a whole, for those who check an issue before it goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.audience import EVERYBODY
from newsletter.manuscript import Audience
from newsletter.store.segments import recipients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.audience import Rule
    from newsletter.store.database import Database
    from newsletter.store.dialects import Dialect

_COLUMNS = frozenset({"first_name", "last_name", "name", "language"})


def acquaintance(
    database: Database, printed: Mapping[str, int], rule: Rule = EVERYBODY, *, language: str = "", now: int
) -> Audience:
    """Of those whom an issue would reach: how many, who lacks what it prints, the longest values, and the domains.

    `printed` are the fields that everybody must have, as `render.needs` tells them, and the lines that print them;
    `language` is the newsletter's, `now` is in UTC seconds.
    """
    chosen = recipients(rule, language=language, now=now, dialect=database.dialect)
    without: dict[str, int] = {}
    longest: dict[str, str] = {}
    with database.reading() as connection:
        total = connection.execute(f"SELECT count(*) FROM subscribers s WHERE {chosen.sql}", chosen.parameters)  # noqa: S608  (our own SQL)
        (number,) = total.fetchone()
        for name in printed:
            value, parameters = _value(name, database.dialect)
            if not value:
                continue
            (without[name],) = connection.execute(
                f"SELECT count(*) FROM subscribers s WHERE {value} = '' AND {chosen.sql}",  # noqa: S608  (our own SQL)
                (*parameters, *chosen.parameters),
            ).fetchone()
            row = connection.execute(
                f"SELECT value FROM (SELECT {value} AS value FROM subscribers s WHERE {chosen.sql}) AS all_of_them "  # noqa: S608  (our own SQL)
                "ORDER BY length(value) DESC LIMIT 1",
                (*parameters, *chosen.parameters),
            ).fetchone()
            longest[name] = str(row[0]) if row else ""
        domains = connection.execute(
            f"SELECT substr(s.canonical, instr(s.canonical, '@') + 1) AS domain, count(*) FROM subscribers s "  # noqa: S608  (our own SQL)
            f"WHERE {chosen.sql} GROUP BY domain ORDER BY 2 DESC LIMIT 100",
            chosen.parameters,
        ).fetchall()
    return Audience(int(number), without, dict(printed.items()), longest, dict(domains))


def _value(name: str, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """A field of `subscribers s` as SQL that is never NULL, and its parameters; "" for one that nobody can lack."""
    if name in _COLUMNS:
        return f"s.{name}", ()
    if name.startswith("fields."):
        return dialect.field, (dialect.key(name.removeprefix("fields.")),)
    return "", ()
