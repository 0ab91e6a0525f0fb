"""A mail that Gmail cuts off

Gmail shows the first 102 KB of a mail's HTML and then “[Message clipped]”: what follows, the way to unsubscribe among
it, is behind a link that few press. Images do not count; what was pasted from a word processor does.

Bad:  (an interview of 9,000 words with tables copied from a web page)
Good: (its first half, and a link to the whole)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
_CLIPPED, _NEAR = 102 * 1024, 90 * 1024  # octets
_SHOWN = 3  # of the largest parts


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """HTML beyond the limit, where the cut falls, and what weighs most; near the limit a warning."""
    octets = manuscript.html_octets
    if octets < _NEAR:
        return
    heaviest = "; ".join(f"“{title}” {size / 1024:.0f} KB" for title, size in _parts(manuscript)[:_SHOWN])
    fix = f"shorten it, or link to the rest on the web; what weighs most: {heaviest}"
    if octets > _CLIPPED:
        spot, words = _cut(manuscript)
        message = f"the HTML has {octets / 1024:.0f} KB: Gmail cuts it off after 102, at “{words} …”"
        yield Remark(spot, message, fix)
    else:
        message = f"the HTML has {octets / 1024:.0f} KB; from 102 on Gmail cuts it off"
        yield Remark(manuscript.spot, message, fix, Severity.WARNING)


def _parts(manuscript: Manuscript) -> list[tuple[str, int]]:
    """How much each chapter weighs, by its heading, the largest first; without any, each paragraph and its like."""
    beginnings = r"(<h[2-6]\b)" if re.search(r"<h[2-6]\b", manuscript.html) else r"(<(?:p|li|pre|img|blockquote)\b)"
    pieces = re.split(beginnings, manuscript.html)
    sizes: list[tuple[str, int]] = []
    for beginning, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        title = re.sub(r"<[^>]*>", "", f"{beginning}{rest}".partition("</")[0])
        sizes.append((" ".join(title.split())[:40], len((beginning + rest).encode())))
    return sorted(sizes, key=lambda part: -part[1])


def _cut(manuscript: Manuscript) -> tuple[Spot, str]:
    """The last passage that Gmail still shows."""
    shown = manuscript.html.encode()[:_CLIPPED].decode(errors="ignore")
    last, words = manuscript.spot, ""
    for passage in manuscript.survey.passages:
        beginning = " ".join(passage.text.split()[:4])
        if beginning and beginning in shown:
            last, words = passage.spot, beginning
    return last, words
