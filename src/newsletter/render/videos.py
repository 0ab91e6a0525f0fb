"""Videos: the addresses by which YouTube, Vimeo and PeerTube are known, and where their pictures are.

YouTube's pictures can be told from the video's address. The others are asked for theirs (oEmbed, oembed.com).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Video:
    """What an address alone says of a video."""

    service: str
    poster: str = ""  # the address of a picture of it
    lookup: str = ""  # where to ask for that address


_YOUTUBE = re.compile(
    r"https?://(?:(?:www\.|m\.|music\.)?youtube(?:-nocookie)?\.com/(?:watch\?(?:[^#\s]*&)?v=|shorts/|live/|embed/)|youtu\.be/)"
    r"(?P<id>[\w-]{11})(?![\w-])\S*"
)
_VIMEO = re.compile(
    r"https?://(?:www\.|player\.)?vimeo\.com/(?:video/|channels/[\w-]+/)?(?P<id>\d+(?:/\w+)?)/?(?:[?#]\S*)?"
)
_VIMEO_LOOKUP = "https://vimeo.com/api/oembed.json?width=1280&url="
# Anybody may run a PeerTube: it is known by the form of its addresses, a short or a long UUID behind /w/ or so.
_PEERTUBE = re.compile(
    r"(?P<site>https?://[^/\s]+)/(?:w|videos/watch|videos/embed)/(?P<id>[1-9A-HJ-NP-Za-km-z]{20,22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/?(?:[?#]\S*)?"
)


def known(address: str) -> Video | None:
    """The video of an address, if it is one of the services'."""
    if found := _YOUTUBE.fullmatch(address):
        return Video("YouTube", f"https://i.ytimg.com/vi/{found['id']}/hqdefault.jpg")
    if found := _VIMEO.fullmatch(address):
        video = quote(f"https://vimeo.com/{found['id']}", safe="")
        return Video("Vimeo", lookup=f"{_VIMEO_LOOKUP}{video}")
    if found := _PEERTUBE.fullmatch(address):
        video = quote(f"{found['site']}/w/{found['id']}", safe="")
        return Video("PeerTube", lookup=f"{found['site']}/services/oembed?format=json&url={video}")
    return None
