"""Files: where an image lies that an issue names, and never one outside of the newsletter's folder.

photo.jpg   beside the issue · in its folder of the same name
/photo.jpg  the same · public/ · static/ · the newsletter's folder, as web sites lay it out
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote

from newsletter.errors import IssueError, Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 50_000_000  # bytes; a camera's largest photo
ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".svg", ".heic", ".tif", ".tiff")
_SITE_FOLDERS = ("public", "static", "")
_LISTED = 8  # names in a message


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where an issue's images may lie."""

    issue: Path  # the issue's file
    newsletter: Path  # the newsletter's folder
    shown: str  # the issue's path, as messages name it

    @property
    def own(self) -> Path:
        """The folder for this issue's images alone; of `hello/index.md`, that is where it lies."""
        return self.issue.parent if self.issue.stem.casefold() == "index" else self.issue.with_suffix("")

    @property
    def own_shown(self) -> str:
        """The same, as messages name it."""
        path = Path(self.shown)
        return (path.parent if path.stem.casefold() == "index" else path.with_suffix("")).as_posix() + "/"


def read_image(src: str, shelf: Shelf) -> tuple[Path, bytes]:
    """The file that the address means, and what is in it.

    Raises IssueError, without a place, whose message goes on after the image's name ("… does not exist").
    """
    path = _find(src, shelf)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            _refuse(
                f"has {size / 1e6:.0f} MB, more than {LARGEST // 1_000_000}",
                "save it smaller: twice the width of the page is as much as anybody sees",
            )
        return path, path.read_bytes()
    except OSError as error:
        _refuse(f"cannot be read: {error.strerror}", "see who may read the file")


def _refuse(message: str, fix: str) -> NoReturn:
    raise IssueError(Problem(message, fix=fix))


def _find(src: str, shelf: Shelf) -> Path:
    roots = {Path(os.path.realpath(folder)) for folder in (shelf.newsletter, shelf.issue.parent)}
    outside = folder = False
    try:
        for candidate in _candidates(src, shelf):
            real = Path(os.path.realpath(candidate))
            inside = any(real.is_relative_to(root) for root in roots)
            if inside and real.is_file():
                return real
            outside |= not inside
            folder |= inside and real.is_dir()
    except (OSError, ValueError) as error:  # too long, or with a NUL
        _refuse(f"cannot be the name of a file: {getattr(error, 'strerror', None) or error}", "name one that exists")
    if folder:
        _refuse("is a folder, not an image", "name one file in it")
    if outside:
        _refuse("lies outside of the newsletter's folder", f"copy the image into {shelf.own_shown} and name it there")
    _refuse("does not exist", _fix(src, shelf))


def _candidates(src: str, shelf: Shelf) -> Iterator[Path]:
    """Each file that could be meant, the likeliest first."""
    folders = [shelf.issue.parent, shelf.own]
    if src.startswith("/"):
        folders += [shelf.newsletter / name for name in _SITE_FOLDERS]
    for name in _spellings(src):
        for folder in dict.fromkeys(folders):
            yield folder / name.lstrip("/")


def _spellings(src: str) -> dict[str, None]:
    """The address as a file's name: as it is, without %20 and its like, without ?query and #fragment."""
    names = [src, unquote(src), unquote(src.partition("#")[0].partition("?")[0])]
    names += [name.replace("\\", "/") for name in names]
    # One letter with an accent may be one sign or two, as another file system wrote it.
    forms = [unicodedata.normalize(form, name) for name in names for form in ("NFC", "NFD")]
    return dict.fromkeys(name for name in (*names, *forms) if name.strip("/"))


def _fix(src: str, shelf: Shelf) -> str:
    """The nearest name that there is, or else where to put the image."""
    known = sorted({name for folder in (shelf.issue.parent, shelf.own) for name in _images_in(folder)})
    wanted = unquote(src).rpartition("/")[2]
    if near := nearest(wanted, known):
        return f"did you mean {near!r}?"
    fix = f"put the image into {shelf.own_shown} and name it there"
    return f"{fix}; known are: {', '.join(known)}" if 0 < len(known) <= _LISTED else fix


def _images_in(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        yield from (path.name for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
