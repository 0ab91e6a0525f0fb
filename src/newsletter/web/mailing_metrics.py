"""What /metrics tells of mailings: how many deliveries stand where, and what each sender has heard. Never of whom.

Counted when somebody asks: mailings that are not at their end, and those that ended within a week. What has ended is
counted once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.actions.watch import is_missed
from newsletter.store.mailings import mailings_of, tally_of
from newsletter.store.progress import COUNTED, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from prometheus_client import Metric

    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.store.database import Database

_TOLD_FOR = timedelta(days=7)
COUNTS = ("accepted", "deferred", "rejected", "skipped", "uncertain", "pending")
STANDINGS = ("planned", "scheduled", "sending", "paused", "finished", "cancelled")


class MailingMetrics:
    """A collector, as prometheus_client knows them."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._ended: dict[tuple[int, datetime], Tally] = {}

    def collect(self) -> Iterable[Metric]:
        """Count now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        now = self._clock()
        told = [
            each
            for each in mailings_of(self._database)
            if not each.is_over or each.finished_at is None or now - each.finished_at < _TOLD_FOR
        ]
        deliveries = GaugeMetricFamily(
            "newsletter_mailing_deliveries", "Deliveries by where they stand.", labels=("mailing", "issue", "state")
        )
        standing = GaugeMetricFamily(
            "newsletter_mailing_standing", "1 for where the mailing stands.", labels=("mailing", "issue", "state")
        )
        starts = GaugeMetricFamily(
            "newsletter_mailing_starts_timestamp_seconds", "When a mailing that was given a time begins.",
            labels=("mailing", "issue"),
        )  # fmt: skip
        answers = CounterMetricFamily(
            "newsletter_mailing_answers", "Answers to messages, by sender and group of recipients.",
            labels=("mailing", "worker", "group", "outcome"),
        )  # fmt: skip
        missed = GaugeMetricFamily(
            "newsletter_schedules_missed",
            "Mailings that missed their time and wait for a word.",
            value=sum(is_missed(each, now) for each in told),
        )
        for mailing in told:
            counts = self._tally(mailing)
            number = str(mailing.id)
            for name in COUNTS:
                deliveries.add_metric((number, mailing.issue, name), getattr(counts, name))
            for name in STANDINGS:
                standing.add_metric((number, mailing.issue, name), float(mailing.standing == name))
            if mailing.starts_at:
                starts.add_metric((number, mailing.issue), mailing.starts_at.timestamp())
        numbers = {each.id for each in told}
        for step in steps(self._database):
            if step.mailing in numbers:
                for outcome in COUNTED:
                    labels = (str(step.mailing), step.worker, step.group or "others", outcome)
                    answers.add_metric(labels, getattr(step, outcome))
        return (deliveries, standing, starts, answers, missed)

    def _tally(self, mailing: Mailing) -> Tally:
        if mailing.finished_at is None:
            return tally_of(self._database, mailing.id)
        key = mailing.id, mailing.finished_at
        if key not in self._ended:
            self._ended[key] = tally_of(self._database, mailing.id)
        return self._ended[key]
