"""newsletter status --watch: how a mailing goes, anew each second: by process and by group of recipients."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

from newsletter.cli.console import ExitCode, count, duration, figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from newsletter.cli.shell import Session
    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.store.database import Database
    from newsletter.store.progress import Step

_EVERY = 1.0  # seconds
_OVER = 5.0  # seconds over which a rate is reckoned
_GONE = 15  # seconds of silence after which a process is not shown any more
_ABOVE = "\x1b[H\x1b[J"  # to the first line, and nothing below it


def watch_mailing(session: Session, database: Database, issue: str) -> ExitCode:
    """Show how the issue's mailing goes until it is at its end, or Ctrl-C."""
    from newsletter.actions.plan import what_is_left
    from newsletter.actions.presence import at_work
    from newsletter.store.clocks import clock_of
    from newsletter.store.progress import steps

    clears = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    history: list[tuple[float, list[Step]]] = []
    clock = clock_of(database, session.clock)
    try:
        while True:
            now = clock()
            mailing, counts = what_is_left(database, issue)
            history = [each for each in history if now.timestamp() - each[0] <= _OVER]
            history.append((now.timestamp(), steps(database, mailing.id)))
            present = [str(each) for each in at_work(database, mailing.id, int(now.timestamp()))]
            lines = list(_lines(mailing, counts, history, now, present))
            session.console.result((_ABOVE if clears else "") + "\n".join(lines) + ("" if clears else "\n"))
            if mailing.is_over:
                return ExitCode.DONE if counts.all_well else ExitCode.PARTLY
            session.wait(_EVERY)
    except KeyboardInterrupt:
        return ExitCode.DONE


def _lines(
    mailing: Mailing, counts: Tally, history: list[tuple[float, list[Step]]], now: datetime, present: list[str]
) -> Iterator[str]:
    began, before = history[0]
    at, latest = history[-1]
    seconds = max(at - began, 0.001)
    then = {(step.worker, step.group): step.answers for step in before}
    recent: Counter[str] = Counter()
    by_group: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    if len(history) > 1:
        for step in latest:
            gained = step.answers - then.get((step.worker, step.group), 0)
            recent[step.worker] += gained
            by_group[step.group] += gained
    for step in latest:
        totals[step.group] += step.answers
    rate = sum(recent.values()) / seconds
    left = counts.pending + counts.deferred
    told = [f"{figure(number)} {name}" for name in ("deferred", "rejected", "skipped", "uncertain", "pending")
            if (number := getattr(counts, name))]  # fmt: skip
    yield f"{mailing.issue} · {mailing.standing} · {now.astimezone():%H:%M:%S}"
    yield ", ".join([f"{figure(counts.accepted)} of {count(counts.planned, 'recipient')} accepted", *told])
    yield f"{_per_second(rate)}" + (f", about {duration(left / rate)} left" if rate > 0 and left else "")
    heard = {step.worker: max(s.at for s in latest if s.worker == step.worker) for step in latest}
    shown = {worker for worker, last in heard.items() if now.timestamp() - last <= _GONE} | {*present}
    for worker in sorted(shown):
        yield f"{_per_second(recent[worker] / seconds):>12}  {worker}"
    for group in sorted(totals, key=lambda name: -totals[name]):
        yield f"{_per_second(by_group[group] / seconds):>12}  {group or 'others'}: {figure(totals[group])}"


def _per_second(rate: float) -> str:
    return f"{figure(round(rate))}/s"
