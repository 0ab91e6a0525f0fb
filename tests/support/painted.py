"""Pictures that are painted when they are asked for: `https://pictures.example.org/hills-1200x800.png`.

What stands before the size is the motif, hills or a person; all other words choose the colours.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from math import sin
from typing import TYPE_CHECKING

from newsletter.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.ImageDraw import ImageDraw

ORIGIN = "https://pictures.example.org/"
_NAME = re.compile(rf"{re.escape(ORIGIN)}([\w-]+)-(\d+)x(\d+)\.png")
# Sky above and below, then the hills from far to near; or ground, clothes and face.
_COLOURS = {
    "dawn": ["#f6d7b0", "#f2b08c", "#b98b8f", "#7d6a80", "#4a4a63"],
    "day": ["#cfe3ee", "#f2efe2", "#a8bfa6", "#6f9479", "#44684f"],
    "dusk": ["#3f4a72", "#d98f7a", "#6b4f6e", "#453a5b", "#2a2742"],
    "stone": ["#e9e6df", "#d6d0c3", "#b3ab9c", "#8d8577", "#615b51"],
}


def picture(address: str) -> Picture | None:
    """What an issue shows for the address of a painted picture."""
    found = _NAME.fullmatch(address)
    return Picture(address, int(found[2]), int(found[3])) if found else None


def pictures(addresses: Iterable[str]) -> dict[str, Picture]:
    """The painted ones among some addresses."""
    return {address: painted for address in addresses if (painted := picture(address))}


@lru_cache(maxsize=64)
def paint(address: str) -> bytes:
    """The picture as a PNG file, at most 800 pixels wide."""
    from PIL import Image, ImageDraw

    found = _NAME.fullmatch(address)
    if found is None:
        raise ValueError(address)
    words, width, height = found[1].split("-"), int(found[2]), int(found[3])
    if width > 800:
        width, height = 800, round(800 * height / width)
    colours = next((_COLOURS[word] for word in words if word in _COLOURS), _COLOURS["day"])
    image = Image.new("RGB", (width, height), colours[0])
    draw = ImageDraw.Draw(image)
    for y in range(height):
        draw.line([(0, y), (width, y)], _between(colours[0], colours[1], y / height))
    draw_motif = _person if "person" in words else _hills
    draw_motif(draw, width, height, colours, len(found[1]))
    out = BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _hills(draw: ImageDraw, width: int, height: int, colours: list[str], seed: int) -> None:
    radius = height // 9
    x, y = width * (3 + seed % 4) // 8, height // 3
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], "#fff3d6")
    for layer, colour in enumerate(colours[2:]):
        top = height * (0.5 + 0.16 * layer)
        waves = [
            (x, top + height * 0.07 * sin(x / width * (3 + layer) * 2 + seed + layer * 2) + height * 0.02 * sin(x / 23))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *waves, (width, height)], colour)


def _person(draw: ImageDraw, width: int, height: int, colours: list[str], seed: int) -> None:
    middle, size = width / 2 + width * 0.03 * (seed % 3 - 1), min(width, height)
    head, shoulders = size * 0.17, size * 0.4
    y = height * 0.4
    ellipse = draw.ellipse
    ellipse([middle - shoulders, y + head * 1.1, middle + shoulders, height + shoulders * 1.2], colours[4])
    ellipse([middle - head * 1.25, y - head * 1.6, middle + head * 1.25, y + head * 0.9], colours[3])
    ellipse([middle - head * 0.4, y + head * 0.4, middle + head * 0.4, y + head * 1.6], "#d9a184")
    ellipse([middle - head * 0.92, y - head * 1.15, middle + head * 0.92, y + head * 1.15], "#e8b598")


def _between(one: str, other: str, share: float) -> tuple[int, int, int]:
    first, second = (tuple(int(each[at : at + 2], 16) for at in (1, 3, 5)) for each in (one, other))
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
