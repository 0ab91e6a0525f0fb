"""An entry: one row of a list that is imported, made valid and uniform. And what became of all of them, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.subscriber import Status
    from newsletter.suppression import Reason


class Entry(NamedTuple):
    """One row. Text that it does not give is empty. A tuple, since there may be a million of them."""

    line: int  # of the file, from 1; quoted cells may span lines, this is the first
    email: str  # valid; its domain in lower-case ASCII
    canonical: str
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    language: str = ""
    status: Status | None = None  # None: not said
    leaves: Reason | None = None  # it says that this address must not be written to
    tags: tuple[str, ...] = ()
    joined: int = 0  # UTC seconds; 0: not said
    fields: Mapping[str, str] = {}
    time_zone: str = ""  # as in the IANA's database: "Europe/Paris"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong in one row."""

    line: int
    email: str  # as written
    reason: str


@dataclass(slots=True)
class Counts:
    """What became of the rows. `rows` is the sum of the others."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    suppressed: int = 0  # left, bounced or was blocked, by this list or already before: gets nothing
    invalid: int = 0
    duplicates: int = 0  # the same address again in the same list

    @property
    def rows(self) -> int:
        """All rows that hold anything."""
        return self.added + self.updated + self.unchanged + self.suppressed + self.invalid + self.duplicates

    def __iadd__(self, other: Counts) -> Counts:
        """Both together."""
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self


@dataclass(frozen=True, slots=True)
class ImportReport:
    """An import, told: how many rows became what, and what was wrong with some."""

    counts: Counts
    problems: tuple[RowProblem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "rows": self.counts.rows,
            **asdict(self.counts),
            "problems": [asdict(problem) for problem in self.problems],
        }
