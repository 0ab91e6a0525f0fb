"""An address as its own text

A long address is read out letter by letter, breaks the line on a phone, and tells less than a name. A short one, such
as `example.org`, is fine.

Bad:  See https://example.org/2026/11/the-report-of-the-evening?id=12
Good: See [the report of the evening](https://example.org/2026/11/the-report)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_SHORT = 30  # characters


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links whose text is a long address; a video's poster has none to see."""
    for link in manuscript.survey.links:
        text = link.text.strip()
        if link.block != "video" and len(text) > _SHORT and text.startswith(("http://", "https://", "www.")):
            yield Remark(
                link.spot,
                "an address stands there as text, and is read out letter by letter",
                "name what it leads to: [name](address)",
            )
