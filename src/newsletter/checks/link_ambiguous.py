"""The same words for different links

In the list of links that a screen reader gives, two entries “Register” that lead to two places cannot be told apart.

Bad:  [Register](https://example.org/monday) … [Register](https://example.org/tuesday)
Good: [Register for Monday](…) … [Register for Tuesday](…)
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
    """The second and each further address behind one text."""
    first: dict[str, str] = {}
    for link in manuscript.survey.links:
        text = link.text.casefold().strip()
        if text and link.href.strip() not in {"", "#"} and first.setdefault(text, link.href) != link.href:
            message = f"“{link.text}” leads here to {link.href}, and above to {first[text]}"
            yield Remark(link.spot, message, "tell the two apart in their words")
