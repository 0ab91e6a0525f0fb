"""An image written into the address

`data:` addresses are shown by few mail programs, and Gmail shows none. Here the image is taken out and enclosed; in
the author's file it remains a line of thousands of letters that nobody can read in git.

Bad:  ![Dot](data:image/png;base64,iVBORw0KGgo…)
Good: ![Dot](dot.png)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Images with a data: address."""
    for image in manuscript.survey.images:
        if image.src[:5].lower() == "data:":
            yield Remark(
                image.spot, "the image stands in its own address, as data:", "save it as a file beside the issue"
            )
