"""The rows of a list as entries: addresses checked, words understood, cells cleaned, and told what is wrong where."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.entry import Entry, RowProblem
from newsletter.errors import ListError, did_you_mean
from newsletter.languages import language_tag, tag_of_name
from newsletter.sources.addresses import valid_address
from newsletter.sources.list_dates import day_comes_first, seconds
from newsletter.sources.list_words import STATUSES, WORDS_FOR_STATUS, plain
from newsletter.subscriber import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.sources.csv_list import CsvList
    from newsletter.subscriber import Status
    from newsletter.suppression import Reason

_LONGEST = 1000  # characters of a name, which goes into a header of every message

# A spreadsheet takes a cell as a formula that begins with one of these signs, or where a cell begins if it splits lines
# elsewhere. An export puts ' before them, and an import takes it away again.
GUARD = re.compile(r"(^|[;,|\"])('*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])")
_GUARDED = re.compile(r"(^|[;,|\"])'(?='*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
# Whether a row has to be cleaned at all; most have not.
_DIRTY = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]|'[=+\-@'\uFF1D\uFF0B\uFF0D\uFF20]")
_TAG_ENDS = re.compile(r"[;,|]")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return GUARD.sub(r"\1'\2", cell)


def clean(cell: str) -> str:
    """One line of composed characters, without what an export added."""
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", _GUARDED.sub(r"\1", cell))).strip()


def entries(source: CsvList, note: Callable[[RowProblem], None]) -> Iterator[Entry | RowProblem]:
    """Each row as an entry, or as the problem for which it cannot be taken.

    `note` hears of cells that could not be read in rows that were taken all the same.
    """
    known, width = source.columns.known, source.columns.width
    email_at, status_at, joined_at = known["email"], known.get("status"), known.get("joined")
    tags_at, language_at = known.get("tags"), known.get("language")
    names_at = [(name, known[name]) for name in ("first_name", "last_name", "name") if name in known]
    fields_at = tuple(source.columns.fields.items())
    day_first = joined_at is None or day_comes_first(_column(source, joined_at))

    for line, cells in source.rows():
        if isinstance(cells, str):
            yield RowProblem(line, "", cells)
            continue
        if len(cells) != width:
            if any(cells[width:]):
                found = cells[email_at].strip()[:320]
                yield RowProblem(line, found, f"has {len(cells)} cells where the header has {width}: "
                                 "put a cell that holds the delimiter in quotes")  # fmt: skip
                continue
            cells = (cells + [""] * width)[:width]
        text = "".join(cells)
        if _DIRTY.search(text) or not (text.isascii() or unicodedata.is_normalized("NFC", text)):
            cells = [clean(cell) for cell in cells]
        written = cells[email_at].strip()
        if not written:
            if any(cell.strip() for cell in cells):
                yield RowProblem(line, "", "has no address")
            continue
        status: Status | None = None
        leaves: Reason | None = None
        if status_at is not None and (said := cells[status_at].strip()):
            meaning = STATUSES.get(said) or STATUSES.get(plain(said))
            if meaning is None:
                fix = did_you_mean(said, WORDS_FOR_STATUS)
                yield RowProblem(line, written[:320], f"the status {said[:40]!r} is not known: {fix}")
                continue
            status, leaves = meaning
        try:
            email = valid_address(written)
        except ListError as error:
            yield RowProblem(line, written[:320], f"the address {error.problems[0].message}")
            continue
        first_name, last_name, name = "", "", ""
        for column, position in names_at:
            if cell := cells[position].strip():
                if len(cell) > _LONGEST:
                    note(RowProblem(line, email, f"the {column} has {len(cell)} characters, and was left out"))
                elif column == "first_name":
                    first_name = cell
                elif column == "last_name":
                    last_name = cell
                else:
                    name = cell
        language = ""
        if language_at is not None and (said := cells[language_at].strip()):
            language = language_of(said)
            if not language:
                note(RowProblem(line, email, f"the language {said[:40]!r} is not known, and was left out"))
        joined = 0
        if joined_at is not None and (said := cells[joined_at].strip()):
            try:
                joined = seconds(said, day_first)
            except (ValueError, OverflowError, OSError) as error:
                note(RowProblem(line, email, f"the date of joining was left out: {str(error)[:200]}"))
        yield Entry(
            line,
            email,
            canonical(email),
            first_name,
            last_name,
            name,
            language,
            status,
            leaves,
            tags(cells[tags_at]) if tags_at is not None and cells[tags_at] else (),
            joined,
            {key: cell for key, position in fields_at if (cell := cells[position].strip())} if fields_at else {},
        )


@lru_cache(10_000)
def language_of(cell: str) -> str:
    """The language tag that a cell means by its tag or its name; "" when it is none."""
    return tag_of_name(cell) or language_tag(cell) or ""


@lru_cache(10_000)
def tags(cell: str) -> tuple[str, ...]:
    """The tags in a cell, each once: `a;b`, `a, b`, and Mailchimp's `"a","b"`."""
    return tuple(dict.fromkeys(tag for part in _TAG_ENDS.split(cell) if (tag := part.strip(" \"'"))))


def _column(source: CsvList, position: int) -> Iterator[str]:
    return (cells[position] for _, cells in source.rows() if isinstance(cells, list) and len(cells) > position)
