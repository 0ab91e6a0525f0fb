"""A year that is over

A date copied from last year's issue sends people to a closed door. Told are subject, title and preheader with a year
that is neither this one, nor named by the issue's own date; and in the text a © with an old year.

Bad:  subject: General assembly 2025        (sent in November 2026)
Good: subject: General assembly 2026
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.spots import exactly, texts_in_html
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_YEAR = re.compile(r"\b(20\d\d)\b")
_COPYRIGHT = re.compile(r"(?:©|\bcopyright\b)(?:\s*20\d\d\s*[-–—])?\s*(20\d\d)\b", re.IGNORECASE)


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Of subject, title and preheader, each with last year's number or an older one as its only year."""
    if manuscript.today is None:
        return
    now = manuscript.issue.date or manuscript.today
    told: set[str] = set()
    for name in ("subject", "title", "preheader"):
        text = str(getattr(manuscript.issue, name))
        years = {int(year) for year in _YEAR.findall(text)}
        if years and max(years) < now.year and text not in told:
            told.add(text)
            message = f"the {name} speaks of {max(years)}, and it is {now.year}"
            yield Remark(manuscript.at(name), message, "if the year is meant, waive this; else write the right one")
    for passage in (*manuscript.survey.passages, *texts_in_html(manuscript)):
        if (found := _COPYRIGHT.search(passage.text)) and int(found[1]) < now.year:
            message = f"“{found[0]}” is of a year that is over: it is {now.year}"
            yield Remark(exactly(manuscript, passage.spot, found[0]), message, "write this year, or none")
