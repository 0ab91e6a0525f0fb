"""Bounces: read the mailbox that reports come back to, do what follows, and put away what was dealt with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from newsletter.actions.receive import Consequence, Effect, receive
from newsletter.errors import NewsletterError
from newsletter.reports import Reading, ReportKind, read_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from newsletter.event import Event
    from newsletter.links import Signer
    from newsletter.sources.intake import Incoming, Intake
    from newsletter.store.database import Database

_BATCH = 100


@dataclass(slots=True)
class Heard:
    """What was found in a mailbox, and what it came to. `messages` is the sum of `kinds`."""

    messages: int = 0
    kinds: Counter[ReportKind] = field(default_factory=Counter)
    left: int = 0  # messages that were not put away
    forged: int = 0  # of these, those that showed an id like ours with another signature
    stumbled: dict[str, str] = field(default_factory=dict)  # of these, those that broke us: name → kind of error
    consequences: list[Consequence] = field(default_factory=list)

    def __iadd__(self, other: Heard) -> Self:
        self.messages += other.messages
        self.kinds += other.kinds
        self.left += other.left
        self.forged += other.forged
        self.stumbled |= other.stumbled
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
    known. What is left where it is: mail of people, reports on others, and what we stumble over, which takes nothing
    else along. Raises StoreError and what the intake raises; the batches before stay as they are.
    """
    heard = Heard()
    messages = intake.messages()
    while batch := list(islice(messages, _BATCH)):
        take = partial(receive, database, now=now(), only_proved=only_proved, dry_run=dry_run)
        readings, unread = _read(batch, signer)
        consequences, untaken = _take_in(take, readings)
        stumbled = unread | untaken
        concerning = {each.event.id for each in consequences if each.effect is not Effect.NOBODY}
        known = {name: reading for name, reading in readings.items() if name not in stumbled}
        done = [name for name, reading in known.items() if _is_ours(reading, concerning)]
        if not dry_run:
            # What another signed may be for another newsletter, which reads the same mailbox: it has to find it new.
            seen = [name for name, reading in known.items() if name not in done and not reading.forged]
            intake.put_away(done, seen)
        heard += Heard(
            messages=len(batch),
            kinds=Counter(reading.kind for reading in readings.values()) + Counter({ReportKind.OTHER: len(unread)}),
            left=len(batch) - len(done),
            forged=sum(reading.forged for reading in readings.values()),
            stumbled=stumbled,
            consequences=consequences,
        )
    return heard


def _read(batch: Iterable[Incoming], signer: Signer) -> tuple[dict[str, Reading], dict[str, str]]:
    """What each message is, by name, and what broke us in those that have no reading therefore."""
    readings: dict[str, Reading] = {}
    stumbled: dict[str, str] = {}
    for incoming in batch:
        try:
            readings[incoming.name] = read_report(incoming.raw, signer)
        except Exception as error:  # nothing should raise, and anybody may send us what does
            stumbled[incoming.name] = type(error).__name__  # its text may name somebody
    return readings, stumbled


def _take_in(
    take: Callable[[Iterable[Event]], list[Consequence]], readings: Mapping[str, Reading]
) -> tuple[list[Consequence], dict[str, str]]:
    """What follows from readings, and what broke us in those of which nothing is stored. They share one transaction."""
    try:
        return take(event for reading in readings.values() for event in reading.events), {}
    except NewsletterError:
        raise
    except Exception as error:
        if len(readings) == 1:
            return [], dict.fromkeys(readings, type(error).__name__)
    consequences: list[Consequence] = []
    stumbled: dict[str, str] = {}
    for name, reading in readings.items():  # which of them it was is seen when each is alone
        found, untaken = _take_in(take, {name: reading})
        consequences += found
        stumbled |= untaken
    return consequences, stumbled


def _is_ours(reading: Reading, concerning: set[str]) -> bool:
    """Whether a report was about this list, also about a person who is no longer on it."""
    return any(event.is_proved or event.id in concerning for event in reading.events)
