"""What the columns of a list mean: by its header, by the tool that wrote it, or by what the author says.

said by the author     --map "Ville=fields.city"
known of the tool      newsletter.sources.list_vendors
the documented name    email, first_name, fields.city …
a usual name           newsletter.sources.list_words
anything else          a field of that name
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from newsletter.errors import ListError, Problem, did_you_mean, nearest
from newsletter.sources.list_vendors import Vendor, vendor_of
from newsletter.sources.list_words import COLUMNS, KNOWN, MEANINGS, MEANT, NOTHING, SEVERAL, field_name, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_COLUMNS = 1000
_FIRST_ROWS = 20  # among which a header stands
_WHOLE_NAMES = ("nom", "apellido y nombre", "nombre", "nome", "naam")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row what stands: known columns, and the others, which become fields."""

    known: dict[str, int]
    fields: dict[str, int]
    width: int
    more: tuple[tuple[str, int], ...] = ()  # further columns of the same meaning, and all that is no plain text
    vendor: Vendor | None = field(default=None, compare=False)

    def meanings(self) -> list[str]:
        """What each column means, from the left; "-" for one that is not read."""
        found = [NOTHING] * self.width
        for name, position in (*self.known.items(), *self.more):
            found[position] = name
        for name, position in self.fields.items():
            found[position] = f"fields.{name}"
        return found

    def all(self, meaning: str) -> tuple[int, ...]:
        """The positions of all columns of a meaning."""
        first = (self.known[meaning],) if meaning in self.known else ()
        return (*first, *(position for name, position in self.more if name == meaning))


def columns(header: list[str], path: str, mapping: Mapping[str, str] | None = None) -> Columns:
    """What each column of a header means. `mapping` is what the author says of some: title → meaning.

    Raises ListError when none of them holds addresses, naming what was found and the likeliest one.
    """
    if len(header) > MOST_COLUMNS and sum(map(bool, header)) > MOST_COLUMNS:
        told = f"the header names {len(header):,} columns; at most {MOST_COLUMNS:,} can be read"
        raise ListError(Problem(told, path, fix="is this the list? Then leave out what no issue speaks of"))
    plains = [plain(title) for title in header]
    vendor = vendor_of(plains)
    meant: dict[int, str] = {}
    taken: set[str] = set()

    def give(position: int, meaning: str | None, *, again: bool) -> None:
        if meaning and position not in meant and (meaning not in taken or (again and meaning in SEVERAL)):
            meant[position] = meaning
            if not meaning.startswith("fields.") and meaning != NOTHING:
                taken.add(meaning)

    said = {plain(title): meaning for title, meaning in (mapping or {}).items()}
    for position, title in enumerate(header):
        if meaning := (mapping or {}).get(title) or said.get(plains[position]):
            give(position, meaning, again=True)
    # The exact name of the documentation goes before any synonym further left.
    if vendor:
        for position, name in enumerate(plains):
            give(position, vendor.columns.get(name), again=True)
    for position, title in enumerate(header):
        give(position, title if title in KNOWN else None, again=False)
    for position, name in enumerate(plains):
        give(position, MEANT.get(name), again=False)
    for position, name in enumerate(plains):
        # "Nom" beside "Prénom" is the family name; alone it is the whole one.
        if name in _WHOLE_NAMES:
            give(position, "last_name" if "first_name" in taken else "name", again=False)
    if "email" not in taken:
        raise _no_addresses(header, path)
    return _placed(header, meant, vendor)


def find_header(
    rows: Iterable[list[str]], path: str, mapping: Mapping[str, str] | None = None
) -> tuple[int, list[str], Columns]:
    """The row that names the columns, below lines of a title: its index, its titles, and what they mean.

    A line above it may hold one cell that is no address: below a row of several cells no header is looked for, so that
    a word among the data is never taken for one. Raises ListError.
    """
    problem: ListError | None = None
    for index, row in enumerate(islice(rows, _FIRST_ROWS)):
        header = [cell.strip() for cell in row]
        try:
            return index, header, columns(header, path, mapping)
        except ListError as error:
            filled = [cell for cell in header if cell]
            problem = problem or (error if filled else None)
            if len(filled) > 1 or any("@" in cell for cell in filled):
                break
    raise problem or _no_addresses([], path)


def _placed(header: list[str], meant: dict[int, str], vendor: Vendor | None) -> Columns:
    known: dict[str, int] = {}
    fields: dict[str, int] = {}
    more: list[tuple[str, int]] = []
    numbers: Counter[str] = Counter()
    for position, title in enumerate(header):
        meaning = meant.get(position)
        if meaning == NOTHING:
            continue
        if meaning and not meaning.startswith("fields."):
            if meaning in KNOWN and meaning not in known:
                known[meaning] = position
            else:
                more.append((meaning, position))
            continue
        bare = meaning or title
        name = base = field_name(bare.removeprefix("fields.")) or f"column_{position + 1}"
        while name in fields:
            numbers[base] += 1
            name = f"{base}_{numbers[base] + 1}"
        fields[name] = position
    return Columns(known, fields, len(header), tuple(more), vendor)


def header_of(field: str) -> str:
    """The header under which a field comes back as itself."""
    return field if columns(["email", field], "").fields == {field: 1} else f"fields.{field}"


def read_mapping(texts: Iterable[str]) -> dict[str, str]:
    """What `--map` says: "Courriel=email", "Ville=fields.city", "X=-".

    Raises ListError for a meaning that there is not, with the nearest one.
    """
    mapping: dict[str, str] = {}
    for text in texts:
        title, sign, meaning = (part.strip() for part in text.rpartition("="))
        if not sign or not title or not meaning:
            raise ListError(Problem(f"{text!r} does not say which column means what",
                                    fix="write COLUMN=MEANING, such as Ville=fields.city"))  # fmt: skip
        if meaning.startswith("fields."):
            meaning = f"fields.{field_name(meaning.removeprefix('fields.'))}"
        if meaning == "fields." or (meaning not in MEANINGS and not meaning.startswith("fields.")):
            near = nearest(meaning, MEANINGS)
            fix = (
                f"did you mean {near!r}?" if near else f"for a field of its own: fields.{field_name(meaning) or 'name'}"
            )
            raise ListError(Problem(f"a column cannot mean {meaning!r}", fix=f"{fix} Known are: {', '.join(MEANINGS)}"))
        if meaning in mapping.values() and meaning not in SEVERAL and meaning != NOTHING:
            raise ListError(Problem(f"two columns cannot both mean {meaning!r}", fix="leave one of them out: COLUMN=-"))
        mapping[title] = meaning
    return mapping


def check_mapping(mapping: Mapping[str, str], headers: Iterable[list[str]], path: str) -> None:
    """Raises ListError when the mapping speaks of a column that there is in no header."""
    titles = [title for header in headers for title in header]
    there = {*titles, *map(plain, titles)}
    for title in mapping:
        if title not in there and plain(title) not in there:
            raise ListError(
                Problem(f"no column is called {title!r}", path, fix=did_you_mean(title, filter(None, titles)))
            )


def _no_addresses(header: list[str], path: str) -> ListError:
    shown = ", ".join(title[:40] for title in header[:12] if title) or "nothing"
    if any("@" in title for title in header):
        return ListError(
            Problem("the first line holds an address, and should name the columns", path, 1,
                    fix="put a line above it: email, or email,first_name,… as the columns are")
        )  # fmt: skip
    near = {plain(title): title for title in header if title}
    found = next((near[n] for word in ("email", "mail", *COLUMNS["email"]) if (n := nearest(word, near))), None)
    return ListError(
        Problem(f"no column is called email; the header names: {shown}", path, 1,
                fix=f"did you mean {found!r}? Then call it email, or say so: --map {found!r:.60}=email" if found
                else "call the column that holds the addresses email, or name it: --map COLUMN=email")
    )  # fmt: skip
