"""The web form: an issue's edition as a part of a page, for nobody in particular.

    edition ──fill for nobody──▶ the mail's HTML ──clean──▶ what a browser may show ──classes──▶ body and style sheet

It has the blocks and the theme of the mail, and nothing of a person. Frozen with its mailing, it says for ever what was
sent. Images that travelled in the mail lie beside the pages, called by their digest.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.render.page import BEGINS, ENDS
from newsletter.render.raw import TAG
from newsletter.render.typography import typeset
from newsletter.render.web_clean import cleaned, readable
from newsletter.render.web_nobody import filled_for_nobody, values_for_nobody
from newsletter.render.web_style import Classes, declarations, sheet, written
from newsletter.render.words import direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.picture import Enclosed
    from newsletter.render.site import Site
    from newsletter.render.theme import Theme

ARCHIVE = "archive"  # the folder of the archive, below the address where the pages are served
FILES = "-/files"  # below the archive; no slug begins with a hyphen
FEEDS = {  # file → media type, name for people
    "feed.xml": ("application/rss+xml", "RSS"),
    "atom.xml": ("application/atom+xml", "Atom"),
    "feed.json": ("application/feed+json", "JSON Feed"),
}
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "text/calendar": "ics"}
_LARGE = 200  # CSS pixels; what is narrower does not stand for the issue
_BEGINS_AND_ENDS = re.compile(rf"{re.escape(BEGINS)}|{re.escape(ENDS)}")


@dataclass(frozen=True, slots=True)
class WebForm:
    """An issue's page without its frame. What it says stays as it was when the mailing was planned."""

    slug: str
    title: str
    language: str  # BCP 47
    body: str  # cleaned HTML; addresses within the archive are relative to the issue's page
    style: str  # a style sheet for it
    feed: str  # the body as feeds carry it
    summary: str = ""
    date: str = ""  # ISO 8601, a day; "": the day of its sending
    number: int | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    canonical_url: str = ""  # where it was published first, if elsewhere
    image: str = ""  # the address of an image that stands for it
    image_alt: str = ""
    light: Mapping[str, str] = field(default_factory=dict)  # the theme's colours
    dark: Mapping[str, str] = field(default_factory=dict)
    fonts: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()  # digests of the images and calendars that lie in the archive
    origins: tuple[str, ...] = ()  # where other images come from: https://images.example.org

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`."""
        return direction(self.language)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything in it."""
        return sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The form as text that `from_json` reads back."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> WebForm:
        """The form that `to_json` wrote; of a newer program's, what is known of it."""
        data: dict[str, Any] = json.loads(text)
        known = {each.name for each in fields(cls)}
        lists = {"authors", "tags", "files", "origins"}
        values: dict[str, Any] = {
            name: tuple(value) if name in lists else value for name, value in data.items() if name in known
        }
        return cls(**values)


def file_name(digest: str, content_type: str) -> str:
    """What an image or a calendar is called in the archive, by its content."""
    return f"{digest[:32]}.{_ENDINGS.get(content_type.partition(';')[0], 'bin')}"


def file_address(file: Enclosed, site: Site) -> str:
    """The whole address of a file in the archive."""
    return f"{site.base_url}/{ARCHIVE}/{FILES}/{file_name(file.digest, file.type)}"


def web_form(issue: Issue, edition: Edition, site: Site, theme: Theme, calendars: Sequence[Enclosed] = ()) -> WebForm:
    """The page of an issue, from its edition in the form "web"; `calendars` lie beside its images.

    Raises IssueError for a slot that cannot be compiled.
    """
    archive = f"{site.base_url}/{ARCHIVE}"
    values = values_for_nobody(edition, f"{archive}/{issue.slug}")
    document = _with_images(filled_for_nobody(edition.html, values), edition.pictures)
    body = cleaned(_inside_body(document), site.base_url, archive)
    classes = Classes()
    styled = _BEGINS_AND_ENDS.sub("", classes.moved(body))
    image, alt = _first_image(styled)
    return WebForm(
        slug=issue.slug,
        title=edition.title,
        language=edition.language,
        body=styled.strip(),
        style="\n".join(filter(None, (sheet(document), _style_of_body(document), classes.rules()))),
        feed=readable(_between_marks(body)),
        summary=re.sub(r"[ \t\n]+", " ", filled_for_nobody(edition.preheader, values)).strip(),
        date=issue.date.isoformat() if issue.date else "",
        number=issue.number,
        authors=issue.authors,
        tags=tuple(typeset(tag, edition.language) for tag in issue.tags),
        canonical_url=issue.canonical_url or "",
        image=image,
        image_alt=alt,
        light=_texts(theme.tokens.get("light", {})),
        dark=_texts(theme.tokens.get("dark", {})),
        fonts=_texts(theme.tokens.get("fonts", {})),
        files=tuple(each.digest for each in (*edition.pictures, *calendars)),
        origins=_origins(styled),
    )


def _texts(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _with_images(document: str, pictures: tuple[Enclosed, ...]) -> str:
    for each in pictures:
        address = f"../{FILES}/{file_name(each.digest, each.type)}"
        document = document.replace(f"cid:{each.content_id}", address)
    return document


def _inside_body(document: str) -> str:
    _, _, rest = document.partition("<body")
    inside = rest[rest.index(">") + 1 :] if ">" in rest else rest
    return inside.rpartition("</body>")[0] or inside


def _style_of_body(document: str) -> str:
    found = re.search(r'<body[^>]*?\sstyle="([^"]*)"', document)
    pairs = declarations(unescape(found[1])) if found else []
    return f"body{{{written(pairs)}}}" if pairs else ""


def _between_marks(body: str) -> str:
    """What stands between the marks of the issue's own blocks; a theme that lost them gives all it has."""
    _, begins, rest = body.partition(BEGINS)
    inside, ends, _ = rest.partition(ENDS)
    return inside if begins and ends else _BEGINS_AND_ENDS.sub("", body)


def _attributes(tag: re.Match[str]) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'\s([a-z-]+)="([^"]*)"', tag[3])}


def _images(body: str) -> list[dict[str, str]]:
    return [_attributes(tag) for tag in TAG.finditer(body) if tag[2] == "img" and not tag[1]]


def _first_image(body: str) -> tuple[str, str]:
    """The address and the words of the first image that is large enough to stand for the issue."""
    for image in _images(body):
        width = image.get("width", "")
        if image.get("src") and (not width.isdecimal() or int(width) >= _LARGE):
            return image["src"], image.get("alt", "")
    return "", ""


def _origins(body: str) -> tuple[str, ...]:
    """Where a browser must be let load images from, besides the archive itself."""
    found = set[str]()
    for image in _images(body):
        parts = urlsplit(image.get("src", ""))
        if parts.scheme and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
            found.add(f"{parts.scheme}://{parts.netloc}".lower())
    return tuple(sorted(found))
