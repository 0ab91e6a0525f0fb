"""A link that is dead

The server was asked, and says that there is no such page, or does not answer. Asked are only servers of the web, a few
at a time, and answers are kept for a day; `--offline` asks nobody. Servers that refuse programs (401, 403, 405, 429)
are given the benefit of the doubt.

Bad:  [The programme](https://example.org/gone)
Good: [The programme](https://example.org/programme)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
_DOUBTFUL = frozenset({401, 402, 403, 405, 406, 408, 415, 418, 421, 425, 426, 429, 451, 999})


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links to which a server said no, or none answered."""
    for link in manuscript.survey.links:
        answer = manuscript.answers.get(link.href)
        if answer is None or answer.status in _DOUBTFUL or 100 <= answer.status < 400:
            continue
        if answer.status == 0:
            message = f"“{link.href}” does not answer: {answer.error}"
            yield Remark(link.spot, message, "open it in a browser; if it works there, waive this", Severity.WARNING)
        elif answer.status >= 500:
            message = f"“{link.href}” answers {answer.status}: the server is in trouble"
            yield Remark(link.spot, message, "try again later, before you publish", Severity.WARNING)
        else:
            message = f"“{link.href}” answers {answer.status}: there is no such page"
            yield Remark(link.spot, message, "find where it has gone")
