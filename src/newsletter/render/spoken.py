"""Days, hours and numbers of a block, as the issue's language says them: what templates of blocks can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.render.words import base, locale

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time


def spoken(language: str) -> Mapping[str, Any]:
    """The functions that a block's template receives: `moment`, `day_of_month`, `month`, `amount` and `percent`."""

    def long_day(day: date) -> str:
        from babel.dates import format_date

        text = format_date(day, format="full", locale=locale(language))
        # French writes the first of a month as an ordinal.
        return text.replace(" 1 ", " 1er ", 1) if base(language) == "fr" and day.day == 1 else text

    def clock(hour: time) -> str:
        from babel.dates import format_time

        return format_time(hour, format="short", locale=locale(language)).replace(" ", "\u00a0")

    def moment(day: date, hour: time | None, last_day: date | None, end: time | None, zone: str = "") -> str:
        """`Friday, December 4, 2026, 6:30 PM – 9:00 PM (Central European Time)`."""
        first = both(day, hour) if hour else long_day(day)
        where = f" ({zone_name(zone)})" if zone and hour else ""
        if last_day and last_day != day:
            return f"{first} – {both(last_day, end) if end else long_day(last_day)}{where}"
        return f"{first}\u00a0–\u00a0{clock(end)}{where}" if end else f"{first}{where}"

    def both(day: date, hour: time) -> str:
        from babel.dates import get_datetime_format

        pattern = str(get_datetime_format("medium", locale=locale(language)))
        return pattern.replace("{1}", long_day(day)).replace("{0}", clock(hour))

    def zone_name(zone: str) -> str:
        from babel.dates import get_timezone_name

        return str(get_timezone_name(zone, width="long", zone_variant="generic", locale=locale(language)))

    def month(day: date) -> str:
        from babel.dates import format_date

        return format_date(day, format="MMM", locale=locale(language))

    def day_of_month(day: date) -> str:
        from babel.dates import format_date

        return format_date(day, format="d", locale=locale(language))

    def amount(number: float) -> str:
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=locale(language)))

    def percent(number: int) -> str:
        from babel.numbers import format_percent

        return str(format_percent(number / 100, locale=locale(language)))

    return {"moment": moment, "month": month, "day_of_month": day_of_month, "amount": amount, "percent": percent}
