"""A passage in another language

A screen reader reads French words with an English voice unless it is told. A paragraph or quotation in another
language says so: `{lang=fr}` on the line above it.

Bad:  Il était une fois une princesse qui ne voulait pas dormir.        (in an English issue)
Good: {lang=fr} on the line above
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark, words_in
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
# Words that stand in nearly every sentence of one language, and in none of the other.
_WORDS = {
    "fr": words_in("""
    le la les des une un est et dans que qui pour pas vous nous avec sur ce cette au aux du ne se
"""),
    "en": words_in("""
    the of and to is that it for was with are this have from by be at which you they not were
"""),
}
_FEWEST = 8  # words, below which nobody can tell


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Longer passages that are French in an English issue, or English in a French one, and do not say so."""
    own = manuscript.language[:2].lower()
    for passage in manuscript.survey.passages:
        other = _language(passage.text)
        if other and own in _WORDS and other != own and not passage.language:
            name = {"fr": "French", "en": "English"}[other]
            message = f"this seems to be {name}, and will be read out as the rest"
            yield Remark(passage.spot, message, f"write {{lang={other}}} on the line above it")


def _language(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best, least = sorted(counts, key=lambda name: -counts[name])
    clear = (
        len(words) >= _FEWEST
        and counts[best] >= 3
        and counts[best] > 0.2 * len(words)
        and counts[best] > 3 * counts[least]
    )
    return best if clear else ""
