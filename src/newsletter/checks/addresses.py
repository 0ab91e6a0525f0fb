"""Addresses of links, taken apart as the rules about links need them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Link, Manuscript

SITE = re.compile(r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]{2,})(?:[/:?#].*)?", re.IGNORECASE)
_FILES = re.compile(r"pdf|docx?|odt|xlsx?|ods|csv|jpe?g|png|gif|zip|mp[34]|html?|php|md|txt|ics|py|js", re.IGNORECASE)


class Web(NamedTuple):
    """A link to a page of the web."""

    link: Link
    parts: SplitResult

    @property
    def host(self) -> str:
        """The host's name in small letters, without `www.`, and with the letters that people read."""
        return readable(self.parts.hostname or "").removeprefix("www.")


def web_links(manuscript: Manuscript) -> Iterator[Web]:
    """The links with http: or https:, without those whose host is a slot."""
    for link in manuscript.survey.links:
        parts = split(link.href)
        if parts and parts.scheme in {"http", "https"} and "{{" not in parts.netloc:
            yield Web(link, parts)


def split(href: str) -> SplitResult | None:
    """The parts of an address; None when it is none (RFC 3986)."""
    try:
        parts = urlsplit(href.strip())
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def site_named(text: str) -> str:
    """The site that a text is the name of, in small letters and without `www.`; "" when it is none, or a file's."""
    named = SITE.fullmatch(text.strip())
    return "" if named is None or _FILES.fullmatch(named[1].rpartition(".")[2]) else named[1].casefold()


def readable(host: str) -> str:
    """A host's name with the letters that people read: xn--cole-9oa.example.org is école.example.org (RFC 5891)."""
    try:
        return host.encode("ascii").decode("idna") if "xn--" in host else host
    except UnicodeError:
        return host
