"""A field that some recipients lack

A slot without a default leaves a hole in their letter: “Hello ,”. Publishing would stop at them; a default mends it.

Bad:  Hello {{ subscriber.first_name }},
Good: Hello {{ subscriber.first_name | default("there") }},
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Fields that every recipient must have, and that some of the audience have not."""
    if manuscript.audience is None:
        return
    for name, lacking in manuscript.audience.without.items():
        if lacking:
            line = manuscript.audience.lines.get(name, 0)
            spot = Spot(manuscript.issue.path, line)
            people = f"{lacking:,} of {manuscript.audience.recipients:,} recipients"
            fix = f'write {{{{ subscriber.{name} | default("…") }}}}'
            yield Remark(spot, f"{people} have no {name}", fix)
