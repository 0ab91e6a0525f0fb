"""French typography that could not be mended

In French, ; : ! ? and » have a no-break space before them, and « has one behind it; quotes within quotes are “ ”, three
points are one sign, an apostrophe is curly. In Markdown and in the front matter all that is set by itself. What is
told is what remains: in HTML of your own, which is left as you wrote it, and where a quotation mark has found no
partner. Code is left alone.

Bad:  <p>Qui êtes-vous ?</p>        (a plain space, at which a line may end)
Good: <p>Qui êtes-vous&#8239;?</p>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.checks import Remark
from newsletter.checks.spots import exactly, texts_in_html
from newsletter.finding import Severity
from newsletter.manuscript import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.NOTE
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\{\{.*?\}\}|\{%.*?%\}")
_HTML_SPACE = "&#8239; in HTML, or the sign itself, U+202F"
_ENDS = r"(?=$|[\s\u00a0\u202f)\]»”…])"
# What to look for, what is wrong with it, and how to mend it.
_ROWS = tuple(
    (re.compile(pattern), message, fix)
    for pattern, message, fix in (
        (rf"\S+ [;:!?»]{_ENDS}", "a line may end before the sign, at a plain space",
         f"write a no-break space before it: {_HTML_SPACE}"),
        (rf"[^\W\d_]{{2,}}[;!?»]{_ENDS}|[^\W\d_]{{2,}}:(?=\s|$)|[^\W\d_]{{2,}}[;!?](?=[A-ZÀÂÇÉÈÊÎÔ])",
         "no space stands before the sign", f"write a no-break space before it: {_HTML_SPACE}"),
        (r"«(?![\u00a0\u202f])\s?\S*", "no no-break space stands behind «", f"write one: {_HTML_SPACE}"),
        (r"«[^»]*«[^»]*", "quotes stand in quotes, and both are « »", "write “ ” for the inner ones"),
        (r"\S*\"\S*", "a straight quotation mark, to which the other one is missing or which is HTML's",
         "write « before the words and » behind them"),
        (r"\S*\.\.\.", "three points, where French has one sign", "write …"),
        (r"[^\W\d_]+'[^\W\d_]+", "a straight apostrophe", "write ’"),
        (r"\b(?i:c(?=oeur)oeurs?|s(?=oeur)oeurs?|(?:man|ch)?oeuvres?|oeil|oeufs?|boeufs?|noeuds?|voeux?)\b",
         "o and e are one letter in this word", "write œ"),
    )
)  # fmt: skip


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """Of each piece of French text, each kind of mistake once."""
    for passage in _texts(manuscript):
        if not (passage.language or manuscript.language).casefold().startswith("fr"):
            continue
        text = _ADDRESS.sub(lambda found: "\ue000" * len(found[0]), passage.text)
        for pattern, message, fix in _ROWS:
            if found := pattern.search(text):
                shown = passage.text[found.start() : found.end()].strip()[:40]
                yield Remark(exactly(manuscript, passage.spot, shown), f"“{shown}”: {message}", fix)
        if lonely := _lonely(text):
            message = f"“{lonely}”: this quotation mark has no partner in its paragraph"
            fix = "close the quotation, or take the mark out"
            yield Remark(exactly(manuscript, passage.spot, lonely), message, fix)


def _texts(manuscript: Manuscript) -> Iterator[Passage]:
    """What is read, as it is set: of the front matter, of the body, of images, of HTML."""
    issue, survey = manuscript.issue, manuscript.survey
    title = manuscript.edition.title if manuscript.edition else issue.title
    front = {"title": title, "subject": manuscript.subject if issue.subject else "",
             "preheader": manuscript.preheader if issue.preheader else ""}  # fmt: skip
    yield from (Passage(text, manuscript.at(name)) for name, text in front.items() if text)
    yield from survey.passages
    yield from (Passage(image.alt, image.spot) for image in survey.images if image.alt and image.block != "html")
    yield from texts_in_html(manuscript)


def _lonely(text: str) -> str:
    """The quotation mark that opens without closing, or the other way round, with its word; "" when all are paired."""
    opened: list[int] = []
    for mark in re.finditer("[«»]", text):
        if mark[0] == "«":
            opened.append(mark.start())
        elif opened:
            opened.pop()
        else:
            return re.sub(r".*?(\S*\s*»)$", r"\1", text[: mark.end()], flags=re.DOTALL)
    return re.split(r"(?<=\w)\b", text[opened[-1] :])[0] if opened else ""
