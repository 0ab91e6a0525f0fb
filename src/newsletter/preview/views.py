"""Views: what the page can show of a mail, as the author's address line says it, and the HTML of each.

Widths, colours, images and programs can be put together as one likes; the other views are texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.checks import simulations
from newsletter.edition import fill
from newsletter.preview.places import marked, nearest, places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.preview.people import Reader
    from newsletter.preview.proof import Proof

# What can be chosen; the first of each is what is shown when nothing was said.
CHOICES: dict[str, dict[str, str]] = {
    "view": {
        "mail": "Mail",
        "text": "Plain text",
        "inbox": "Inbox line",
        "source": "Source",
        "headers": "Headers",
        "web": "Web page",
    },
    "width": {"390": "390", "320": "320", "desktop": "Desktop"},
    "colours": {"light": "Light", "dark": "Dark"},
    "images": {"on": "Images", "off": "No images"},
    "program": {"plain": "As built", "gmail": "≈ Gmail", "outlook": "≈ Outlook"},
}
SIMULATED = {
    "gmail": "A simulation: what Gmail’s apps make of a light mail in the dark. Only the app itself is proof.",
    "outlook": "A simulation: what Outlook on Windows ignores is taken away, by caniemail.com’s tests. Word’s own "
    "layout looks different still.",
}
_PROGRAMS: dict[str, Callable[[str], str]] = {"gmail": simulations.inverted, "outlook": simulations.as_outlook}


@dataclass(frozen=True, slots=True)
class Look:
    """How a mail is looked at."""

    width: str = "390"
    colours: str = "light"
    images: str = "on"
    program: str = "plain"
    line: int = 0  # to be marked; 0: nothing
    column: int = 0

    @classmethod
    def said(cls, query: Mapping[str, str]) -> Look:
        """The look that an address asks for; what it says amiss counts as not said."""
        chosen = {
            name: said if (said := query.get(name, "")) in CHOICES[name] else next(iter(CHOICES[name]))
            for name in ("width", "colours", "images", "program")
        }
        line, _, column = query.get("mark", "").partition(":")
        return cls(**chosen, line=_number(line), column=_number(column))


def mail(proof: Proof, reader: Reader, look: Look) -> str:
    """The mail's HTML for this reader, in this look, with the line in question marked. Raises IssueError."""
    html = fill(proof.edition.html, reader.values(proof))
    if look.program == "plain":
        html = simulations.dark(html, on=look.colours == "dark")
    else:
        html = _PROGRAMS[look.program](html)
    if look.line:
        html = marked(html, nearest(places(html, proof.manuscript.survey), proof.issue.path, look.line, look.column))
    return simulations.without_images(html) if look.images == "off" else html


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
