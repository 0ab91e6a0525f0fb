"""A tag that nobody has

A segment that asks for a misspelt tag is empty, and says nothing; a part of an issue that is for such people is read by
nobody. A tag that nobody has yet is told as well: it may be meant.

Bad:  newsletter check hello --segment 'tag:memer', {% if "volunter" in subscriber.tags %}
Good: newsletter check hello --segment 'tag:member', {% if "volunteer" in subscriber.tags %}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.errors import did_you_mean
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Tags that the segment or a condition asks for, and nobody on the list has; once each."""
    audience = manuscript.audience
    for asked in dict.fromkeys(audience.unknown_tags if audience else ()):
        whose = "this condition" if asked.line else "the segment"
        fix = did_you_mean(asked.tag, audience.tags) if audience and audience.tags else "nobody has any tag yet"
        spot = Spot(manuscript.issue.path, asked.line)
        yield Remark(spot, f"nobody on the list has the tag “{asked.tag}”, for which {whose} asks", fix)
