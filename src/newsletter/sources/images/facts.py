"""Facts: what the files behind an issue's images are, for those who check them. Nothing is fetched for it."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from newsletter.errors import IssueError
from newsletter.manuscript import ImageFile
from newsletter.sources.images.cache import key_of
from newsletter.sources.images.files import Shelf, read_image
from newsletter.sources.images.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from newsletter.issue import Issue
    from newsletter.sources.images.cache import Cache


def image_files(
    sources: Iterable[str], issue: Issue, file: Path, newsletter: Path, cache: Cache
) -> dict[str, ImageFile]:
    """What is known of each image: of files that lie here, and of those that were fetched before."""
    shelf = Shelf(file.absolute(), newsletter, issue.path)
    return {src: facts for src in dict.fromkeys(sources) if (facts := _facts(src, shelf, cache)) is not None}


def _facts(src: str, shelf: Shelf, cache: Cache) -> ImageFile | None:
    if src.startswith(("data:", "cid:")) or "{{" in src:
        return None
    if src.startswith(("http://", "https://", "//")):
        kept = cache.get("fetched", key_of(f"https:{src}" if src.startswith("//") else src))
        return _of(kept.content) if kept else None
    try:
        return _of(read_image(src, shelf)[1])
    except IssueError:
        return None


def _of(content: bytes) -> ImageFile:
    """Its size by its head; 0 by 0 where nobody can tell."""
    from PIL import Image, UnidentifiedImageError

    kind = (kind_of(content) or "").upper()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                return ImageFile(len(content), image.width, image.height, kind)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return ImageFile(len(content), 0, 0, kind)
