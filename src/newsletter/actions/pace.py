"""Pace: hand out claimed recipients as the limits allow.

Each group of recipients that has a limit of its own has a lane; everybody else shares one. Who may not go yet waits in
their lane while the others go on, and a lane that is full is left out of the next claims: the ledger is the queue, and
only the head of it is held in memory.

    ledger ──claim──▶ waiting ──tokens──▶ cleared ──▶ a message
                         ▲                   │
                         └──── too late ─────┘     a token is good for a tenth of a second, and not beyond its day
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from newsletter.errors import Paused, Problem
from newsletter.limits import ALL, GOOD_FOR, Limit
from newsletter.store.claims import Choice, still_wanted
from newsletter.store.leases import holder
from newsletter.store.ledger import claim
from newsletter.store.mail_servers import domains_at
from newsletter.store.tokens import hold, leave, owe, refund, spend
from newsletter.subscriber import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from newsletter.limits import Limits, Rate
    from newsletter.store.database import Database
    from newsletter.store.leases import Lease
    from newsletter.subscriber import Subscriber

_SMALLEST_CLAIM, _LARGEST_CLAIM = 20, 2_000
_CLAIM_MS = 250  # a claim holds what is sent in about this time
_FRESH_MS = 500  # who was claimed longer ago is looked up once more: they may have left
_EMPTY_MS = 30_000  # who the ledger had nobody for is asked for again after this: deferred ones may be due
_PLACES_MS = 1000  # how often the places at a group's servers are divided anew
_HELD_MS = 60_000  # and how often they are held anew, where nobody waits for one and messages are under way
_NAMED = 1000  # domains
_BATCH = 100  # where no rate says how many to clear at once


@dataclass(slots=True)
class _Lane:
    """The recipients of one group, or with an empty name of all that are in none."""

    name: str
    limit: Limit = field(default_factory=Limit)
    domains: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()  # and how the names of those mail servers end whose domains are in it, too
    waiting: deque[tuple[int, Subscriber]] = field(default_factory=deque)  # with when they were claimed
    cleared: deque[Subscriber] = field(default_factory=deque)
    good_until: int = 0  # the tokens of those that are cleared
    paid_on: date = date.min  # the day from which those are
    granted: int = 0  # how many went into `cleared` last
    quick: int = 0  # how many are known to go while a token is good; 0: not known
    again: int = 0  # when somebody may go again
    ask_at: int = 0  # when there are tokens for more again, if nobody else takes them
    empty_at: int | None = None  # when the ledger had nobody for this lane
    is_closed: bool = False  # for today
    under_way: set[int] = field(default_factory=set)
    places: int = 0
    places_at: int | None = None


class Pacer:
    """What one sender knows of the limits. All moments are milliseconds since 1970."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._lease = lease
        self._limits = limits
        self._clock = clock
        self._holder = holder(lease)
        groups = [_Lane(name, limit, limits.domains(name)) for name, limit in limits.groups.items()]
        self._others = _Lane("")
        self._lanes = deque([self._others, *groups])
        self._by_domain = {domain: lane for lane in groups for domain in lane.domains}
        for lane in groups:
            found = domains_at(database, servers := limits.servers(lane.name))
            self._by_domain = dict.fromkeys(found, lane) | self._by_domain
            # By their names they are found three times as fast, as long as they are not too many to be named.
            if len(found) > _NAMED:
                lane.servers = servers
            else:
                lane.domains += tuple(found)
        self._flying: dict[int, _Lane] = {}
        self._again = 0  # when a limit that holds for everybody lets somebody go
        self._full = ""  # the daily cap that was reached
        self._after: dict[Choice, int] = {}  # how far the ledger was read for whom
        self._size = _SMALLEST_CLAIM
        self._claimed_at: int | None = None
        self._held_at = 0

    def recipients(self, stop: Callable[[], bool]) -> Iterator[Subscriber | None]:
        """Whom to write to, one by one; None when nobody may be written to now."""
        while not stop():
            now = self._now()
            if self._flying and now - self._held_at > _HELD_MS:
                self._hold_on(now)
            if recipient := self._next(now):
                yield recipient
            elif self._claim_for(self._hungry(now), now):
                continue
            elif self._is_over(now):
                return
            else:
                yield None

    def answered(self, keys: Iterable[int]) -> None:
        """Hear that these messages are not under way any more."""
        for key in keys:
            if lane := self._flying.pop(key, None):
                lane.under_way.discard(key)

    def pays_again(self, stop: Callable[[], bool], address: str) -> bool:
        """Whether somebody may be written to anew, as a connection broke: it takes a token again, not a day's message.

        Who is to stop waits for none, and owes it.
        """
        lane, now, today = self._lane_of(address), self._now(), self._today().toordinal()
        rates = self._rates(lane)
        if not rates:
            return True
        if stop():
            owe(self._database, 1, rates, (), today, now)
            return True
        if now < max(self._again, lane.again):
            return False
        grant = spend(self._database, 1, rates, {}, today, now)
        if not grant.number:
            self._wait(lane, grant.limit, grant.ready_at)
        return grant.number > 0

    def close(self) -> None:
        """Give back what was not used."""
        for lane in self._lanes:
            self._put_back(lane)
        if any(lane.places_at is not None for lane in self._lanes):
            leave(self._database, self._holder)

    def pause(self, issue: str) -> Paused | None:
        """Why this mailing cannot go on today, if that is so."""
        if not self._full:
            return None
        today = self._today()
        tomorrow = _midnight_after(today)
        if self._full == ALL:
            number, warm = self._limits.cap(today), self._limits.warmup_day(today)
            what = f"messages a day{f' (day {warm} of the warm-up)' if warm else ''}"
        else:
            number, what = self._limits.groups[self._full].daily, f"messages a day to {self._full}"
        problem = Problem(
            f"the limit of {number:,} {what} is reached; the others wait",
            fix=f"from {tomorrow:%Y-%m-%d %H:%M}: newsletter resume {issue}; or let it wait: newsletter run {issue}",
        )
        return Paused(problem, until=tomorrow)

    # ── Who may go

    def _next(self, now: int) -> Subscriber | None:
        if now < self._again:
            return None
        for _ in range(len(self._lanes)):
            lane = self._lanes[0]
            self._lanes.rotate(-1)  # each lane in its turn
            if not lane.cleared or now > lane.good_until:
                self._clear(lane, now)
            if lane.cleared:
                recipient = lane.cleared.popleft()
                if lane.limit.in_flight:
                    lane.under_way.add(recipient.id)
                    self._flying[recipient.id] = lane
                return recipient
            if now < self._again:
                self._lanes.rotate(1)  # it was this lane's turn, and will be
                return None
        return None

    def _clear(self, lane: _Lane, now: int) -> None:
        """Let the head of a lane go, as far as tokens and places are there."""
        if lane.cleared:  # others could have used what they paid with
            lane.quick = max(1, lane.granted - len(lane.cleared))
        elif lane.quick:
            lane.quick = max(lane.quick, 2 * lane.granted)
        self._put_back(lane)
        if lane.is_closed or not lane.waiting or now < max(lane.again, lane.ask_at):
            return
        wanted = min(len(lane.waiting), self._room(lane, now))
        if not wanted:
            return
        today = self._today()
        rates, caps = self._rates(lane), self._caps(lane, today)
        if rates or caps:
            wanted = min(wanted, min((rate.burst for rate in rates.values()), default=_BATCH), lane.quick or wanted)
            grant = spend(self._database, wanted, rates, caps, today.toordinal(), now)
            if not grant.number:
                self._wait(lane, grant.limit, grant.ready_at)
                return
            wanted = lane.granted = grant.number
            lane.ask_at = grant.again_at
        lane.good_until = now + GOOD_FOR if rates else now + _FRESH_MS
        lane.paid_on = today
        if caps:
            lane.good_until = min(lane.good_until, int(_midnight_after(today).timestamp() * 1000) - 1)
        head = [lane.waiting.popleft() for _ in range(wanted)]
        wanted_still = {recipient.id for _, recipient in head}
        if any(now - claimed > _FRESH_MS for claimed, _ in head):
            wanted_still = still_wanted(self._database, self._lease, wanted_still, now // 1000)
            if caps and len(wanted_still) < len(head):
                refund(self._database, len(head) - len(wanted_still), caps, today.toordinal())
        lane.cleared.extend(recipient for _, recipient in head if recipient.id in wanted_still)

    def _put_back(self, lane: _Lane) -> None:
        """Those who were cleared and have not gone wait again: their tokens are too old."""
        if lane.cleared:
            if caps := self._caps(lane, lane.paid_on):
                refund(self._database, len(lane.cleared), caps, lane.paid_on.toordinal())
            # Claimed long ago, for all that is known now.
            lane.waiting.extendleft((0, recipient) for recipient in reversed(lane.cleared))
            lane.cleared.clear()

    def _wait(self, lane: _Lane, limit: str, ready_at: int | None) -> None:
        """Nobody of the lane may go: until a moment, or today; and if the limit is everybody's, nobody at all."""
        of_all = [lane] if limit == lane.name else list(self._lanes)
        if ready_at is None:
            self._full = limit if limit == ALL else self._full or limit
            for each in of_all:
                each.is_closed = True
        elif limit == lane.name:
            lane.again = ready_at
        else:
            self._again = ready_at

    def _room(self, lane: _Lane, now: int) -> int:
        """How many more of a lane may be under way."""
        if not lane.limit.in_flight:
            return len(lane.waiting)
        if lane.places_at is None or now - lane.places_at > _PLACES_MS:
            self._hold(lane, lane.limit.in_flight, now)
        return lane.places - len(lane.under_way)

    def _hold_on(self, now: int) -> None:
        """Keep the places of messages for which a server takes its time."""
        self._held_at = now
        for lane in self._lanes:
            if lane.limit.in_flight and lane.under_way:
                self._hold(lane, lane.limit.in_flight, now)

    def _hold(self, lane: _Lane, limit: int, now: int) -> None:
        busy = len(lane.under_way)
        wanted = min(limit, len(lane.waiting) + busy)
        lane.places_at = now
        lane.places = hold(self._database, lane.name, self._holder, wanted, busy, limit, now // 1000)

    # ── Whom to claim

    def _hungry(self, now: int) -> list[_Lane]:
        """The lanes that could go on and have nobody, and for which the ledger may have somebody."""
        return [
            lane
            for lane in self._lanes
            if not (lane.is_closed or lane.waiting or now < lane.again)
            # A lane with a limit of its own needs the more time, the later it begins.
            and (lane.name or now >= self._again)
            and (lane.empty_at is None or now - lane.empty_at > _EMPTY_MS)
        ]

    def _claim_for(self, lanes: list[_Lane], now: int) -> bool:
        """Claim recipients for these lanes, and see whether there are any."""
        if not lanes:
            return False
        if self._claimed_at is not None:
            fitting = self._size * _CLAIM_MS // max(1, now - self._claimed_at)
            self._size = max(_SMALLEST_CLAIM, min(fitting, self._size * 2, _LARGEST_CLAIM))
        self._claimed_at = now
        chunk = self._claim(self._choice(lanes), now)
        if not chunk:
            for lane in lanes:
                lane.empty_at = now
        for recipient in chunk:
            self._lane_of(recipient.email).waiting.append((now, recipient))
        return bool(chunk)

    def _lane_of(self, address: str) -> _Lane:
        return self._by_domain.get(canonical(address).rpartition("@")[2], self._others)

    def _choice(self, lanes: list[_Lane]) -> Choice:
        """Everybody who is in one of these lanes."""
        latest_first = self._limits.warmup_day(self._today()) is not None
        if all(lane.name for lane in lanes):
            return Choice(*_places(lanes), False, 0, latest_first)
        names = {lane.name for lane in lanes}
        others = sorted((lane for lane in self._lanes if lane.name not in names), key=lambda lane: lane.name)
        return Choice(*_places(others), True, 0, latest_first)

    def _claim(self, choice: Choice, now: int) -> list[Subscriber]:
        """Read on in the ledger where the last claim for the same ended, so that who was passed over is passed once."""
        after = 0 if choice.latest_first else self._after.get(choice, 0)
        # To find who joined last, all have to be sorted: ten times a day, then, or for a long claim.
        a_tenth = (self._limits.cap(self._today()) or 0) // 10 if choice.latest_first else 0
        size = max(self._size, min(a_tenth, _LARGEST_CLAIM))
        chunk: list[Subscriber] = []
        for start in (after, 0) if after else (0,):
            chunk = claim(self._database, self._lease, size, now // 1000, replace(choice, after=start))
            if chunk:
                break
        self._after[choice] = chunk[-1].id if chunk else 0
        return chunk

    def _is_over(self, now: int) -> bool:
        """Nobody waits, and the ledger has nobody who is due, also if it is asked once more at the end."""
        lanes = [lane for lane in self._lanes if not lane.is_closed]
        if any(lane.waiting or lane.cleared or lane.empty_at is None for lane in lanes):
            return False
        asked_long_ago = [lane for lane in lanes if now - (lane.empty_at or 0) > _FRESH_MS]
        for lane in asked_long_ago:
            lane.empty_at = None
        return not asked_long_ago

    # ── What holds

    def _rates(self, lane: _Lane) -> Mapping[str, Rate]:
        return {**self._limits.rates, lane.name: lane.limit.rate} if lane.limit.rate else self._limits.rates

    def _caps(self, lane: _Lane, day: date) -> Mapping[str, int]:
        caps = {ALL: self._limits.cap(day), lane.name: lane.limit.daily}
        return {name: cap for name, cap in caps.items() if cap is not None}

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _today(self) -> date:
        return self._clock().astimezone().date()


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time()).astimezone()


def _places(lanes: Iterable[_Lane]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The domains, and the ends of the names of mail servers, of several lanes."""
    lanes = list(lanes)
    return tuple(each for lane in lanes for each in lane.domains), tuple(
        each for lane in lanes for each in lane.servers
    )
