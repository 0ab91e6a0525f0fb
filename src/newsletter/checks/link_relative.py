"""A link relative to nothing

A page of a web site knows where it is; a mail does not. `[the report](../report.pdf)` leads nowhere from an inbox. An
address that begins with a slash is completed with `base_url`, and is fine when that page exists there.

Bad:  [The report](report.pdf)
Good: [The report](https://example.org/report.pdf)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import site_named, split
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Addresses without a scheme that begin neither with / nor with #."""
    for link in manuscript.survey.links:
        href, parts = link.href.strip(), split(link.href)
        if parts and href and not parts.scheme and not parts.netloc and not href.startswith(("/", "#", "{{", "?")):
            if site_named(href.split("/")[0]):
                continue  # the name of a site without https://, which link-malformed tells
            base = manuscript.house.base_url or "base_url"
            yield Remark(
                link.spot, f"“{href}” is relative: it will be read as {base}/{href}", "write the whole address"
            )
