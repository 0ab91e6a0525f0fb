"""A link that does not say where it goes

Screen readers list the links of a mail without the text around them: ten times “click here” tells nothing. Sighted
readers, too, look at links first.

Bad:  To read the report, [click here](https://example.org/report).
Good: [Read the report of the evening](https://example.org/report).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark, words_in
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_VAGUE = words_in("""
    here, click, click here, this, this link, link, more, read more, learn more, see more, find out more, continue,
    go, details, ici, cliquez ici, cliquer ici, clique ici, par ici, ce lien, lien, plus, lire, lire plus,
    en savoir plus, savoir plus, lire la suite, la suite, suite, voir, voir plus, plus d'infos,
    plus d'informations, plus d’infos, plus d’informations, détails, cette page, this page, cet article,
    this article
""")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links whose text means nothing on its own."""
    for link in manuscript.survey.links:
        text = link.text.casefold().strip(" \u00a0\u202f.…!›»→>:[]()")
        if text in _VAGUE:
            message = f"“{link.text}” does not say where the link goes, to those who hear the links alone"
            yield Remark(link.spot, message, "let the link be the words that name its goal")
