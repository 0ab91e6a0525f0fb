"""A link that an earlier issue had

Readers who clicked it last month find nothing new. Often that is meant (your own site, a form); then there is nothing
to do.

Bad:  [This article](https://example.org/article)        (in last month's issue, too)
Good: [What came of it](https://example.org/article-2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import web_links
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_DEEP = 2  # parts of a path: the address of a page, and not of a site


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links to single pages that stand in an earlier issue."""
    where = {href: earlier.path for earlier in manuscript.earlier for href in earlier.hrefs}
    own = manuscript.house.base_url
    told: set[str] = set()
    for link, parts in web_links(manuscript):
        is_page = len([part for part in parts.path.split("/") if part]) >= _DEEP or bool(parts.query)
        if link.href in where and is_page and link.href not in told and not (own and link.href.startswith(own)):
            told.add(link.href)
            yield Remark(
                link.spot, f"“{link.href}” was in {where[link.href]}", "say what is new about it, if anything is"
            )
