"""Videos: the addresses by which YouTube, Vimeo and PeerTube are known, and where their pictures are."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Video:
    """What an address alone says of a video."""

    service: str
    poster: str = ""  # the address of a picture of it; only YouTube's can be told from the video's


_YOUTUBE = re.compile(
    r"https?://(?:(?:www\.|m\.|music\.)?youtube(?:-nocookie)?\.com/(?:watch\?(?:[^#\s]*&)?v=|shorts/|live/|embed/)|youtu\.be/)"
    r"(?P<id>[\w-]{11})(?![\w-])\S*"
)
_VIMEO = re.compile(r"https?://(?:www\.|player\.)?vimeo\.com/(?:video/|channels/[\w-]+/)?\d+(?:/\w+)?/?(?:[?#]\S*)?")
# Anybody may run a PeerTube: it is known by the form of its addresses, a short or a long UUID behind /w/ or so.
_PEERTUBE = re.compile(
    r"https?://[^/\s]+/(?:w|videos/watch|videos/embed)/(?:[1-9A-HJ-NP-Za-km-z]{20,22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/?(?:[?#]\S*)?"
)


def known(address: str) -> Video | None:
    """The video of an address, if it is one of the services'."""
    if found := _YOUTUBE.fullmatch(address):
        return Video("YouTube", f"https://i.ytimg.com/vi/{found['id']}/hqdefault.jpg")
    if _VIMEO.fullmatch(address):
        return Video("Vimeo")
    return Video("PeerTube") if _PEERTUBE.fullmatch(address) else None
