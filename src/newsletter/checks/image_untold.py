"""An image without an alternative text

Many readers see no images at first, some never do, and some listen. The alternative text is what they get. An image
that only decorates says so in HTML, with an `alt` that is empty.

Bad:  ![](nadia.jpg)
Good: ![Nadia beside her beehives, in a white suit](nadia.jpg)
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
    """Images with no text, but for HTML that declares them decoration; the one on top is told by its key."""
    fix = 'write what it shows: ![Nadia beside her beehives](…); for decoration <img … alt="">'
    for image in manuscript.survey.images:
        is_decoration = image.alt == "" and image.block == "html"
        if not (image.alt or "").strip() and not is_decoration:
            yield Remark(image.spot, f"the image “{image.src}” has no text for those who do not see it", fix)
    if manuscript.issue.hero and manuscript.issue.hero_alt is None:
        message = f"the image on top, “{manuscript.issue.hero}”, has no text for those who do not see it"
        yield Remark(manuscript.at("hero"), message, 'write hero_alt: and what it shows; hero_alt: "" for decoration')
