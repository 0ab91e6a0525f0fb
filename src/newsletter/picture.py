"""A picture: an image as an edition shows it, and as it travels inside a message.

What an author names becomes a Picture: what the HTML says of it. One whose `src` begins with `cid:` (RFC 2392) comes
with what it encloses: a part of multipart/related (RFC 2387). Other files, such as calendars, are attached (RFC 2183).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.encoding import base64_lines

if TYPE_CHECKING:
    from collections.abc import Sequence


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


# ── As parts of a message ──


def related_begins(pictures: Sequence[Enclosed], boundary: bytes) -> bytes:
    """What stands before the HTML when pictures follow it."""
    if not pictures:
        return b""
    return (
        b'\r\nContent-Type: multipart/related; type="text/html";\r\n boundary="' + boundary + b'"\r\n\r\n--' + boundary
    )


def related_ends(pictures: Sequence[Enclosed], boundary: bytes) -> bytes:
    """The pictures themselves, which the HTML names."""
    return _closed(b"".join(_part(each, boundary, "inline") for each in pictures), boundary)


def attachments(files: Sequence[Enclosed], boundary: bytes) -> bytes:
    """Files that are handed over beside what is read: the parts of multipart/mixed behind the first one."""
    return _closed(b"".join(_part(each, boundary, "attachment") for each in files), boundary)


def _part(each: Enclosed, boundary: bytes, disposition: str) -> bytes:
    """A file as a part with a name, for some programs drop a part without one."""
    content_id = f"Content-ID: <{each.content_id}>\r\n" if disposition == "inline" else ""
    head = (
        f"\r\n--{boundary.decode()}\r\n"
        f'Content-Type: {each.type};\r\n name="{each.name}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n"
        f"{content_id}"
        f'Content-Disposition: {disposition}; filename="{each.name}"\r\n\r\n'
    )
    return head.encode("ascii") + base64_lines(each.content)


def _closed(parts: bytes, boundary: bytes) -> bytes:
    """Parts with the line that ends them, if there are any."""
    return parts and b"".join((parts, b"\r\n--", boundary, b"--\r\n"))
