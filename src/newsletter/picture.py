"""A picture: an image as an edition shows it, and as it travels inside a message.

What an author names becomes a Picture: what the HTML says of it. One whose `src` begins with `cid:` (RFC 2392) comes
with what it encloses: a part of multipart/related (RFC 2387).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that travels inside the message, such as an image. Its digest says which one; `enclose` makes one."""

    digest: str  # SHA-256 of the content, in hexadecimal
    name: str  # a file name of ASCII letters, digits, dots and hyphens
    type: str  # as its Content-Type: image/jpeg, image/png, image/gif, text/calendar
    content: bytes = field(repr=False, compare=False)

    @property
    def content_id(self) -> str:
        """What the HTML calls it by, without `cid:`; made of the content alone, so that a sender may change."""
        return f"{self.digest[:32]}@picture"

    @property
    def data_uri(self) -> str:
        """The image as an address that a browser can show without the message (RFC 2397)."""
        return f"data:{self.type};base64,{b64encode(self.content).decode()}"


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands in the HTML for an image that an author named."""

    src: str  # `cid:…` or a whole web address
    width: int  # pixels of the file
    height: int
    enclosed: Enclosed | None = None  # for `cid:`

    def shown(self, most: int, asked: int = 0) -> tuple[int, int]:
        """Width and height in CSS pixels: as asked, else its own, at most `most` wide, and in proportion."""
        width = min(asked or self.width, most)
        return width, max(1, round(width * self.height / self.width))


# What stands for an image that could not be had and can be done without: its block shows itself without one.
NO_PICTURE = Picture("", 0, 0)


def enclose(content: bytes, name: str, content_type: str) -> Enclosed:
    """The image with its digest."""
    return Enclosed(sha256(content).hexdigest(), name, content_type, content)


def self_contained(html: str, enclosed: tuple[Enclosed, ...]) -> str:
    """The HTML with its images in it, for looking at it outside of a message."""
    for each in enclosed:
        html = html.replace(f"cid:{each.content_id}", each.data_uri)
    return html
