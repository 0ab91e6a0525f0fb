"""Filters of our own: dates and numbers in the language of whoever reads them.

    {{ subscriber.fields.birthday | date }}            12 mai 1980 · May 12, 1980
    {{ subscriber.fields.birthday | date("d MMMM") }}  12 mai · 12 May
    {{ subscriber.fields.points | number }}            1 234,5 · 1,234.5

What is no date or no number counts as missing: a default stands in for it, and without one it is an error.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, pass_context

from newsletter.dates import NotADate, read_date
from newsletter.render.words import locale, long_date

if TYPE_CHECKING:
    from jinja2.runtime import Context

LANGUAGE = "_language"  # the name in the context of an expression that holds the reader's language
STYLES = ("short", "medium", "long", "full")


@pass_context
def date(context: Context, value: Any, form: str = "long") -> Any:
    """A day in words, in one of the STYLES or by a pattern of letters (Unicode TR 35)."""
    if isinstance(value, Undefined):
        return value
    try:
        day = read_date(str(value))
    except NotADate as error:
        return context.environment.undefined(f"{str(value)!r} is no date: {error}")
    language = str(context.get(LANGUAGE) or "en")
    if form == "long":
        return long_date(day, language)
    from babel.dates import format_date

    return format_date(day, form, locale(language))


@pass_context
def number(context: Context, value: Any, decimals: int | None = None) -> Any:
    """A number with its thousands apart, in the form of the language; with so many decimals, or as many as it has."""
    if isinstance(value, Undefined):
        return value
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount.adjusted() > 40:
        return context.environment.undefined(f"{str(value)!r} is no number")
    from babel.numbers import format_decimal

    form = "#,##0.##########" if decimals is None else f"#,##0.{'0' * min(decimals, 10)}".rstrip(".")
    return format_decimal(amount, form, locale(str(context.get(LANGUAGE) or "en")))


FILTERS = {"date": date, "number": number}
SAMPLES = {"date": "2026-11-21", "number": "1234"}  # what stands for a value of nobody, through each filter
