"""A link through a shortener

Nobody sees where `bit.ly/…` leads; spam does the same, so filters count it against you, and the day the service closes
all its links are dead.

Bad:  [The form](https://bit.ly/3xYz)
Good: [The form](https://forms.example.org/registration)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark, words_in
from newsletter.checks.addresses import web_links
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_SHORTENERS = words_in("""
    bit.ly bitly.com buff.ly cutt.ly dlvr.it fb.me goo.gl hubs.ly is.gd lnkd.in ow.ly rb.gy rebrand.ly
    rebrandly.com s.id shorturl.at snip.ly soo.gd spoo.me t.co t.ly tiny.cc tinyurl.com trib.al urlr.me urlz.fr
    v.gd vu.fr
""")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links to hosts that shorten addresses."""
    for web in web_links(manuscript):
        if web.host in _SHORTENERS:
            message = f"“{web.link.href}” hides where it leads; spam filters dislike that"
            yield Remark(web.link.spot, message, "open it, and write the address where it ends")
