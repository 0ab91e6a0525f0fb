"""How the pages say things: times, sizes, addresses, file names and links; and the templates that use them."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

PAGES = Path(__file__).parent / "pages"
_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]']")


def templates() -> Environment:
    """The templates of pages/, which escape everything that is not marked as HTML."""
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, long_clock=long_clock, size=size, in_url=in_url)
    return environment


def clock(moment: str) -> str:
    """An ISO time as a list shows it, in this machine's zone: 14:03 today, 3 Nov this year, 3 Nov 2025 before."""
    local = datetime.fromisoformat(moment).astimezone()
    today = datetime.now().astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def long_clock(moment: str) -> str:
    """An ISO time to the second: 3 November 2025, 14:03:59."""
    local = datetime.fromisoformat(moment).astimezone()
    return f"{local.day} {local:%B %Y, %H:%M:%S}"


def size(octets: int) -> str:
    """999 bytes, 1.4 kB, 15 kB, 3.0 MB."""
    if octets < 1000:
        return f"{octets} bytes"
    amount, unit = (octets / 1000, "kB") if octets < 1_000_000 else (octets / 1_000_000, "MB")
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def in_url(key: str) -> str:
    """A message's key as one segment of a path."""
    return quote(key, safe="")


def as_file(name: str) -> str:
    """Content-Disposition (RFC 6266) for a file to be saved under a name of any characters."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def with_links(text: str) -> Markup:
    """Plain text, escaped, its web addresses as links."""
    pieces = []
    end = 0
    for found in _URL.finditer(text):
        pieces.append(escape(text[end : found.start()]))
        pieces.append(Markup('<a href="{0}" target="_blank" rel="noreferrer">{0}</a>').format(found[0]))
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])
