"""An edition: an issue rendered once, with holes where recipients differ.

The constant parts of a mail are rendered one time. What differs between recipients is a closed set of *slots*: an
expression, and where its value will stand, which decides how the value is escaped there. A *choice* picks one of
several regions that were rendered beforehand. A subscriber's data is thus never template source.

    issue.md ──render──▶ Edition(subject, preheader, html, text)     each a Pattern: "Hello ", Slot(0, HTML), "!"
                              │
    recipient ──evaluate──▶ values ("Zoé", …)                         one value an expression, in order
                              ▼
                         fill(pattern, values)                        "Hello Zoé!"
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from newsletter.picture import Enclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Where(Enum):
    """Where a slot's value will stand, and so how it must be escaped."""

    PLAIN = "plain"  # a line of plain text: the text part, a header's value
    HTML = "html"  # between tags
    ATTRIBUTE = "attribute"  # inside a quoted attribute value
    URL = "url"  # a whole address, at the start of href or src
    URL_PART = "url-part"  # a component of an address: after ?, / or =


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole: the value of `Edition.expressions[index]`, escaped for the place where it stands."""

    index: int
    where: Where


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several rendered regions: the value of `Edition.expressions[index]` is the branch's number, as text.

    A number without a branch means that no region is shown.
    """

    index: int
    branches: tuple[Pattern, ...]


Pattern = tuple["str | Slot | Choice", ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """What an author wrote between `{{` and `}}`, or the conditions of an `{% if %}`, and where.

    A condition chain has one source a branch, and "" for a last `else`.
    """

    sources: tuple[str, ...]
    line: int = 1
    is_choice: bool = False
    # Of each branch, for messages; not kept with a mailing, and not part of the fingerprint.
    lines: tuple[int, ...] = field(default=(), compare=False)

    def line_of(self, branch: int) -> int:
        """The line of a branch, as far as it is known; otherwise that of the `{% if %}`."""
        return self.lines[branch] if 0 <= branch < len(self.lines) else self.line


@dataclass(frozen=True, slots=True)
class Edition:
    """The product of rendering one issue in one language."""

    subject: Pattern
    preheader: Pattern
    html: Pattern  # a complete document
    text: Pattern  # format=flowed (RFC 3676), lines end with \n
    expressions: tuple[Expression, ...]
    language: str  # BCP 47: "fr", "en-GB"
    title: str  # the issue's, for {{ issue.title }} and the archive
    path: str = ""  # the file, for messages; not part of the fingerprint
    pictures: tuple[Enclosed, ...] = ()  # images that travel inside the message; the HTML names them by `cid:`
    files: tuple[Enclosed, ...] = ()  # what is attached to the message: calendars

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that a recipient could see: two editions with the same one are the same mail."""
        return sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The edition as text that `from_json` reads back: what a mailing keeps, so that it can go on unchanged.

        Pictures and files stand in it by their digest; their contents are kept apart, once each.
        """
        # An edition without any is written as it was when there were none: old mailings can still be resumed.
        kept = {"pictures": self.pictures, "files": self.files}
        return json.dumps(
            {
                **{key: [[e.digest, e.name, e.type] for e in each] for key, each in kept.items() if each},
                "subject": _plain(self.subject),
                "preheader": _plain(self.preheader),
                "html": _plain(self.html),
                "text": _plain(self.text),
                "expressions": [[list(e.sources), e.line, e.is_choice] for e in self.expressions],
                "language": self.language,
                "title": self.title,
            },
            ensure_ascii=False,
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str, path: str = "", content_of: Callable[[str], bytes] = lambda _: b"") -> Edition:
        """The edition that `to_json` wrote. `content_of` gives the bytes of a picture or file by its digest."""
        data = json.loads(text)

        def enclosed(key: str) -> tuple[Enclosed, ...]:
            return tuple(Enclosed(digest, name, kind, content_of(digest)) for digest, name, kind in data.get(key, ()))

        return cls(
            subject=_pattern(data["subject"]),
            preheader=_pattern(data["preheader"]),
            html=_pattern(data["html"]),
            text=_pattern(data["text"]),
            expressions=tuple(Expression(tuple(s), line, choice) for s, line, choice in data["expressions"]),
            language=data["language"],
            title=data["title"],
            path=path,
            pictures=enclosed("pictures"),
            files=enclosed("files"),
        )


def _plain(pattern: Pattern) -> list[Any]:
    out: list[Any] = []
    for part in pattern:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Slot):
            out.append([part.index, part.where.value])
        else:
            out.append({"choice": part.index, "branches": [_plain(b) for b in part.branches]})
    return out


def _pattern(data: list[Any]) -> Pattern:
    out: list[str | Slot | Choice] = []
    for part in data:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, list):
            out.append(Slot(part[0], Where(part[1])))
        else:
            out.append(Choice(part["choice"], tuple(_pattern(b) for b in part["branches"])))
    return tuple(out)


# Control characters have no place in a value: they end headers and lines, and hide text. A run becomes one space.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# An address that a value supplies may only be one that a mail client opens harmlessly.
_SAFE_URL = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


def one_line(value: str) -> str:
    """The value without control characters, so that it cannot start a new line or a new header."""
    # What Python calls printable holds none of these, and finding that out is a fifth of the cost.
    return value if value.isprintable() else _CONTROLS.sub(" ", value)


def _safe_url(value: str) -> str:
    """The value as an attribute, if it is a web or mail address; otherwise `#`, which leads nowhere."""
    value = one_line(value).strip()
    return html.escape(value) if _SAFE_URL.match(value) else "#"


ESCAPES: dict[Where, Callable[[str], str]] = {
    Where.PLAIN: one_line,
    Where.HTML: lambda value: html.escape(one_line(value)),
    Where.ATTRIBUTE: lambda value: html.escape(one_line(value)),
    Where.URL: _safe_url,
    Where.URL_PART: lambda value: quote(value.encode("utf-8", "replace"), safe=""),
}


# Nothing of it means anything in HTML or in an attribute; no space, and no control character.
_PLAIN_ADDRESS = re.compile(r"(?:https?://|mailto:)[!#-%(-;=?-~]*")
_MARKUP = re.compile(r"""[&<>"']""")


def is_unchanged(value: str, *, as_address: bool) -> bool:
    """Whether the value stands for itself everywhere but in a part of an address.

    Links do, and nearly all names: one look instead of an escape for each place. False may also mean: not known.
    """
    if as_address:
        return _PLAIN_ADDRESS.fullmatch(value) is not None
    return value.isprintable() and _MARKUP.search(value) is None


def fill(pattern: Pattern, values: Sequence[str]) -> str:
    """The pattern's text for one recipient, whose `values` stand in the order of `Edition.expressions`."""
    out: list[str] = []
    for part in pattern:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Slot):
            out.append(ESCAPES[part.where](values[part.index]))
        else:
            branch = int(values[part.index])
            if 0 <= branch < len(part.branches):
                out.append(fill(part.branches[branch], values))
    return "".join(out)
