"""An alternative text that is a file's name

`DSC_0042.jpg` is what the camera called it. Read out, it is noise.

Bad:  ![DSC_0042](DSC_0042.jpg)
Good: ![The choir on the stairs of the town hall](DSC_0042.jpg)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_CAMERA = r"(?:img|dsc[nf]?|pxl|p|image|photo|screenshot|capture|whatsapp image)[ _-]*\d[\w .()-]*"
_FILE = re.compile(rf"{_CAMERA}|.+\.(?:jpe?g|png|gif|webp|heic|avif|svg)", re.IGNORECASE)
_WORDS = frozenset({"image", "photo", "picture", "img", "untitled", "sans titre", "logo.png", "alt", "alt text"})


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Texts that are the file's name, look like one, or say only that there is an image."""
    for image in manuscript.survey.images:
        text = (image.alt or "").strip()
        stem = unquote(image.src.rpartition("/")[2]).rpartition(".")[0]
        if text and ((text == stem and not stem.isalpha()) or text.casefold() in _WORDS or _FILE.fullmatch(text)):
            yield Remark(image.spot, f"“{text}” says nothing of what the image shows", "write what one sees on it")
