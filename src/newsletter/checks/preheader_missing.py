"""No preheader of its own

Beside the subject, mail programs show the first words that they find. The preheader chooses them: a second line to say
why to open the mail. Without one, the beginning of the text stands there.

Bad:  (no `preheader` in the front matter)
Good: preheader: Nadia shows us her bees, and we have a date for the town hall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """The front matter has none, so the text's first words are shown."""
    if not manuscript.issue.preheader:
        shown = f": “{manuscript.preheader.strip()[:60]}…”" if manuscript.preheader.strip() else ""
        message = f"there is no preheader; mail programs show the beginning of the text{shown}"
        yield Remark(manuscript.at("preheader"), message, "write preheader: and a sentence into the front matter")
