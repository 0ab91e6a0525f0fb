"""A link that leads nowhere

`[ESTIM]()` looks like a link to the author and like plain words to the reader, who will never know where it was meant
to lead. It is what remains when a draft was published before all addresses were known.

Bad:  We met at [ESTIM]() in Metz.
Good: We met at [ESTIM](https://example.org/estim) in Metz.
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
    """Links without an address, or with nothing but `#`."""
    for link in manuscript.survey.links:
        if link.href.strip() in {"", "#"}:
            label = f"“{link.text}”" if link.text else "without a text"
            yield Remark(link.spot, f"the link {label} leads nowhere", "write its address, or take the brackets away")
