"""Contrast: how far two colours are apart for the eye, by WCAG 2.2 (1.4.3), and the nearest colour that is far enough.

A colour is three numbers from 0 to 255, or `#94391f`. Lightness, for finding neighbours of a hue, is that of OKLab.
"""

from __future__ import annotations

import re
from math import cbrt
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

Colour: TypeAlias = "tuple[int, int, int]"

READABLE = 4.5  # to 1: text of any size (level AA)
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_STEPS = 200  # between a colour and black, or white


def colour(text: str) -> Colour:
    """The numbers of `#94391f` or `#943`. Raises ValueError for everything else."""
    if not _HEX.fullmatch(text):
        raise ValueError(text)
    digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def written(value: Colour) -> str:
    """A colour as a theme writes it: `#94391f`."""
    return "#{:02x}{:02x}{:02x}".format(*value)


def ratio(one: Colour, other: Colour) -> float:
    """Their contrast, from 1 (the same) to 21 (black on white); which of the two is the text does not matter."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def nearest_readable(value: Colour, others: Collection[Colour], least: float = READABLE) -> Colour | None:
    """The colour of the same hue nearest to this one that has this contrast with all others; None if there is none."""
    lightness, a, b = _oklab(value)
    for step in range(1, _STEPS + 1):
        for way in (-1, 1):
            wanted = lightness + way * step / _STEPS
            if 0 <= wanted <= 1:
                # Towards black and white a hue has less and less room.
                room = min(1.0, wanted / lightness if way < 0 else (1 - wanted) / (1 - lightness or 1))
                near = _rgb(wanted, a * room, b * room)
                if all(ratio(near, other) >= least for other in others):
                    return near
    return None


def _luminance(value: Colour) -> float:
    red, green, blue = map(_linear, value)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _channel(linear: float) -> int:
    linear = min(1.0, max(0.0, linear))
    share = linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(share * 255)


def _oklab(value: Colour) -> tuple[float, float, float]:
    """Lightness and two axes of hue (Ottosson 2020)."""
    red, green, blue = map(_linear, value)
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _rgb(lightness: float, a: float, b: float) -> Colour:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _channel(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _channel(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _channel(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )
