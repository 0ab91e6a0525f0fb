"""A text that names another site than its link

A link that shows `example.org` and leads to `example.com` is what phishing looks like: mail programs warn of it, or
hold the mail back. It happens by honest mistake when an address is replaced and its text is not.

Bad:  [www.mairie.example.org](https://example.com/agenda)
Good: [www.mairie.example.org](https://www.mairie.example.org/agenda)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.addresses import site_named, web_links
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links whose text is the name of a site that is not theirs."""
    for web in web_links(manuscript):
        site = site_named(web.link.text)
        if not site or site == web.host:
            continue
        if not web.host.endswith(f".{site}") and not site.endswith(f".{web.host}"):
            message = f"the text says {site}, and the link leads to {web.host}: it looks like phishing"
            yield Remark(web.link.spot, message, "let both name the same site")
