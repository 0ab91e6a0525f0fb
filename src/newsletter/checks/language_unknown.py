"""A language that nobody knows by that name

`lang` holds a code (BCP 47): `fr`, `de-AT`, `pt-BR`. By the name of the language, or by a country's, a screen reader
finds no voice and reads on with the one that it has.

Bad:  <p lang="french">Bonjour</p>
Good: <p lang="fr">Bonjour</p>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark, words_in
from newsletter.checks.spots import exactly
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.finding import Spot
    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_TAG = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-[A-Za-z0-9]{5,8})*(?:-x-[\w-]+)?")
_SAID = re.compile(r"<[a-zA-Z][^<>]*?\slang\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")
# ISO 639-1; of longer codes, nobody keeps a list that stays true.
_CODES = words_in("""
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es
    et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki
    kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no
    nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta
    te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
""")
_MEANT = {
    "english": "en", "anglais": "en", "uk-en": "en-GB", "french": "fr", "français": "fr", "francais": "fr",
    "german": "de", "deutsch": "de", "allemand": "de", "spanish": "es", "español": "es", "espagnol": "es",
    "italian": "it", "italiano": "it", "italien": "it", "portuguese": "pt", "portugais": "pt", "dutch": "nl",
    "néerlandais": "nl", "arabic": "ar", "arabe": "ar", "hebrew": "he", "hébreu": "he", "iw": "he", "breton": "br",
    "jp": "ja", "cn": "zh", "gr": "el", "cz": "cs", "dk": "da", "us": "en-US", "gb": "en-GB", "at": "de-AT",
}  # fmt: skip


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """What `lang` says, in HTML and above blocks, that is no language's code."""
    for language, spot, where in _said(manuscript):
        if not language.strip() and "=" in where:
            continue  # HTML's way to say: not known
        found = _TAG.fullmatch(language)
        if found is None or (len(found[1]) == 2 and found[1].lower() not in _CODES):
            meant = _MEANT.get(language.casefold())
            fix = f"write its code: {meant}" if meant else "write its code, two letters for most: fr"
            yield Remark(exactly(manuscript, spot, where), f"“{language}” is the code of no language", fix)


def _said(manuscript: Manuscript) -> Iterator[tuple[str, Spot, str]]:
    """Each language with its place, and what to look for there."""
    for piece in manuscript.survey.markup:
        for found in _SAID.finditer(piece.text):
            language = found[1] or found[2] or found[3] or ""
            yield language, piece.spot, f"lang={found[0].rpartition('=')[2].strip()}"
    told: set[str] = set()
    for passage in manuscript.survey.passages:
        if passage.language and passage.language not in told:
            told.add(passage.language)
            yield passage.language, passage.spot, passage.language
