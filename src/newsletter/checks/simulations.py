"""Simulations: what some mail programs make of a message, as far as a browser can show it. They are no proof.

dark             as in the dark, whatever this screen is set to
without_images   as with images off
inverted         as Gmail's apps turn a light message round that says nothing of the dark
as_outlook       as Word lays it out, for Outlook on Windows: what it does not know is taken away
inbox_lines      the line in a list of messages, cut as each program cuts it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from newsletter.checks.mail_programs import read

_DARK = re.compile(r"@media[^{]*\(\s*prefers-color-scheme\s*:\s*dark\s*\)[^{]*\{")
_LIGHT = re.compile(r"@media[^{]*\(\s*prefers-color-scheme\s*:\s*light\s*\)[^{]*\{")
_IMAGE = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_URL = re.compile(r"url\([^)]*\)", re.IGNORECASE)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"(\sstyle\s*=\s*)\"([^\"]*)\"", re.IGNORECASE)
_FOR_OUTLOOK = re.compile(r"<!--\[if (?:gte )?mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_MSO_OR_IE = re.compile(r"<!--\[if (?:\(?mso\)?\s*\|\s*\(?IE\)?|mso \| IE)[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_FOR_OTHERS = re.compile(r"<!--\[if !mso[^\]]*\]><!-->(.*?)<!--<!\[endif\]-->", re.DOTALL)


def dark(html: str, *, on: bool = True) -> str:
    """The message with its rules for the dark in force, or out of it."""
    here, there = ("@media all {", "@media not all {") if on else ("@media not all {", "@media all {")
    return _LIGHT.sub(there, _DARK.sub(here, html))


def without_images(html: str) -> str:
    """The message as it is before images are shown: their texts stand in their places."""
    return _URL.sub("none", _IMAGE.sub(r'\1"data:,"', html))


def inverted(html: str) -> str:
    """Light and dark turned round by the program, images left as they are."""
    sheet = (
        "<style>html{background:#fff;filter:invert(1) hue-rotate(180deg)}"
        "img,video,[background]{filter:invert(1) hue-rotate(180deg)}</style>"
    )
    return _with_style(dark(html, on=False), sheet)


def as_outlook(html: str) -> str:
    """Without what Outlook on Windows does not know, and with what is written for it alone.

    By caniemail.com's tests of its newest version. Boxes of VML are shown as the text that they hold.
    """
    html = _FOR_OTHERS.sub("", html)
    html = _FOR_OUTLOOK.sub(r"\1", _MSO_OR_IE.sub(r"\1", html))
    html = _STYLE.sub(lambda found: f"{found[1]}{_known_rules(found[2])}{found[3]}", html)
    return _ATTRIBUTE.sub(lambda found: f'{found[1]}"{_known_declarations(found[2])}"', html)


def _known_rules(sheet: str) -> str:
    """A style sheet without media queries and without declarations that Word leaves out."""
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    sheet = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    return re.sub(r"\{([^{}]*)\}", lambda found: f"{{{_known_declarations(found[1])}}}", sheet)


def _known_declarations(text: str) -> str:
    kept = (part for part in text.split(";") if part.strip() and _is_known(part.partition(":")[0].strip().lower()))
    return ";".join(kept)


@lru_cache(maxsize=512)
def _is_known(name: str) -> bool:
    """Whether Outlook on Windows heeds a property; one that nobody tested is given the benefit of the doubt."""
    data, features = read()
    at = [*data["clients"]].index("outlook.windows")
    shorter = name
    while shorter:
        if feature := features.get(f"css-{shorter}"):
            return feature.support[at] != "n"
        shorter = shorter.rpartition("-")[0]
    return True


def _with_style(html: str, sheet: str) -> str:
    return html.replace("</head>", f"{sheet}</head>", 1) if "</head>" in html else sheet + html


@dataclass(frozen=True, slots=True)
class InboxLine:
    """How a program lists a message."""

    program: str
    sender: str
    subject: str
    preheader: str


# Characters that programs show at usual widths: of the sender, of the subject, and of subject and preheader together,
# where they share a line. Counted on screens; a wide letter counts as one.
_CUTS = (
    ("Gmail on a desk", 20, 70, 110),
    ("Gmail on a phone", 25, 38, 0),
    ("Apple Mail on a phone", 30, 41, 0),
    ("Outlook on Windows", 30, 55, 0),
)
_PREHEADERS = {"Gmail on a phone": 40, "Apple Mail on a phone": 90, "Outlook on Windows": 55}


def inbox_lines(sender: str, subject: str, preheader: str) -> tuple[InboxLine, ...]:
    """The message in the list of each program. In one line, the preheader gets what the subject leaves."""
    preheader = " ".join(preheader.replace("\u034f", "").replace("\u2007", "").split())
    lines = []
    for program, name, title, together in _CUTS:
        shown = _cut(subject, title)
        room = max(0, together - len(shown)) if together else _PREHEADERS[program]
        lines.append(InboxLine(program, _cut(sender, name), shown, _cut(preheader, room)))
    return tuple(lines)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(0, most - 1)].rstrip()}…" if most else ""
