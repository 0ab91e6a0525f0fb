"""A link that leads elsewhere

The server sends readers on to another address. That works today; the address where they end is the one that lasts. A
redirection within a site to a language or a session is not told.

Bad:  [Programme](https://old.example.org/p)
Good: [Programme](https://example.org/programme)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import split
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links that end on another host, or are only moved to https:."""
    for link in manuscript.survey.links:
        answer = manuscript.answers.get(link.href)
        if answer is None or not answer.moved_to or answer.status >= 400:
            continue
        before, after = split(link.href), split(answer.moved_to)
        if before and after and _host(before.hostname) != _host(after.hostname):
            yield Remark(
                link.spot, f"“{link.href}” leads on to {answer.moved_to}", "write that address, if it is meant"
            )


def _host(name: str | None) -> str:
    return (name or "").removeprefix("www.")
