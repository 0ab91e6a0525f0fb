"""A link that cannot be an address

A missing slash, a blank or a second `https://` makes an address that no browser opens: the reader sees an error page,
or nothing at all.

Bad:  [Programme](https:/example.org), [Map](htps://example.org), [Write](mailto:ana)
Good: [Programme](https://example.org), [Write](mailto:ana@example.org)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import site_named, split
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "geo", "xmpp", "ftp", "webcal", "cid", "data"})
_HOST = re.compile(r"(?:[\w-]+\.)+[\w-]{2,}|localhost|\[[0-9a-f:.]+\]|[0-9.]+", re.IGNORECASE)
_PHONE = re.compile(r"\+?[0-9().\-\s]{3,}(?:;.*)?")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Addresses with an unknown scheme, no host, a blank inside, or no mailbox behind mailto:."""
    for link in manuscript.survey.links:
        href = link.href.strip()
        if "{{" not in href and href not in {"", "#"} and (wrong := _wrong(href)):
            yield Remark(link.spot, f"“{href}” {wrong}", "write the address as a browser shows it")


def _wrong(href: str) -> str:
    parts = split(href)
    if parts is None:
        return "is no address"
    if not parts.scheme:
        return "is the name of a site without https://" if site_named(href.split("/")[0]) else ""
    if parts.scheme not in _SCHEMES:
        return f"begins with {parts.scheme}:, which no mail program opens"
    if parts.scheme in {"http", "https"}:
        host = parts.hostname or ""
        if not host:
            return "names no site: two slashes belong behind the colon"
        if not _HOST.fullmatch(host) or ".." in host:
            return f"names the site “{host}”, which cannot exist"
        if "http" in parts.netloc or re.search(r"https?:/*$", parts.netloc):
            return "holds a second https:"
    if parts.scheme == "mailto" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", parts.path):
        return "names no mailbox"
    if parts.scheme == "tel" and not _PHONE.fullmatch(parts.path):
        return "is no telephone number"
    return "holds a blank" if re.search(r"\s|%20$", href) and parts.scheme in {"http", "https"} else ""
