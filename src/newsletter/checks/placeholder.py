"""Text that was to be replaced

`TK`, `TODO`, `XXX`, `lorem ipsum` or `[name]` stood in for something that was never written. It is the mistake that
readers remember. The front matter is searched as well.

Bad:  We shall meet at TODO, with lorem ipsum.
Good: We shall meet at the town hall, with cake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.spots import exactly, texts_in_html
from newsletter.finding import Severity
from newsletter.manuscript import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
_MARKS = re.compile(
    r"\b(?:TK+|TKTK|TODO|FIXME|XXX+|TBD|TBC|ÀCOMPLÉTER)\b(?!\s*\w*\()"
    r"|\b(?i:lorem\s+ipsum|à\s+compléter|your\s+text\s+here|votre\s+texte\s+ici)\b"
    r"|\?\?\?+|\[(?i:name|nom|date|lieu|place|insert[^\]]*|à\s+remplir)\]"
)
_FRONT = ("title", "subject", "preheader", "hero_alt")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Each stand-in, in what is read and in the front matter."""
    seen: set[tuple[int, str]] = set()
    for passage in (*_front(manuscript), *manuscript.survey.passages, *texts_in_html(manuscript)):
        for mark in _MARKS.finditer(passage.text):
            if (passage.spot.line, mark[0]) not in seen:
                seen.add((passage.spot.line, mark[0]))
                message = f"“{mark[0]}” stands in for something that was never written"
                yield Remark(exactly(manuscript, passage.spot, mark[0]), message, "write it, or take it out")


def _front(manuscript: Manuscript) -> Iterator[Passage]:
    issue = manuscript.issue
    for name in _FRONT:
        if text := getattr(issue, name):
            yield Passage(text, manuscript.at(name))
    for name, value in (("authors", issue.authors), ("tags", issue.tags), *issue.extra.items()):
        if name != "waive":
            yield from (Passage(text, manuscript.at(name)) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    """The texts in what the front matter holds, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
