"""Colours as style sheets write them (CSS Color 4): names, #rrggbb, rgb() and hsl(), with what shines through."""

from __future__ import annotations

import re
from colorsys import hls_to_rgb
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from newsletter.contrast import Colour


class Paint(NamedTuple):
    """A colour, and how much of it covers what is below."""

    colour: Colour
    alpha: float = 1.0

    def over(self, below: Colour) -> Colour:
        """The colour that is seen."""
        red, green, blue = (
            round(self.alpha * mine + (1 - self.alpha) * theirs)
            for mine, theirs in zip(self.colour, below, strict=True)
        )
        return red, green, blue


_NAMED = """
    aliceblue#f0f8ff antiquewhite#faebd7 aqua#00ffff aquamarine#7fffd4 azure#f0ffff beige#f5f5dc bisque#ffe4c4
    black#000000 blanchedalmond#ffebcd blue#0000ff blueviolet#8a2be2 brown#a52a2a burlywood#deb887 cadetblue#5f9ea0
    chartreuse#7fff00 chocolate#d2691e coral#ff7f50 cornflowerblue#6495ed cornsilk#fff8dc crimson#dc143c cyan#00ffff
    darkblue#00008b darkcyan#008b8b darkgoldenrod#b8860b darkgray#a9a9a9 darkgreen#006400 darkkhaki#bdb76b
    darkmagenta#8b008b darkolivegreen#556b2f darkorange#ff8c00 darkorchid#9932cc darkred#8b0000 darksalmon#e9967a
    darkseagreen#8fbc8f darkslateblue#483d8b darkslategray#2f4f4f darkturquoise#00ced1 darkviolet#9400d3
    deeppink#ff1493 deepskyblue#00bfff dimgray#696969 dodgerblue#1e90ff firebrick#b22222 floralwhite#fffaf0
    forestgreen#228b22 fuchsia#ff00ff gainsboro#dcdcdc ghostwhite#f8f8ff gold#ffd700 goldenrod#daa520 gray#808080
    green#008000 greenyellow#adff2f honeydew#f0fff0 hotpink#ff69b4 indianred#cd5c5c indigo#4b0082 ivory#fffff0
    khaki#f0e68c lavender#e6e6fa lavenderblush#fff0f5 lawngreen#7cfc00 lemonchiffon#fffacd lightblue#add8e6
    lightcoral#f08080 lightcyan#e0ffff lightgoldenrodyellow#fafad2 lightgray#d3d3d3 lightgreen#90ee90 lightpink#ffb6c1
    lightsalmon#ffa07a lightseagreen#20b2aa lightskyblue#87cefa lightslategray#778899 lightsteelblue#b0c4de
    lightyellow#ffffe0 lime#00ff00 limegreen#32cd32 linen#faf0e6 magenta#ff00ff maroon#800000 mediumaquamarine#66cdaa
    mediumblue#0000cd mediumorchid#ba55d3 mediumpurple#9370db mediumseagreen#3cb371 mediumslateblue#7b68ee
    mediumspringgreen#00fa9a mediumturquoise#48d1cc mediumvioletred#c71585 midnightblue#191970 mintcream#f5fffa
    mistyrose#ffe4e1 moccasin#ffe4b5 navajowhite#ffdead navy#000080 oldlace#fdf5e6 olive#808000 olivedrab#6b8e23
    orange#ffa500 orangered#ff4500 orchid#da70d6 palegoldenrod#eee8aa palegreen#98fb98 paleturquoise#afeeee
    palevioletred#db7093 papayawhip#ffefd5 peachpuff#ffdab9 peru#cd853f pink#ffc0cb plum#dda0dd powderblue#b0e0e6
    purple#800080 rebeccapurple#663399 red#ff0000 rosybrown#bc8f8f royalblue#4169e1 saddlebrown#8b4513 salmon#fa8072
    sandybrown#f4a460 seagreen#2e8b57 seashell#fff5ee sienna#a0522d silver#c0c0c0 skyblue#87ceeb slateblue#6a5acd
    slategray#708090 snow#fffafa springgreen#00ff7f steelblue#4682b4 tan#d2b48c teal#008080 thistle#d8bfd8
    tomato#ff6347 turquoise#40e0d0 violet#ee82ee wheat#f5deb3 white#ffffff whitesmoke#f5f5f5 yellow#ffff00
    yellowgreen#9acd32
"""
_NAMES = dict(pair.split("#") for pair in _NAMED.split())
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)")


def paint(text: str) -> Paint | None:
    """The colour that a value is; None for one that is none, or that cannot be known, as `inherit` or `var(--x)`."""
    text = text.strip().lower()
    if text == "transparent":
        return Paint((0, 0, 0), 0.0)
    if text in _NAMES or text.replace("grey", "gray") in _NAMES:
        text = f"#{_NAMES.get(text) or _NAMES[text.replace('grey', 'gray')]}"
    if found := _HEX.fullmatch(text):
        digits = found[1] if len(found[1]) > 4 else "".join(digit * 2 for digit in found[1])
        red, green, blue, alpha = (int(digits[at : at + 2] or "ff", 16) for at in (0, 2, 4, 6))
        return Paint((red, green, blue), alpha / 255)
    if found := _FUNCTION.fullmatch(text):
        try:
            return _computed(found[1], re.split(r"[\s,/]+", found[2].strip()))
        except ValueError:
            return None
    return None


def _computed(kind: str, said: list[str]) -> Paint:
    """The colour of a function's values. Raises ValueError for values that are none."""
    first, second, third, *rest = said
    alpha = _share(rest[0], 1.0) if rest else 1.0
    if kind == "rgb":
        red, green, blue = (round(255 * _share(each, 255.0)) for each in (first, second, third))
        return Paint((red, green, blue), alpha)
    hue = float(first.removesuffix("deg")) % 360 / 360
    shares = hls_to_rgb(hue, _share(third, 100.0), _share(second, 100.0))
    red, green, blue = (round(255 * each) for each in shares)
    return Paint((red, green, blue), alpha)


def _share(text: str, whole: float) -> float:
    """A number of so many, or a percentage, from 0 to 1."""
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text) / whole
    return min(1.0, max(0.0, value))
