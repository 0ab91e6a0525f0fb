"""The list of issues, cut into pages that stay small however long a newsletter lives.

archive/           the newest issues; all of them, as long as they are few
archive/-/2024/    a year that is not whole on that page; a very full one goes on at archive/-/2024/2/

A year's pages are filled from its first issue on, so that what an old one lists stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.render.web_pages import Entry

MOST = 100  # issues on one page: below 50 kB with titles and summaries of a usual length


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list."""

    entries: tuple[Entry, ...]  # the newest first
    path: str = ""  # below the archive's folder, with a slash at its end; "": that folder
    label: str = ""  # what links to it say; "": the newest issues

    @property
    def root(self) -> str:
        """The way from the page to the archive's folder."""
        return "../" * self.path.count("/")

    @property
    def years(self) -> tuple[tuple[int, tuple[Entry, ...]], ...]:
        """Its issues by year."""
        return tuple((year, tuple(entries)) for year, entries in groupby(self.entries, key=lambda each: each.day.year))


def listings(entries: Sequence[Entry]) -> tuple[Listing, ...]:
    """The pages that list these issues, which come the newest first: the archive's own, then the years'."""
    first = Listing(tuple(entries[:MOST]))
    if len(entries) <= MOST:
        return (first,)
    cut = entries[MOST].day.year  # the newest year that is not whole there
    older = Listing(tuple(entry for entry in entries if entry.day.year <= cut))
    return (first, *(page for year, some in older.years for page in _pages_of(year, some)))


def _pages_of(year: int, entries: tuple[Entry, ...]) -> Iterator[Listing]:
    """A year's pages, the newest first."""
    number = -(-len(entries) // MOST)
    for part in range(number, 0, -1):
        # Counted from the end of the list, where the year begins.
        some = entries[max(0, len(entries) - part * MOST) : len(entries) - (part - 1) * MOST]
        path = f"-/{year}/" if part == 1 else f"-/{year}/{part}/"
        yield Listing(some, path, f"{year}" if number == 1 else f"{year} · {part}")
