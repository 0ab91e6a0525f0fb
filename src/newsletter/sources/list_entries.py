"""The rows of a list as entries: addresses checked, words understood, cells cleaned, and told what is wrong where."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from newsletter.entry import Entry, RowProblem
from newsletter.errors import ListError, nearest
from newsletter.field import Field, WrongValue
from newsletter.languages import language_tag, tag_of_name
from newsletter.sources.addresses import valid_address
from newsletter.sources.csv_list import Unreadable
from newsletter.sources.list_cells import Consents, data, time_zone_of, vendor_statuses
from newsletter.sources.list_dates import day_comes_first, seconds
from newsletter.sources.list_words import DATA, FLAGS, STATUSES, WORDS_FOR_STATUS, plain, says_yes
from newsletter.subscriber import Status
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from newsletter.sources.list_files import Table

_LONGEST = 1000  # characters of a name, which goes into a header of every message

# A spreadsheet takes a cell as a formula that begins with one of these signs, or where a cell begins if it splits lines
# elsewhere. An export puts ' before them, and an import takes it away again.
GUARD = re.compile(r"(^|[;,|\"])('*)(?=[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])")
_GUARDED = re.compile(r"(^|[;,|\"])'(?='*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_MAY_BE_GUARDED = re.compile(r"'[=+\-@'\uFF1D\uFF0B\uFF0D\uFF20]")
_WEIGHT = (Reason.BOUNCED, Reason.MANUAL, Reason.UNSUBSCRIBED, Reason.COMPLAINED)
_NO_CONSENT = (0, 0, "", "")
_NO_TYPES: Mapping[str, Field] = MappingProxyType({})
_TAG_ENDS = re.compile(r"[;,|]")
# A space that does not break is white, too, and the next import would take it off.
_AROUND_TAGS = "\"'" + "".join(filter(str.isspace, map(chr, range(0x3001))))


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return GUARD.sub(r"\1'\2", cell)


def clean(cell: str) -> str:
    """One line of composed characters, without what an export added."""
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", _GUARDED.sub(r"\1", cell))).strip()


def entries(
    table: Table,
    note: Callable[[RowProblem], None],
    types: Mapping[str, Field] = _NO_TYPES,
    *,
    keep_network: bool = False,
) -> Iterator[Entry | RowProblem]:
    """Each row as an entry, or as the problem for which it cannot be taken.

    `note` hears of cells that could not be read in rows that were taken all the same; `types` are the fields of the
    settings, by their names; `keep_network` says whether networks of sign-ups are read at all.
    """
    columns, part, vendor = table.columns, table.part, table.columns.vendor
    width = columns.width

    # Behind each row stands an empty cell, which is that of a column that is not there.
    def at(meaning: str) -> int:
        return columns.known.get(meaning, -1)

    email_at, status_at, language_at, zone_at = at("email"), at("status"), at("language"), at("time_zone")
    first_at, last_at, name_at = at("first_name"), at("last_name"), at("name")
    tags_at, joined_at, data_at = columns.all("tags"), columns.all("joined"), columns.all(DATA)
    fields_at = tuple(columns.fields.items())
    flags = [(position, name, reason) for name, reason in FLAGS.items() for position in columns.all(name)]
    consent = Consents(table, keep_network=keep_network)
    dated = (*joined_at, *consent.dates_at)
    day_first = not dated or day_comes_first(_column(table, dated[0]))
    statuses = STATUSES | vendor_statuses(vendor)
    words = tuple(dict.fromkeys((*WORDS_FOR_STATUS, *(vendor.statuses if vendor else ()))))
    everybody = vendor.leaves(table.header) if vendor and status_at < 0 else None
    forgotten = vendor.forgotten if vendor else ""
    status: Status | None
    leaves: Reason | None
    wider = "put a cell that holds the delimiter in quotes"
    if table.how.startswith("sheet"):
        wider = "name that column in the header, or empty the cell"
    make = tuple.__new__  # what the class itself does, without asking which field is which

    for line, cells in table.rows():
        if isinstance(cells, Unreadable):
            yield RowProblem(line, "", cells.reason, part, (cells.text,))
            continue
        if len(cells) != width:
            if any(map(str.strip, cells[width:])):
                found = cells[email_at].strip()[:320]
                reason = f"has {len(cells)} cells where the header has {width}: {wider}"
                yield RowProblem(line, found, reason, part, tuple(cells))
                continue
            cells = (cells + [""] * width)[:width]
        raw = cells
        text = "".join(cells)
        # Of most rows these quick questions say that there is nothing to clean.
        if (
            not text.isprintable()
            or not (text.isascii() or unicodedata.is_normalized("NFC", text))
            or ("'" in text and _MAY_BE_GUARDED.search(text))
        ):
            cells = [clean(cell) for cell in cells]
        cells = [*map(str.strip, cells), ""]
        written = cells[email_at]
        if not written:
            if any(cells):
                yield RowProblem(line, "", "has no address", part, tuple(raw))
            continue
        status, leaves, left = None, everybody, 0
        if said := cells[status_at]:
            meaning = statuses.get(said) or statuses.get(plain(said))
            if meaning is None:
                # "Inactivo" and "not active" look like "active": what lets somebody get issues is never guessed.
                near = nearest(said, (word for word in words if statuses[word][0] is not Status.ACTIVE))
                fix = f"did you mean {near!r}?" if near else f"known are: {', '.join(sorted(words))}"
                if vendor and plain(said) in vendor.undecided:
                    fix = "decide whether this person gets issues: active or unsubscribed"
                reason = f"the status {said[:40]!r} is not known: {fix}"
                yield RowProblem(line, written[:320], reason, part, tuple(raw))
                continue
            status, leaves = meaning
        for position, name, why in flags:
            if (cell := cells[position]) and says_yes(cell) != (name == "subscribed"):
                leaves = why if leaves is None else max(leaves, why, key=_WEIGHT.index)
                left = left or day_of(cell, day_first)
        try:
            email = valid_address(written)
        except ListError as error:
            yield RowProblem(line, written[:320], f"the address {error.problems[0].message}", part, tuple(raw))
            continue
        if forgotten and email.endswith(forgotten):
            yield RowProblem(line, email, "asked to be deleted, and is left out", part, tuple(raw))
            continue
        first_name, last_name, whole_name = cells[first_at], cells[last_at], cells[name_at]
        if len(first_name) > _LONGEST or len(last_name) > _LONGEST or len(whole_name) > _LONGEST:
            note(RowProblem(line, email, f"a name has more than {_LONGEST} characters, and was left out", part))
            first_name, last_name, whole_name = (
                text if len(text) <= _LONGEST else "" for text in (first_name, last_name, whole_name)
            )
        language, zone, joined = "", "", 0
        if (said := cells[language_at]) and not (language := language_of(said)):
            note(RowProblem(line, email, f"the language {said[:40]!r} is not known, and was left out", part))
        if (said := cells[zone_at]) and not (zone := time_zone_of(said)):
            note(RowProblem(line, email, f"the time zone {said[:40]!r} is not known, and was left out", part))
        for position in joined_at:
            if said := cells[position]:
                try:
                    joined = seconds(said, day_first)
                    break
                except (ValueError, OverflowError, OSError) as error:
                    note(RowProblem(line, email, f"the date of joining was left out: {str(error)[:200]}", part))
        fields = {key: cell for key, position in fields_at if (cell := cells[position])} if fields_at else {}
        for position in data_at:
            if cell := cells[position]:
                try:
                    fields = {name: said for name, text in data(cell).items() if (said := clean(text))} | fields
                except ValueError as error:
                    note(RowProblem(line, email, f"{table.header[position]} was left out: {error}", part))
        if types and fields:
            for name in types.keys() & fields.keys():
                try:
                    fields[name] = types[name].read(fields[name])  # of a no, nothing, which takes a yes away
                except WrongValue as error:
                    note(RowProblem(line, email, f"the field {name} was left out: {error} ({error.fix})", part))
                    del fields[name]
        agreed, confirmed, how, network = consent.of(cells, joined, day_first) if consent.any else _NO_CONSENT
        yield make(
            Entry,
            (
                line,
                email,
                email.casefold(),
                first_name,
                last_name,
                whole_name,
                language,
                status,
                leaves,
                _all_tags(cells, tags_at) if tags_at else (),
                joined,
                fields,
                zone,
                agreed,
                confirmed,
                how,
                network,
                left,
            ),
        )


def _all_tags(cells: list[str], positions: tuple[int, ...]) -> tuple[str, ...]:
    if len(positions) == 1:
        return tags(cells[positions[0]]) if cells[positions[0]] else ()
    return tuple(dict.fromkeys(tag for position in positions for tag in tags(cells[position])))


@lru_cache(10_000)
def language_of(cell: str) -> str:
    """The language tag that a cell means by its tag or its name; "" when it is none."""
    return tag_of_name(cell) or language_tag(cell) or ""


def day_of(cell: str, day_first: bool) -> int:
    """The day that a cell names instead of a yes, in UTC seconds; 0 for none."""
    if not any(map(str.isdigit, cell)):
        return 0
    try:
        return seconds(cell, day_first)
    except (ValueError, OverflowError, OSError):
        return 0


@lru_cache(10_000)
def tags(cell: str) -> tuple[str, ...]:
    """The tags in a cell, each once: `a;b`, `a, b`, and Mailchimp's `"a","b"`."""
    return tuple(dict.fromkeys(tag for part in _TAG_ENDS.split(cell) if (tag := part.strip(_AROUND_TAGS))))


def _column(source: Table, position: int) -> Iterator[str]:
    return (cells[position] for _, cells in source.rows() if isinstance(cells, list) and len(cells) > position)
