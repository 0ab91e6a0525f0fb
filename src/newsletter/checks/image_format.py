"""An image in a form that mail programs do not show

Outlook on Windows shows neither WebP nor AVIF, nobody but Apple shows HEIC, and most show no SVG. Here they are turned
into JPEG or PNG on the way; an image that is left where it is (`place = "link"`) goes out as it is.

Bad:  ![Chart](chart.svg)
Good: ![Chart](chart.png)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_UNFIT = frozenset({"SVG", "WEBP", "AVIF", "HEIC", "HEIF", "TIFF", "BMP", "ICO"})


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Images whose file, or else whose name, is of such a form; once each."""
    told: set[str] = set()
    for image in manuscript.survey.images:
        file = manuscript.files.get(image.src)
        kind = file.format if file else image.src.partition("?")[0].rpartition(".")[2].upper()
        if kind in _UNFIT and image.src not in told:
            told.add(image.src)
            yield Remark(
                image.spot, f"“{image.src}” is {kind}, which not all mail programs show", "save it as JPEG or PNG"
            )
