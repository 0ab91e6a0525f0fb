"""A manuscript: an issue as an editor reads it before it goes out, with all that can be known of it then.

The checks look at nothing else. What had to be fetched, measured or asked for (sizes of images, answers of servers,
what earlier issues said) was put in before, by those that may touch the world; None or empty says that nobody looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from newsletter.finding import Spot

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from newsletter.edition import Edition
    from newsletter.issue import Issue


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the body. Slots stand in it as they were written."""

    href: str  # as written; "" leads nowhere
    text: str  # without markup; of a linked image its alternative text
    spot: Spot
    block: str = "paragraph"  # what it stands in, or is: `button`, `card`, `video` …


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the issue."""

    src: str  # as written
    alt: str | None  # "": decoration; None: an omission
    spot: Spot
    width: int = 0  # CSS pixels that the author asked for; 0: none
    block: str = "image"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, with the level that the author wrote."""

    level: int
    text: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of running text: a paragraph, an item, a cell, a caption, a title. Code is none."""

    text: str  # as a reader sees it, set in the issue's language; slots as they were written
    spot: Spot
    block: str = "paragraph"
    language: str = ""  # of this part, where it is said to be another one than the issue's


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in an issue's body, in the author's order."""

    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    headings: tuple[Heading, ...] = ()
    passages: tuple[Passage, ...] = ()
    markup: tuple[Passage, ...] = ()  # what the author wrote as HTML


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What is known of an image's file. `format` is Pillow's word for it: JPEG, PNG, GIF, WEBP, AVIF, SVG."""

    octets: int
    width: int  # pixels
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a link: `status` 0 when none came, and then `error` says why."""

    status: int
    moved_to: str = ""  # where redirections ended, when they did elsewhere
    error: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier issue said."""

    path: str
    subject: str
    hrefs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """A tag that a rule or a condition asks for; `line` 0: the segment's."""

    tag: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """What is known of those who would get it."""

    recipients: int
    without: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # field → so many lack it
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # where such a field is printed
    longest: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # field → its longest value
    domains: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    unread: tuple[tuple[str, int], ...] = ()  # parts that nobody gets, `{% if … %}`, and their lines
    unknown_tags: tuple[Asked, ...] = ()  # that nobody on the whole list has
    tags: frozenset[str] = frozenset()  # that somebody has, where a tag is asked for


@dataclass(frozen=True, slots=True)
class House:
    """What the newsletter says of itself in every issue."""

    title: str = ""
    base_url: str = ""
    postal_address: str = ""
    sender_name: str = ""
    sender_email: str = ""
    reply_to: str = ""
    theme_width: int = 600  # CSS pixels


@dataclass(frozen=True, slots=True)
class Manuscript:
    """Everything that a rule may look at."""

    issue: Issue
    source: tuple[str, ...]  # the lines of the author's file
    language: str
    survey: Survey
    house: House
    edition: Edition | None = None  # None: it could not be rendered, and `problems` of another kind say why
    subject: str = ""  # as somebody would get it of whom just enough is known
    preheader: str = ""
    longest_subject: str = ""  # with the longest values of the audience
    html: str = ""
    text: str = ""
    octets: int = 0  # of the whole message, encoded, without images
    html_octets: int = 0  # of its HTML part before encoding: what Gmail counts
    today: datetime.date | None = None
    files: Mapping[str, ImageFile] = field(default_factory=lambda: MappingProxyType({}))  # by src
    earlier: tuple[Earlier, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))  # by href
    audience: Audience | None = None
    misspelt: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))  # word → suggestions
    spam: Mapping[str, float] | None = None  # SpamAssassin's rules and their points

    def at(self, name: str) -> Spot:
        """Where a field of the front matter was written."""
        place = self.issue.place(name)
        return Spot(self.issue.path, place.line, place.column)

    @property
    def spot(self) -> Spot:
        """The issue as a whole."""
        return Spot(self.issue.path)
