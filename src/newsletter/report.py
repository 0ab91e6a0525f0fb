"""What became of a mailing, in numbers that always add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.delivery import State

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries stand where. `planned` is by construction the sum of the others."""

    accepted: int = 0
    deferred: int = 0
    rejected: int = 0
    skipped: int = 0
    uncertain: int = 0
    pending: int = 0  # not offered yet, or on their way at this moment

    @property
    def planned(self) -> int:
        """Everybody in the frozen audience."""
        return self.accepted + self.deferred + self.rejected + self.skipped + self.uncertain + self.pending

    @property
    def is_settled(self) -> bool:
        """Nothing is left to do: the mailing may be called finished."""
        return self.pending == 0 and self.deferred == 0

    @property
    def all_well(self) -> bool:
        """Everybody who should have it has it."""
        return self.is_settled and self.rejected == 0 and self.uncertain == 0


_COUNTED_AS = {
    State.PENDING: "pending",
    State.CLAIMED: "pending",
    State.OFFERED: "pending",
    State.ACCEPTED: "accepted",
    State.DEFERRED: "deferred",
    State.REJECTED: "rejected",
    State.SKIPPED: "skipped",
    State.UNCERTAIN: "uncertain",
}


def tally(counts: Mapping[State, int]) -> Tally:
    """The tally of deliveries counted by state."""
    sums: Counter[str] = Counter()
    for state, number in counts.items():
        sums[_COUNTED_AS[state]] += number
    return Tally(**sums)
