"""Weights: what a mail's HTML is made of, block by block, against what Gmail shows; and the parts of its message."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.preview.places import Place

CLIPPED = 102 * 1024  # octets of HTML, before encoding, after which Gmail cuts off
_FOOT = 48  # characters of a label that are shown


@dataclass(frozen=True, slots=True)
class Weight:
    """A block and its octets. `line` 0: it is the theme's."""

    label: str
    octets: int
    line: int = 0
    is_shown: bool = True  # by Gmail, which shows what begins before the limit


@dataclass(frozen=True, slots=True)
class MimePart:
    """A leaf of the message."""

    content_type: str
    name: str
    octets: int
    encoded: int


def weights(html: str, known: Sequence[Place]) -> tuple[Weight, ...]:
    """The document cut where its blocks begin: style sheets, the head of the page, each block, in order.

    What follows the last block, the theme's footer, counts to that block's neighbour, as `Footer`.
    """
    cuts: list[tuple[int, str, int]] = [(0, "Style sheets", 0)]
    if (body := html.find("<body")) > 0:
        cuts.append((body, "Header", 0))
    for place in known:
        label = " ".join(place.words.split())
        if place.kind != "link" and place.start > cuts[-1][0]:
            cuts.append((place.start, label[:_FOOT] or place.kind, place.spot.line))
    if known and (foot := _end_of(html, cuts[-1][0])):
        cuts.append((foot, "Footer", 0))
    ends = [*(cut[0] for cut in cuts[1:]), len(html)]
    found, before = [], 0
    for (start, label, line), end in zip(cuts, ends, strict=True):
        octets = len(html[start:end].encode())
        found.append(Weight(label, octets, line, before < CLIPPED))
        before += octets
    return tuple(found)


def _end_of(html: str, start: int) -> int:
    """Where the table ends in which the last block stands; 0 when nobody can tell."""
    end = html.find("</table>", start)
    return end + len("</table>") if end > 0 else 0


def parts(data: bytes) -> tuple[MimePart, ...]:
    """The parts of a message, with their octets as they are read and as they travel."""
    found = []
    for part in message_from_bytes(data).walk():
        if part.is_multipart():
            continue
        content, encoded = part.get_payload(decode=True), part.get_payload()
        octets = len(content) if isinstance(content, bytes) else 0
        found.append(MimePart(part.get_content_type(), part.get_filename() or "", octets, len(str(encoded))))
    return tuple(found)
