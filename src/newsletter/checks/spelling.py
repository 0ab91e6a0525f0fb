"""A word that the dictionary does not know

Asked is hunspell, where it is installed with a dictionary of the issue's language. Names and words of your own go into
`words.txt` beside newsletter.toml, one on a line.

Bad:  We recieved your letters.
Good: We received your letters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity
from newsletter.manuscript import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Each unknown word, where it stands first."""
    left = dict(manuscript.misspelt)
    for passage in spelt(manuscript):
        for word in _WORD.findall(passage.text):
            if word in left:
                better = left.pop(word)
                fix = (
                    f"{' or '.join(better[:3])}? Else write it into words.txt"
                    if better
                    else "else write it into words.txt"
                )
                yield Remark(passage.spot, f"the dictionary does not know “{word}”", fix)


def spelt(manuscript: Manuscript) -> Iterator[Passage]:
    """What is read in the issue's own language: subject and preheader, and all that stands below them."""
    issue = manuscript.issue
    for name in ("title", "subject", "preheader"):
        if text := getattr(issue, name):
            yield Passage(text, manuscript.at(name))
    yield from (passage for passage in manuscript.survey.passages if not passage.language)
