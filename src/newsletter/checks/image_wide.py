"""An image wider than twice the page

Screens show two pixels of an image for one of the page at most. What is more is thrown away when the image is made
for the mail, and was only carried along. Images left where they are (`place = "link"`) are sent as they are.

Bad:  ![Map](map.png)        (6,000 pixels wide in a page of 600)
Good: ![Map](map.png)        (1,200 pixels wide)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Files wider than twice the theme, once each."""
    most = 2 * manuscript.house.theme_width
    told: set[str] = set()
    for image in manuscript.survey.images:
        file = manuscript.files.get(image.src)
        if file and file.width > most and image.src not in told:
            told.add(image.src)
            message = f"“{image.src}” is {file.width} pixels wide; {most} are all that a mail shows"
            yield Remark(image.spot, message, f"save it {most} pixels wide")
