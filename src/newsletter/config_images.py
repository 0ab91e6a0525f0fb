"""[images] in newsletter.toml: where the images of an issue go.

cid      into each message: readers see them at once, without asking anybody; the default
folder   into a folder that the author uploads; `base_url` says where readers find it
link     nowhere: each stays where the author's Markdown says
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PLACES = ("cid", "folder", "link")
FOLDER = "public/images"  # relative to the newsletter's, unless `folder` says another one
_EXAMPLE = 'write below [images]: base_url = "https://letter.example.org/images"'


@dataclass(frozen=True, slots=True)
class ImagesConfig:
    """Where images go."""

    place: str = "cid"  # one of PLACES
    folder: Path | None = None  # for "folder": where they are put
    base_url: str = ""  # for "folder": where readers find them, without a slash at its end


def images_config(values: Mapping[str, Any], newsletter: Path) -> ImagesConfig:
    """The settings that the values of the section mean in a newsletter's folder."""
    base_url = values.get("base_url", "")
    # Who says where the images are served wants them served.
    place = values.get("place") or ("folder" if base_url else "cid")
    if place != "folder":
        return ImagesConfig(place)
    return ImagesConfig(place, newsletter / (values.get("folder") or FOLDER), base_url)


def mistakes_in_images(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What does not go together: the key where it shows, what is wrong, how to mend it."""
    if values.get("base_url"):
        return
    if values.get("place") == "folder":
        yield "place", 'place = "folder" needs base_url, the address where readers find that folder', _EXAMPLE
    elif values.get("folder") and not values.get("place"):
        yield "folder", "folder needs base_url, the address where readers find it", _EXAMPLE
