"""Receive: what follows from what is heard. One set of rules, whoever the witness is: a report by mail, a provider's
webhook, or the server that refused while we were sending.

    hard        the address is suppressed at once
    soft        suppressed when five issues in a row came back, over 21 days at least; a mailbox that is disabled
                (5.2.1) is believed the second time, a week later
    block, content, sender     counted, and shown: they speak of us, so nobody is suppressed
    auto        ignored
    complaint   unsubscribed and suppressed, for ever

Whatever names an uncertain delivery ends the doubt about it. An event is kept under its witness's id, so that a
repeat changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.store import events as store
from newsletter.store import life
from newsletter.store.subscribers import leave, suppress
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.delivery import State
    from newsletter.store.database import Connection, Database
    from newsletter.store.events import Person, Try

DAY = 86_400

# How often an address may come back, and over how long, before it is suppressed: distinct issues, seconds.
SOFT_ISSUES, SOFT_SPAN = 5, 21 * DAY
DISABLED = "5.2.1"
DISABLED_ISSUES, DISABLED_SPAN = 2, 7 * DAY

# A report that shows no id of ours is believed when something went to the address it names so shortly before: servers
# try for five days (RFC 5321 section 4.5.4.1), and readers press a button later.
_BOUNCES_WITHIN = 10 * DAY
_COMPLAINTS_WITHIN = 30 * DAY

_BATCH = 1000


class Effect(Enum):
    """What an event came to. The word is what `--json` says."""

    SUPPRESSED = "suppressed"  # the address gets nothing more
    UNSUBSCRIBED = "unsubscribed"  # the person is off the list, for good
    COUNTED = "counted"  # on record; it may add up to something, or not
    IGNORED = "ignored"  # says nothing about the address
    REPEATED = "repeated"  # was heard before
    NOBODY = "nobody"  # about nobody on the list, or without proof


@dataclass(frozen=True, slots=True)
class Consequence:
    """An event, and what it came to."""

    event: Event
    effect: Effect
    email: str = ""  # whose; "" for NOBODY
    bounce: BounceClass | None = None  # as it was counted
    settled: State | None = None  # what an uncertain delivery became
    why: str = ""  # of a suppression


def receive(
    database: Database,
    events: Iterable[Event],
    now: int,
    *,
    only_proved: bool = False,
    dry_run: bool = False,
    tracking: bool = False,
) -> list[Consequence]:
    """Take events in, and do what follows, in one transaction. `now` is in UTC seconds.

    What may take somebody off the list survives a power cut from then on: whoever told it tells it once.

    With `only_proved`, an event must show an id of ours: right where every message has a return path of its own, since
    each true bounce then carries one. Who opened and clicked is forgotten at once, unless readers agreed to `tracking`.
    With `dry_run`, all is found out and nothing is changed. Raises StoreError.
    """
    with store.receiving(database, dry_run=dry_run) as connection:
        consequences = [
            Consequence(event, Effect.IGNORED)
            if event.kind in _TRACKED and not tracking
            else _take(connection, event, now, only_proved)
            for event in events
        ]
    # A repeat as well: this program may have been killed just here, the first time.
    if not dry_run and any(each.event.kind in _AGAINST and each.effect is not Effect.NOBODY for each in consequences):
        life.settle(database)
    return consequences


def receive_refusals(database: Database, mailing: int, now: int) -> list[Consequence]:
    """Take in what servers refused while a mailing was being sent: the same rules, in batches; what changed something.

    What was heard of a delivery before it came into doubt ends the doubt. Doing it twice changes nothing. Raises
    StoreError.
    """
    store.settle_what_was_heard(database, mailing, now)
    changes: list[Consequence] = []
    after = -1
    while refusals := store.unheard_refusals(database, mailing, after, _BATCH):
        after = refusals[-1].subscriber
        consequences = receive(database, refusals, now)
        changes += [each for each in consequences if each.effect in (Effect.SUPPRESSED, Effect.UNSUBSCRIBED)]
    return changes


def _take(connection: Connection, event: Event, now: int, only_proved: bool) -> Consequence:
    person = _whom(connection, event, now, only_proved)
    if person is None:
        return Consequence(event, Effect.NOBODY, bounce=event.bounce)
    bounce = _counted_as(event, person)
    if bounce is BounceClass.AUTO:
        settled = store.settle(connection, person, event, now)
        return Consequence(event, Effect.IGNORED, person.email, bounce, settled)
    # A witness's clock may be wrong; nothing was heard before it was sent, or after now.
    at = min(max(int(event.at.timestamp()) if event.at else now, person.planned_at), now)
    if not store.keep(connection, event, person, bounce, at, now):
        # Nothing at all, not even a delivery that has come into doubt since.
        return Consequence(event, Effect.REPEATED, person.email, bounce)
    settled = store.settle(connection, person, event, now)
    effect, why = _follow(connection, event, person, bounce, now)
    return Consequence(event, effect, person.email, bounce, settled, why)


def _whom(connection: Connection, event: Event, now: int, only_proved: bool) -> Person | None:
    if event.is_proved:
        return store.proved(connection, event)
    if only_proved or not event.address:
        return None
    within = _COMPLAINTS_WITHIN if event.kind is EventKind.COMPLAINED else _BOUNCES_WITHIN
    return store.named(connection, event.address, now - within)


def _counted_as(event: Event, person: Person) -> BounceClass | None:
    """The class of a bounce. Where a forwarded message cannot be delivered, the address that forwards may be well."""
    is_elsewhere = event.address and _domain(event.address) != _domain(person.email)
    return BounceClass.SOFT if event.bounce is BounceClass.HARD and is_elsewhere else event.bounce


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _follow(
    connection: Connection, event: Event, person: Person, bounce: BounceClass | None, now: int
) -> tuple[Effect, str]:
    if event.kind in _LEAVING:
        left = leave(connection, person.address, now=now, source=event.source, reason=_LEAVING[event.kind])
        return (Effect.UNSUBSCRIBED if left else Effect.COUNTED), ""
    why = ""
    if bounce is BounceClass.HARD:
        why = f"{event.reply}" or "no such address"
    elif bounce is BounceClass.SOFT and person.mailing:
        why = has_come_back_enough(store.tries(connection, person.id, person.mailing))
    if not why:
        return Effect.COUNTED, ""
    source = f"{event.source}: {why}"[:200]
    new = suppress(connection, person.address, now=now, source=source, reason=Reason.BOUNCED)
    return (Effect.SUPPRESSED if new else Effect.COUNTED), why


_TRACKED = (EventKind.OPENED, EventKind.CLICKED)
_AGAINST = (EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED)  # may take somebody off the list
_LEAVING = {EventKind.COMPLAINED: Reason.COMPLAINED, EventKind.UNSUBSCRIBED: Reason.UNSUBSCRIBED}


def has_come_back_enough(tries: Sequence[Try]) -> str:
    """Why a person's soft bounces are enough, from their last mailings, the latest first; "" when they are not.

    The run ends at a mailing that arrived, as far as is known. One that was blocked, skipped or is in doubt says
    nothing, and neither ends the run nor counts.
    """
    run: list[tuple[str, int, str]] = []
    for each in tries:
        soft = [(code, at) for bounce, code, at in each.bounces if bounce in (BounceClass.SOFT, BounceClass.HARD)]
        if soft and max(at for _, at in soft) > each.delivered_at:
            run += [(each.issue, at, code) for code, at in soft]
        elif each.delivered_at or (each.accepted and not each.bounces):
            break
    disabled = [(issue, at) for issue, at, code in run if code == DISABLED]
    if _is_enough(disabled, DISABLED_ISSUES, DISABLED_SPAN):
        return "the mailbox is disabled, and was a week before"
    if _is_enough([(issue, at) for issue, at, _ in run], SOFT_ISSUES, SOFT_SPAN):
        return f"the last {len({issue for issue, _, _ in run})} issues came back"
    return ""


def _is_enough(run: Sequence[tuple[str, int]], issues: int, span: int) -> bool:
    times = [at for _, at in run]
    return len({issue for issue, _ in run}) >= issues and max(times) - min(times) >= span
