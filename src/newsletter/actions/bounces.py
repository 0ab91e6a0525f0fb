"""Bounces: read the mailbox that reports come back to, do what follows, and put away what was dealt with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from newsletter.actions.receive import Consequence, Effect, receive
from newsletter.reports import Reading, ReportKind, read_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from newsletter.links import Signer
    from newsletter.sources.intake import Intake
    from newsletter.store.database import Database

_BATCH = 100


@dataclass(slots=True)
class Heard:
    """What was found in a mailbox, and what it came to. `messages` is the sum of `kinds`."""

    messages: int = 0
    kinds: Counter[ReportKind] = field(default_factory=Counter)
    left: int = 0  # messages that were not put away
    forged: int = 0  # of these, those that showed an id like ours with another signature
    consequences: list[Consequence] = field(default_factory=list)

    def __iadd__(self, other: Heard) -> Self:
        self.messages += other.messages
        self.kinds += other.kinds
        self.left += other.left
        self.forged += other.forged
        self.consequences += other.consequences
        return self


def read_bounces(
    intake: Intake,
    database: Database,
    signer: Signer,
    now: Callable[[], int],
    *,
    only_proved: bool = False,
    dry_run: bool = False,
) -> Heard:
    """Read all messages that wait, in batches. `now` is in UTC seconds; `only_proved` as for `receive`.

    What follows from a batch is stored before the batch is put away: after a crash in between it is read again, and
    known. What is left where it is: mail of people, and reports on others. Raises StoreError and what the intake
    raises; the batches before stay as they are.
    """
    heard = Heard()
    messages = intake.messages()
    while batch := list(islice(messages, _BATCH)):
        readings = [(incoming.name, read_report(incoming.raw, signer)) for incoming in batch]
        events = [event for _, reading in readings for event in reading.events]
        consequences = receive(database, events, now(), only_proved=only_proved, dry_run=dry_run)
        concerning = {each.event.id for each in consequences if each.effect is not Effect.NOBODY}
        done = [name for name, reading in readings if _is_ours(reading, concerning)]
        if not dry_run:
            people = [name for name, reading in readings if reading.kind is ReportKind.OTHER and not reading.forged]
            intake.put_away(done, people)
        heard += Heard(
            messages=len(batch),
            kinds=Counter(reading.kind for _, reading in readings),
            left=len(batch) - len(done),
            forged=sum(reading.forged for _, reading in readings),
            consequences=consequences,
        )
    return heard


def _is_ours(reading: Reading, concerning: set[str]) -> bool:
    """Whether a report was about this list, also about a person who is no longer on it."""
    return any(event.is_proved or event.id in concerning for event in reading.events)
