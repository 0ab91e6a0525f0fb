"""A link without words

A link around an image without an alternative text, or around nothing, is read out as its address, letter by letter;
with images off nobody sees it.

Bad:  [![](map.png)](https://example.org/map)
Good: [![Map of the way to the school](map.png)](https://example.org/map)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links with an address and no text."""
    for link in manuscript.survey.links:
        if link.href.strip() not in {"", "#"} and not link.text.strip():
            message = f"the link to “{link.href}” has no words: nobody can hear it, or see it without images"
            yield Remark(link.spot, message, "write a text, or the image's alternative text: ![what it shows](…)")
