"""A link that carries somebody's tracking

`utm_…`, `fbclid` and their like were pasted along from another campaign. They tell that site where your readers come
from, which is not yours to tell, and they make addresses long.

Bad:  [Article](https://example.org/a?utm_source=facebook&fbclid=IwAR2)
Good: [Article](https://example.org/a)
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from newsletter.checks import Remark, words_in
from newsletter.checks.addresses import web_links
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.WARNING
_NAMES = words_in("""
    fbclid gclid gbraid wbraid dclid msclkid twclid ttclid igshid igsh yclid mc_cid mc_eid _hsenc _hsmi mkt_tok
    oly_anon_id oly_enc_id vero_id wickedid __s s_cid ml_subscriber ml_subscriber_hash xtor at_medium at_campaign
""")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Links with a parameter that only serves to track."""
    for link, parts in web_links(manuscript):
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        tracking = [name for name, _ in pairs if name in _NAMES or name.startswith(("utm_", "pk_", "mtm_"))]
        if tracking:
            clean = parts._replace(query=urlencode([pair for pair in pairs if pair[0] not in tracking])).geturl()
            names = ", ".join(dict.fromkeys(tracking))
            yield Remark(link.spot, f"the link carries tracking of others: {names}", f"write {clean}")
