"""Something that readers get as it was written

A block whose braces were forgotten, a `**` that found no partner, a merge tag of the tool that you used before: none
of it means anything here, so it stands in the mail letter by letter.

Bad:  ::button[Sign up](https://example.org/walk), **Careful **, *|FNAME|*
Good: ::button[Sign up]{href=https://example.org/walk}, **Careful**, {{ subscriber.first_name | default("there") }}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.spots import exactly, texts_in_html
from newsletter.finding import Severity
from newsletter.manuscript import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
# Mailchimp's, as stars make it italic; Mailgun's and Mailjet's kin.
_MERGE_TAG = (
    r"\*?\|[A-Z][A-Z0-9_:]+\|\*?|%%[\w. ]{1,40}%%|\{\$\w+\}|\[\[\w+\]\]"
    r"|%(?:recipient|subscriber)\.\w+%|(?<!\w)%[A-Z_]{3,20}%"
)
_SLOT = "write a slot: {{ subscriber.first_name | default(…) }}"
_ROWS = tuple(
    (re.compile(pattern), what, fix)
    for pattern, what, fix in (
        (r"^:{2,}\s*[a-z]+", "begins no block", "write what it takes in braces: ::button[Sign up]{href=https://…}"),
        (r"\*\*\S[^*\n]{0,40}|[^*\s]{1,40}\*\*", "has stars that found no partner",
         "let no blank stand inside of the stars: **so**; a star of your own is \\*"),
        (r"^#{2,6}(?=[^\W\d_])\S+", "is no heading", "write a blank behind the #"),
        (_MERGE_TAG, "is a merge tag of another tool", _SLOT),
        (r"&(?:nbsp|amp|lt|gt|quot|#\d{2,5});", "is a sign of HTML, written twice", "write the sign itself"),
    )
)  # fmt: skip


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Of subject, preheader and each passage, each kind once."""
    issue = manuscript.issue
    front = [
        Passage(getattr(issue, name), manuscript.at(name))
        for name in ("title", "subject", "preheader")
        if getattr(issue, name)
    ]
    told: set[tuple[int, str]] = set()
    for passage in (*front, *manuscript.survey.passages, *texts_in_html(manuscript)):
        for pattern, what, fix in _ROWS:
            if (found := pattern.search(passage.text)) and (passage.spot.line, found[0]) not in told:
                told.add((passage.spot.line, found[0]))
                shown = found[0][:40]
                yield Remark(exactly(manuscript, passage.spot, shown), f"“{shown}” {what}: readers get it so", fix)
