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
from newsletter.checks.spots import texts_in_html
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
# Words that stand in nearly every sentence of one language.
_WORDS = {
    "fr": words_in("le la les des une un est et dans que qui pour pas vous nous avec sur ce cette au aux du ne se"),
    "en": words_in("the of and to is that it for was with are this have from by be at which you they not were"),
    "de": words_in("der die das und ist nicht ein eine mit von zu den auf für dem sich auch es wir ich sie war bei"),
    "es": words_in("el los las una por con para está como más pero del al y es lo su que en se nos fue muy"),
    "it": words_in("il che di per una sono con del della gli non più è anche nel si le ha questo dei alla"),
    "nl": words_in("de het een en van is niet dat op te met voor zijn ik wij maar ook aan er om deze"),
    "pt": words_in("o os uma não com para do da em você mais são ao dos e que por na no foi muito"),
}
_NAMES = {
    "fr": "French", "en": "English", "de": "German", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pt": "Portuguese"
}  # fmt: skip
_FEWEST = 8  # words, below which nobody can tell


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Longer passages, those in HTML among them, that are of another of these languages and do not say so."""
    own = manuscript.language[:2].lower()
    for passage in (*manuscript.survey.passages, *texts_in_html(manuscript)):
        other = "" if passage.language or own not in _WORDS else _other_language(passage.text, own)
        if other:
            message = f"this seems to be {_NAMES[other]}, and will be read out as the rest"
            fix = (
                f'write lang="{other}" into its tag' if passage.block == "html" else f"write {{lang={other}}} above it"
            )
            yield Remark(passage.spot, message, fix)


def _other_language(text: str, own: str) -> str:
    """The language of a text, where that is clearly not the issue's; else ""."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    clear = len(words) >= _FEWEST and counts[best] >= 3 and counts[best] > max(0.2 * len(words), 3 * counts[own])
    return best if clear and best != own else ""
