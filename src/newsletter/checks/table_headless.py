"""A table whose columns have no names

Read out cell by cell, a table is understood by the names of its columns. Without them a listener hears numbers.

Bad:  |  |  |        (above the line of hyphens)
Good: | Month | Readers |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_EMPTY_HEAD = re.compile(r"[ >]*\|?(?:\s*\|)+\s*")
_TABLE = re.compile(r"<table\b([^>]*)>(.*?)</table>", re.DOTALL | re.IGNORECASE)
_RULE = re.compile(r"[ >]*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Empty cells above a table's line of hyphens, and HTML's tables of two columns and more without a `th`."""
    for at, (head, rule) in enumerate(zip(manuscript.source, manuscript.source[1:], strict=False), 1):
        if _EMPTY_HEAD.fullmatch(head) and "|" in rule and _RULE.fullmatch(rule):
            message = "the columns of this table have no names"
            yield Remark(Spot(manuscript.issue.path, at, 1), message, "write them into its first row")
    for piece in manuscript.survey.markup:
        for table in _TABLE.finditer(piece.text):
            is_layout = re.search(r"role\s*=\s*[\"']?(?:presentation|none)", table[1]) is not None
            rows, cells = (len(re.findall(rf"<{tag}\b", table[2])) for tag in ("tr", "td"))
            if not is_layout and "<th" not in table[2] and rows > 1 and cells >= 2 * rows:
                fix = 'write <th scope="col"> for them; a table that only lays out says role="presentation"'
                yield Remark(piece.spot, "the columns of this table have no names", fix)
