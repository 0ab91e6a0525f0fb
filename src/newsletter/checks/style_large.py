"""A style sheet that Gmail drops

Gmail reads at most 16 KB of a `<style>` element and throws away what is longer, all of it: no rules for phones, none
for the dark. Our themes stay far below; a theme of one's own may not.

Bad:  (a theme with a whole framework in its style sheet)
Good: (rules for phones and for the dark, nothing else)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
_MOST = 16 * 1024  # octets


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Style elements that together are larger than that."""
    octets = sum(len(sheet.encode()) for sheet in re.findall(r"<style[^>]*>(.*?)</style>", manuscript.html, re.DOTALL))
    if octets > _MOST:
        message = f"the style sheets have {octets / 1024:.0f} KB; Gmail drops all beyond 16"
        yield Remark(manuscript.spot, message, "keep in the theme's style only what phones and the dark need")
