"""A heavy image

The image is made smaller before it is sent; but a file of several megabytes slows every rendering, and swells the git
repository for ever. 2,400 pixels are more than any mail shows.

Bad:  ![The choir](choir.jpg)        (8 MB)
Good: ![The choir](choir.jpg)        (400 KB)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_HEAVY = 1_000_000  # octets


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Files above 1 MB, once each."""
    told: set[str] = set()
    for image in manuscript.survey.images:
        file = manuscript.files.get(image.src)
        if file and file.octets > _HEAVY and image.src not in told:
            told.add(image.src)
            size = f"{file.octets / 1e6:.1f} MB"
            message = f"“{image.src}” weighs {size}, {file.width} by {file.height} pixels"
            yield Remark(image.spot, message, "save it at most 2,400 pixels wide")
