"""What /metrics tells: how many requests and of which kind, never whose. In the text format of Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Counters:
    """The counts of one server."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        self.requests = Counter(
            "newsletter_web_requests", "Answers by page, method and status.", ("page", "method", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "newsletter_web_seconds", "How long an answer took, in seconds.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0), registry=self.registry,
        )  # fmt: skip
        self.people = Counter(
            "newsletter_people", "What people did: asked, confirmed, left, changed, forgotten.", ("what",),
            registry=self.registry,
        )  # fmt: skip
        self.notices = Counter(
            "newsletter_notices", "Notices by what became of them: sent, deferred, failed.", ("outcome",),
            registry=self.registry,
        )  # fmt: skip
        self.hooks = Counter(
            "newsletter_webhooks", "Calls of webhooks: heard, repeated, refused, failed.", ("transport", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "newsletter_events", "What providers told, and what it came to.", ("transport", "kind", "effect"),
            registry=self.registry,
        )  # fmt: skip
