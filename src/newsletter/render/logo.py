"""The logo: pictures that a theme names, prepared like those of an issue, and what its templates read of them.

[logo]  src  dark                   a file in the theme's folder, or an address of the web
        width  alt                  CSS pixels; the newsletter's title when nothing is said

theme.logo  src  height             as prepared; a height of 0: not known
            dark  dark_height
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from newsletter.render.pictures import Use

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.picture import Picture
    from newsletter.render.theme import Theme

_OF_THE_WEB = re.compile(r"https?://")
_WIDTH = 120  # CSS pixels, of a theme that says none


def uses(theme: Theme) -> Mapping[str, Use]:
    """The images that are the theme's logo: by day as `src`, and perhaps by night as `dark`."""
    logo, width = theme.tokens.get("logo", {}), _width(theme)
    found: dict[str, Use] = {}
    for name in ("src", "dark") if logo.get("src") else ():
        if src := logo.get(name):
            said = theme.logo_said.get(name)
            folder = "" if _OF_THE_WEB.match(src) or said is None else said.folder
            found[name] = Use(
                src, said.line if said else 1, width, path=said.path if said else theme.name, folder=folder
            )
    return found


def placed(theme: Theme, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """The logo as templates read it, each image prepared, or where it is on the web; without one, `src` is empty."""
    found: dict[str, Any] = {**theme.tokens.get("logo", {}), "height": 0, "dark_height": 0, "width": _width(theme)}
    for name, use in uses(theme).items():
        if picture := pictures.get(use.key):
            found[name] = picture.src
            # Both are as wide as the theme says, whatever their files are.
            height = max(1, round(found["width"] * picture.height / picture.width))
            found["height" if name == "src" else "dark_height"] = height
        elif not _OF_THE_WEB.match(use.src):  # a file that nobody prepared, and so nobody would see
            found[name] = ""
    if not found.get("src"):
        found |= {"src": "", "dark": ""}
    return found


def _width(theme: Theme) -> int:
    return int(theme.tokens.get("logo", {}).get("width", _WIDTH))
