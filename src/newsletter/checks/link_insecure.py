"""A link without encryption

`http:` pages are marked as not secure by browsers, and anybody on the way can read and change them. Nearly every site
answers to `https:` as well.

Bad:  [Museum](http://museum.example.org)
Good: [Museum](https://museum.example.org)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import web_links
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links with http:, but for this machine."""
    for link, parts in web_links(manuscript):
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            message = f"“{link.href}” is not encrypted; browsers warn of such pages"
            yield Remark(link.spot, message, f"try https://{parts.netloc}{parts.path}")
