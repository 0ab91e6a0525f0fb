"""Zones: the names of time zones, as the IANA database has them, such as `Europe/Paris`."""

from __future__ import annotations

from newsletter.errors import nearest


def time_zone(text: str) -> str:
    """The name, if there is such a zone. Raises ValueError with what would be right."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(text).key
    except (LookupError, ValueError, OSError):  # no such zone; a path out of the database; a folder of it
        by_city = {zone.rpartition("/")[2]: zone for zone in sorted(available_timezones(), reverse=True) if "/" in zone}
        words = text.strip().replace(" ", "_")
        # CEST and the like are the names of hours, not of places.
        meant = "" if words.isupper() else by_city.get(nearest(words.rpartition("/")[2], by_city) or "")
        fix = f"did you mean {meant!r}?" if meant else "write continent and city, as Europe/Paris"
        raise ValueError(fix) from None
