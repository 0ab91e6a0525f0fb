"""What stands in the cells of other tools' lists: objects as text, time zones, and how a person agreed."""

from __future__ import annotations

import ast
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.consent import network_of
from newsletter.sources.list_dates import seconds
from newsletter.sources.list_words import field_name
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from newsletter.sources.list_files import Table
    from newsletter.sources.list_vendors import Vendor
    from newsletter.suppression import Reason

_LONGEST_DATA = 20_000  # characters of an object
_LONGEST_NOTE = 200
_NO_CONSENT = (0, 0, "", "")


def data(cell: str) -> dict[str, str]:
    """The keys of an object as fields: JSON, and what Python prints for a dictionary, which Buttondown writes.

    Raises ValueError, saying what is wrong.
    """
    if len(cell) > _LONGEST_DATA:
        raise ValueError(f"it has {len(cell):,} characters; at most {_LONGEST_DATA:,} can be read")
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError("it is no object in JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is no object in JSON")
    return {name: text for key, value in found.items() if (name := field_name(str(key))) and (text := _text(value))}


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return " ".join(value.split())
        case int() | float():
            return str(value)
        case [*each] if all(isinstance(one, str | int | float) for one in each):
            return ", ".join(map(str, each))
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


@lru_cache(1000)
def time_zone_of(cell: str) -> str:
    """The name of a time zone as the IANA's database has it; "" when it is none."""
    from zoneinfo import available_timezones

    known = {name.casefold(): name for name in available_timezones()}
    return known.get(cell.replace(" ", "_").casefold(), "")


def vendor_statuses(vendor: Vendor | None) -> dict[str, tuple[Status | None, Reason | None]]:
    """What a tool's own words for a status mean."""
    if vendor is None:
        return {}
    return {
        word: (meaning, None) if isinstance(meaning, Status) else (None, meaning)
        for word, meaning in vendor.statuses.items()
    }


class Consents:
    """Reads from a row how its person agreed."""

    def __init__(self, table: Table, *, keep_network: bool) -> None:
        columns = table.columns
        self._networks = columns.all("consent.network") if keep_network else ()
        self._at, self._confirmed = columns.all("consent.at"), columns.all("consent.confirmed")
        self._notes = [(table.header[position], position) for position in columns.all("consent.note")]
        self._who = f"{columns.vendor.name}: " if columns.vendor else ""
        self.dates_at = (*self._at, *self._confirmed)
        self.any = bool(columns.vendor or self.dates_at or self._notes or self._networks)

    def of(self, cells: list[str], joined: int, day_first: bool) -> tuple[int, int, str, str]:
        """When the person agreed and confirmed, in UTC seconds, what else is said, and the network; 0, "": none."""
        agreed = _first(cells, self._at, day_first) or joined
        confirmed = _first(cells, self._confirmed, day_first)
        noted = ", ".join(f"{title} {cells[position].strip()[:_LONGEST_NOTE]}" for title, position in self._notes
                          if cells[position].strip())  # fmt: skip
        if not (agreed or confirmed or noted):
            return _NO_CONSENT
        network = next(filter(None, (network_of(cells[position].strip()) for position in self._networks)), "")
        how = f"{self._who}{noted}" if noted else self._who.removesuffix(": ")
        return agreed or confirmed, confirmed, how, network


def _first(cells: list[str], positions: tuple[int, ...], day_first: bool) -> int:
    for position in positions:
        if said := cells[position].strip():
            try:
                return seconds(said, day_first)
            except (ValueError, OverflowError, OSError):
                continue
    return 0
