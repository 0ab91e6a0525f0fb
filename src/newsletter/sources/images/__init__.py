"""Images: what an issue names becomes what its readers see, wherever it lies and whatever it is.

    stage      from → to                                                 module
    find       an address in the issue → a file of the newsletter        files
    fetch      an address of the web → an image, through a guard         fetch, guard
    make       any image → one that all mail programs show, and small    make, kinds
    place      into the message, or into a folder to be uploaded         here

What was fetched and made is kept (cache), so that rendering again costs next to nothing. `place = "link"` leaves all
images as they are: nothing is read, and nothing fetched.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from base64 import b64decode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from newsletter.errors import IssueError, Problem
from newsletter.picture import NO_PICTURE, Enclosed, Picture, enclose
from newsletter.sources.images.cache import Cache, Entry, key_of
from newsletter.sources.images.fetch import DESCRIPTION, Web, fetch, forget
from newsletter.sources.images.files import Shelf, read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from newsletter.issue import Issue
    from newsletter.render.pictures import Use
    from newsletter.sources.images.make import Made

__all__ = ["Cache", "Desk", "Prepared", "Web", "prepare", "put_files"]

_SHARPNESS = 2  # pixels of the image for one of the page, as today's screens have them
_HEAVY = 1_500_000  # bytes of images in one message, of which an author should know
_HEAVIEST = 7_000_000  # in base64, that is near to the 10 MB that many servers take at most
_AT_ONCE = 4
_SHOWN = 60  # characters of an address in a message
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DATA = re.compile(r"data:[^,]*?(;base64)?,", re.IGNORECASE)
_EXAMPLE = re.compile(r"(?:.+\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)")  # RFC 2606: nobody's sites
_WITHOUT = "readers get a link without a picture; to choose one: ::video{href=… poster=photo.jpg}"
_IN_A_FOLDER = 'keep them out of the message: in newsletter.toml, below [images], place = "folder"'


@dataclass(frozen=True, slots=True)
class Desk:
    """Where images are prepared: what may be read, what is kept, how the web is reached, and where they go."""

    newsletter: Path  # its folder
    cache: Cache
    folder: Path | None = None  # to put them into; None: into the message
    base_url: str = ""  # where that folder is served, without a slash at its end
    site: str = ""  # the newsletter's web site, to which addresses that begin with / belong
    web: Web = field(default_factory=Web)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to show for each address, and what the author should know."""

    pictures: Mapping[str, Picture]
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    made: Made
    name: str
    notes: tuple[str, ...]


def prepare(uses: Sequence[Use], issue: Issue, file: Path, width: int, desk: Desk) -> Prepared:
    """The pictures for the images that an issue names; `file` is where it lies, `width` the page's, in CSS pixels.

    Raises IssueError with all that is wrong: images that are missing, cannot be fetched, are none, weigh too much.
    """
    from concurrent.futures import ThreadPoolExecutor

    shelf = Shelf(file.absolute(), desk.newsletter, issue.path)
    first: dict[str, Use] = {}
    widest: dict[str, int] = {}
    for use in uses:
        if not use.src.lower().startswith("cid:"):  # the author's own affair
            if use.key not in first or (use.is_needed and not first[use.key].is_needed):
                first[use.key] = use
            widest[use.key] = max(widest.get(use.key, 0), min(use.width or width, width))

    def attempt(use: Use) -> _Ready | IssueError:
        try:
            at = _theme_shelf(use, desk) if use.folder else shelf
            most = _SHARPNESS * widest[use.key]
            return _of_video(use.lookup, most, desk) if use.lookup else _ready(use.src, most, at, desk)
        except IssueError as error:
            return error

    # Side by side: fetching waits for others, and Pillow works without Python's lock.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(attempt, first.values()))
    problems: list[Problem] = []
    notes: list[Problem] = []
    pictures: dict[str, Picture] = {}
    for use, result in zip(first.values(), results, strict=True):
        if isinstance(result, _Ready):
            notes += (_told(Problem(note), use, issue) for note in result.notes)
            pictures[use.key] = _picture(result, desk)
        elif use.is_needed:
            problems += (_told(each, use, issue) for each in result.problems)
        else:
            notes += (_told(replace(each, fix=_WITHOUT), use, issue) for each in result.problems)
            pictures[use.key] = NO_PICTURE
    if problems:
        raise IssueError(*sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    notes += _weighed(pictures.values(), issue)
    return Prepared(pictures, tuple(notes))


def _refuse(message: str, fix: str) -> NoReturn:
    raise IssueError(Problem(message, fix=fix))


def _theme_shelf(use: Use, desk: Desk) -> Shelf:
    """Where an image lies that a theme names: in the theme's folder, or anywhere in the newsletter's."""
    # As with hello/index.md, the folder around the file is its own.
    return Shelf(Path(use.folder) / "index", desk.newsletter, f"{PurePosixPath(use.path).parent}/index")


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ready(src: str, most: int, shelf: Shelf, desk: Desk) -> _Ready:
    """An image, wherever it lies, made at most so many pixels wide. Raises IssueError without a place."""
    if found := _DATA.match(src):
        return _Ready(_made(_in_address(src, found), most, desk.cache), "image", ())
    if src.startswith("//"):
        return _from_web(f"https:{src}", most, desk)
    if _SCHEME.match(src):
        return _from_web(src, most, desk)
    try:
        path, content = read_image(src, shelf)
    except IssueError as error:
        if src.startswith("/") and desk.site and not _EXAMPLE.fullmatch(urlsplit(desk.site).hostname or ""):
            return _from_site(src, most, desk, error)
        raise
    made = _made(content, most, desk.cache)
    return _Ready(made, path.stem, (made.note,) if made.note else ())


def _in_address(src: str, found: re.Match[str]) -> bytes:
    """The image that an address holds itself (RFC 2397)."""
    try:
        content = unquote_to_bytes(src[found.end() :])
        return b64decode(content, validate=True) if found[1] else content
    except ValueError:
        _refuse("is a data: address that cannot be read", "save the image beside the issue, and name that file")


def _from_web(url: str, most: int, desk: Desk) -> _Ready:
    fetched = fetch(url, desk.cache, desk.web)
    try:
        made = _made(fetched.content, most, desk.cache)
    except IssueError:
        forget(url, desk.cache)
        raise
    return _Ready(made, PurePosixPath(unquote(urlsplit(url).path)).stem, tuple(filter(None, (fetched.note, made.note))))


def _of_video(lookup: str, most: int, desk: Desk) -> _Ready:
    """The picture of a video, for whose address its service is asked (oEmbed)."""
    fetched = fetch(lookup, desk.cache, desk.web, DESCRIPTION)
    try:
        said = json.loads(fetched.content)
        picture = said.get("thumbnail_url") if isinstance(said, dict) else None
    except ValueError:
        picture = None
    if not isinstance(picture, str) or not picture.startswith(("https://", "http://")):
        forget(lookup, desk.cache)
        _refuse("has none that its service tells of", _WITHOUT)
    return _from_web(picture, most, desk)


def _from_site(src: str, most: int, desk: Desk, local: IssueError) -> _Ready:
    """An image of the newsletter's web site, as no file has its name."""
    try:
        return _from_web(f"{desk.site}{src}", most, desk)
    except IssueError as error:
        (here,), there = local.problems, error.problems[0]
        raise IssueError(replace(here, message=f"{here.message}, and on {desk.site} it {there.message}")) from None


def _made(content: bytes, most: int, cache: Cache) -> Made:
    """The image as mail programs show it, from the cache if it was made before."""
    from newsletter.sources.images.make import RECIPE, Made, make

    key = key_of(RECIPE, most, sha256(content).hexdigest())
    if kept := cache.get("made", key):
        return Made(content=kept.content, **kept.facts)
    made = make(content, most)
    facts = {"type": made.type, "width": made.width, "height": made.height, "note": made.note}
    cache.put("made", key, Entry(facts, made.content))
    return made


# ── Placing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _picture(ready: _Ready, desk: Desk) -> Picture:
    """What the HTML shows, after the image went where it goes."""
    from newsletter.sources.images.make import ENDINGS

    made = ready.made
    digest = sha256(made.content).hexdigest()
    enclosed = enclose(made.content, f"{_slug(ready.name)}-{digest[:10]}.{ENDINGS[made.type]}", made.type)
    if desk.folder is None:
        return Picture(f"cid:{enclosed.content_id}", made.width, made.height, enclosed)
    _put(enclosed, desk.folder)
    return Picture(f"{desk.base_url}/{enclosed.name}", made.width, made.height)


def put_files(files: Iterable[Enclosed], folder: Path, base_url: str) -> dict[str, str]:
    """Write files into the folder that is uploaded; their addresses there, by digest. Raises IssueError."""
    addresses: dict[str, str] = {}
    for file in files:
        stem, _, ending = file.name.rpartition(".")
        named = replace(file, name=f"{stem}-{file.digest[:10]}.{ending}")
        _put(named, folder)
        addresses[file.digest] = f"{base_url}/{named.name}"
    return addresses


def _slug(name: str) -> str:
    """A name in the letters that every header, disk and web server takes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower())[:40].strip("-") or "image"


def _put(image: Enclosed, folder: Path) -> None:
    """Write the image into the folder, whole or not at all. Its name says what is in it, so one that is there stays."""
    path = folder / image.name
    part = path.with_name(f".{image.name}.part")
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(image.content)
            part.replace(path)
    except OSError as error:
        fix = "see that the folder below [images] in newsletter.toml can be written"
        raise IssueError(Problem(f"an image or file cannot be written: {error.strerror}", str(path), fix=fix)) from None


def _weighed(pictures: Iterable[Picture], issue: Issue) -> list[Problem]:
    """What to say about the weight of the images in each message. Raises IssueError when no server would take it."""
    sizes = {each.enclosed.digest: len(each.enclosed.content) for each in pictures if each.enclosed}
    weight = sum(sizes.values())
    if weight <= _HEAVY:
        return []
    told = Problem(f"the images weigh {weight / 1e6:.1f} MB, in each message", issue.path, fix=_IN_A_FOLDER)
    if weight > _HEAVIEST:
        raise IssueError(replace(told, message=f"{told.message}: many servers take no more than 10 MB"))
    return [told]


# ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _told(problem: Problem, use: Use, issue: Issue) -> Problem:
    """The problem with the image's address and its place in the author's file."""
    shown = unquote(use.src)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    line, column = (use.line, None) if use.path else _place(use, issue)
    path = use.path or issue.path
    what = "picture of the video" if use.lookup else "image"
    return replace(problem, message=f"the {what} {shown!r} {problem.message}", path=path, line=line, column=column)


def _place(use: Use, issue: Issue) -> tuple[int, int | None]:
    """Where the address was written: at its block or below it, where a reference may stand, or else above."""
    if use.src == issue.hero:
        return issue.place("hero")
    lines = issue.body.split("\n")
    begin = use.line - issue.body_line
    spellings = {use.src, unquote(use.src), html.escape(use.src)}
    for at in (*range(begin, len(lines)), *range(begin)):
        for spelling in spellings:
            if (column := lines[at].find(spelling)) >= 0:
                return issue.body_line + at, column + 1
    return use.line, None
