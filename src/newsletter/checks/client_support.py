"""Something that mail programs do not show

Outlook on Windows lays out with Word's engine, Gmail drops whole style sheets when one rule displeases it. What the
themes use is known, and degrades as docs/reference/clients.md says; this rule looks at what an author's own HTML or a
theme of one's own brings with it, and holds it against caniemail.com's tests of the newest versions. With a list at
hand, what one reader of twenty and more would miss is told as loudly as what the widespread programs miss.

Bad:  <div style="display:flex; position:absolute">
Good: :::columns, which become table cells
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.mail_programs import programs, read, used
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_WIDESPREAD = ("Gmail", "Outlook", "Apple Mail", "Yahoo", "Orange", "LaPoste")
_MANY = 5  # of a hundred readers
# Where the readers of a domain mostly read.
_FAMILIES = {
    "gmail.com": "Gmail", "googlemail.com": "Gmail", "outlook.com": "Outlook", "outlook.fr": "Outlook",
    "hotmail.com": "Outlook", "hotmail.fr": "Outlook", "live.com": "Outlook", "live.fr": "Outlook",
    "msn.com": "Outlook",
    "icloud.com": "Apple Mail", "me.com": "Apple Mail", "mac.com": "Apple Mail", "yahoo.com": "Yahoo! Mail",
    "yahoo.fr": "Yahoo! Mail", "ymail.com": "Yahoo! Mail", "aol.com": "AOL", "orange.fr": "Orange",
    "wanadoo.fr": "Orange", "laposte.net": "LaPoste.net", "free.fr": "Free.fr", "sfr.fr": "SFR", "neuf.fr": "SFR",
    "gmx.de": "GMX", "gmx.net": "GMX", "gmx.fr": "GMX", "web.de": "WEB.DE", "t-online.de": "T-online.de",
    "proton.me": "ProtonMail", "protonmail.com": "ProtonMail",
}  # fmt: skip


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Each feature that some program misses and that the themes do not know how to do without."""
    data, features = read()
    for slug in sorted(used(manuscript.html) - set(data["handled"])):
        spot = next((piece.spot for piece in manuscript.survey.markup if slug in used(piece.text)), manuscript.spot)
        feature = features.get(slug)
        if feature is None:
            message = f"nobody has tested in which mail programs {slug.removeprefix('css-?')} works"
            yield Remark(
                spot, message, "leave it out, or look at the mail in the programs of your readers", Severity.NOTE
            )
            continue
        missing = programs(data["clients"], feature.support, "n")
        if missing:
            share = _share(manuscript, missing)
            often = any(name in missing for name in _WIDESPREAD) or share >= _MANY
            whose = f", where {share} % of your readers have their address" if share else ""
            message = f"{feature.title} is not shown by {missing}{whose} (tested {feature.tested})"
            fix = f"see https://www.caniemail.com/features/{slug}/, and write it with the blocks if there is one"
            yield Remark(spot, message, fix, None if often else Severity.NOTE)


def _share(manuscript: Manuscript, missing: str) -> int:
    """How many of a hundred of the audience have addresses where those programs are at home; 0 when nobody asked."""
    audience = manuscript.audience
    if audience is None or not audience.recipients:
        return 0
    number = sum(many for domain, many in audience.domains.items() if _FAMILIES.get(domain, "-") in missing)
    return 100 * number // audience.recipients
