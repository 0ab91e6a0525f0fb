"""An entry: one row of a list that is imported, made valid and uniform. And what became of all of them, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
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
    fields: Mapping[str, str] = {}  # "": said to be nothing
    time_zone: str = ""  # as in the IANA's database: "Europe/Paris"
    agreed: int = 0  # when the person asked to join, UTC seconds; 0: the list says nothing about consent
    confirmed: int = 0  # when the person confirmed it
    how: str = ""  # whatever else the list says about it: "Brevo: DOUBLE_OPT-IN Yes"
    network: str = ""  # from which the person did; only where the settings keep it
    left: int = 0  # when the person left, bounced or complained, UTC seconds; 0: not said


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong in one row."""

    line: int
    email: str  # as written
    reason: str
    part: str = ""  # of an archive or a workbook
    cells: tuple[str, ...] = field(default=(), compare=False)  # of a row that was not taken, as they stood there

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        told: dict[str, Any] = {"line": self.line, "email": self.email, "reason": self.reason}
        return told | {"part": self.part} if self.part else told


class Verdict(Enum):
    """What becomes of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"
    INVALID = "invalid"


class Outcome(NamedTuple):
    """What becomes of one row, for those who want to look first."""

    line: int
    email: str
    verdict: Verdict
    part: str = ""


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


@dataclass(slots=True)
class Advice:
    """What is worth a look among the addresses that are written to: nothing of it is changed or refused."""

    role: int = 0  # of an office, such as info@: nobody in particular said yes
    disposable: int = 0  # of services whose addresses live for an hour
    typos: int = 0  # whose domain looks like a well-known one


@dataclass(frozen=True, slots=True)
class ImportReport:
    """An import, told: how many rows became what, and what was wrong with some."""

    counts: Counts
    problems: tuple[RowProblem, ...] = ()
    vendor: str = ""  # whose export it was, as far as that is known
    advice: Advice = field(default_factory=Advice)
    warnings: tuple[RowProblem, ...] = ()  # rows that were taken, and should be looked at
    outcomes: tuple[Outcome, ...] = ()
    left_out: int = 0  # problems, warnings and outcomes that were too many to keep

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "rows": self.counts.rows,
            **asdict(self.counts),
            "problems": [problem.as_json() for problem in self.problems],
            "vendor": self.vendor,
            "advice": asdict(self.advice),
            "warnings": [warning.as_json() for warning in self.warnings],
            "left_out": self.left_out,
        }
