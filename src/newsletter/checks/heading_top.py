"""A second title

The title of an issue stands above it, as the one heading of the first level. A `#` in the text makes another one: the
reader's program cannot tell which of the two is the title. In the mail it is set one level lower.

Bad:  # Our evening at the town hall
Good: ## Our evening at the town hall
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
    """Headings of level 1 in the body."""
    for heading in manuscript.survey.headings:
        if heading.level == 1:
            message = f"“{heading.text}” is a title within the text"
            yield Remark(heading.spot, message, f"write ## {heading.text}")
    for piece in manuscript.survey.markup:
        if "<h1" in piece.text.lower():
            yield Remark(piece.spot, "<h1> is a title within the text", "write <h2>")
