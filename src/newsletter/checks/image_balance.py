"""Little text beside many images

With images off, which is how many offices read, this mail says next to nothing; and spam filters know it as the form
of those who hide their text in pictures.

Bad:  (six images and one sentence)
Good: (six images, each with a sentence or two)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_LETTERS = 100  # that an image should have beside it


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Fewer than 100 letters of text for each of two images and more; or one image and hardly a word."""
    letters = sum(len(passage.text) for passage in manuscript.survey.passages)
    images = [image for image in manuscript.survey.images if image.alt != ""]
    if images and letters < _LETTERS * len(images):
        message = f"{len(images)} images stand beside {letters} letters of text: with images off, little remains"
        yield Remark(images[0].spot, message, "say in words what the images say")
