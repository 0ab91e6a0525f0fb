"""A finding: what a careful editor would notice in an issue, where, what it costs the reader, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Severity(Enum):
    """How bad it is. The words are those of SARIF 2.1.0, section 3.27.10."""

    ERROR = "error"  # the issue is not published
    WARNING = "warning"  # told; with `--strict` as bad as an error
    NOTE = "note"  # a hint


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file that the author wrote; line and column count from 1, 0: not known."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        known = (self.line, self.column) if self.column else (self.line,) if self.line else ()
        return ":".join(map(str, (self.path, *known)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of one rule."""

    rule: str
    severity: Severity
    spot: Spot
    message: str  # what is wrong, and what a subscriber would see of it
    fix: str = ""
    waived: str = ""  # the author's reason to leave it; "": none given

    def as_dict(self) -> dict[str, Any]:
        """The keys that scripts rely on."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "path": self.spot.path,
            "line": self.spot.line or None,
            "column": self.spot.column or None,
            "message": self.message,
            "fix": self.fix,
        }
