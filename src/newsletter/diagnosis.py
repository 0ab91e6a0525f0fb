"""A diagnosis: one thing that must be right around a newsletter for its mails to arrive, and whether it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Health(Enum):
    """How it stands. The word is what `--json` says."""

    GOOD = "good"
    ADVICE = "advice"  # works, and could be better
    BAD = "bad"  # mails will be refused, or land in spam, or nothing can be sent
    UNKNOWN = "unknown"  # nobody answered, or nobody was asked


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding. `wanted_by` names the receivers that refuse or punish mail without it."""

    section: str  # "Settings", "Way out", "Domain", "Pages"
    about: str  # "SPF"
    health: Health
    message: str
    fix: str = ""
    publish: str = ""  # a record to write into the DNS, as a zone file has it
    wanted_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The keys that scripts rely on."""
        return {
            "section": self.section,
            "about": self.about,
            "health": self.health.value,
            "message": self.message,
            "fix": self.fix,
            "publish": self.publish,
            "wanted_by": list(self.wanted_by),
        }
