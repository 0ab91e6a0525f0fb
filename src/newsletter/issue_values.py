"""What may stand behind a key of an issue's front matter: one reader for each kind of value.

A reader takes what the author wrote (front_matter.Written, never empty) and returns the value to keep, or raises
IssueError with Problems that have no place; their messages go on after "key: ".
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, TypeAlias
from urllib.parse import urlsplit

from newsletter.dates import NotADate, read_date
from newsletter.errors import IssueError, Problem, did_you_mean, nearest
from newsletter.languages import language_tag, tag_of_name

if TYPE_CHECKING:
    from datetime import date

    from newsletter.front_matter import Written

Status: TypeAlias = Literal["draft", "ready", "unset"]

# No foreign word means "ready": that it was let go over there is no leave to send it here without being asked.
STATUSES: dict[str, Status] = {
    "draft": "draft",
    "ready": "ready",
    # Buttondown and Ghost: written to the end, or already sent
    "about_to_send": "unset",
    "imported": "unset",
    "in_flight": "unset",
    "managed_by_rss": "unset",
    "published": "unset",
    "resending": "unset",
    "scheduled": "unset",
    "sent": "unset",
    "transactional": "unset",
    # Buttondown: held back
    "deleted": "draft",
    "errored": "draft",
    "paused": "draft",
    "suppressed": "draft",
    "throttled": "draft",
}

_FLAGS = dict.fromkeys(("true", "yes", "y", "on", "1"), True) | dict.fromkeys(("false", "no", "n", "off", "0"), False)
_WHITE = re.compile("[ \t\n\r\f\v\x85\u2028\u2029]+")  # a no-break space is the author's and stays
_SLUG = re.compile(r"\w[\w.~-]*")
_NUMBER = re.compile(r"(?:n(?:o|[°º]|r)?\.?|#|issue)?\s*([0-9]{1,9})", re.IGNORECASE)
_PICTURE_KEYS = ("src", "url", "path", "image", "file", "filename", "href")
_SHOWN = 60


class Picture(NamedTuple):
    """An image and the text that stands for it; None: the author gave none, "": it is decoration."""

    src: str
    alt: str | None = None


def text_line(written: Written) -> str:
    """Text on one line: line ends and runs of plain spaces become one space."""
    if isinstance(written, list | dict):
        kind = "a list" if isinstance(written, list) else "a group of keys"
        _refuse(f"{kind}, where one line of text belongs", "write text; in quotes if it begins with [ or {")
    return _WHITE.sub(" ", written or "").strip()


def day(written: Written) -> date:
    """A calendar day, in the forms of newsletter.dates."""
    try:
        return read_date(text_line(written))
    except NotADate as error:
        _refuse(str(error), error.fix)


def picture(written: Written) -> Picture | None:
    """An address or a path, or a group of keys with one and `alt`; None where there is none, such as `false`."""
    if not isinstance(written, dict):
        src = text_line(written)
        return Picture(src) if src and src.casefold() != "false" else None
    folded = {fold(key): value for key, value in written.items()}
    key = next((key for key in _PICTURE_KEYS if folded.get(key)), None)
    if key is None and not any(key in folded for key in _PICTURE_KEYS):
        _refuse("an image without an address", "write src: and the path or the web address of the image")
    alt = folded.get("alt")
    return Picture(text_line(folded[key]), None if alt is None else text_line(alt)) if key else None


def names(written: Written) -> tuple[str, ...]:
    """People: a name, a list of names, or groups of keys with `name`. A comma belongs to the name that holds it."""
    if isinstance(written, list):
        return tuple(dict.fromkeys(name for item in written for name in names(item)))
    if isinstance(written, dict):
        written = {fold(key): value for key, value in written.items()}.get("name")
        if not written:
            _refuse("an author without a name", "write name: and the name")
    name = text_line(written)
    return (name,) if name else ()


def words(written: Written) -> tuple[str, ...]:
    """Tags: a list, or text with commas between them."""
    if isinstance(written, dict):
        _refuse("a group of keys, where a list belongs", "write the words as [one, two]")
    items = written if isinstance(written, list) else text_line(written).split(",")
    return tuple(dict.fromkeys(word for item in items if (word := text_line(item))))


def flag(written: Written) -> bool:
    """True or false, in the words of YAML 1.1."""
    text = text_line(written)
    if text.casefold() not in _FLAGS:
        _refuse(f"{_shown(text)} is neither true nor false", "write true or false")
    return _FLAGS[text.casefold()]


def released(written: Written) -> bool | None:
    """Jekyll's `published`: true or false; None for a date, which Hugo writes there."""
    try:
        day(written)
    except IssueError:
        return flag(written)
    return None


def status(written: Written) -> Status:
    """How far the issue has come, in our words or another tool's."""
    text = text_line(written)
    word = re.sub(r"[\s-]", "_", text.casefold())
    if word not in STATUSES:
        known = STATUSES if nearest(word, STATUSES) else ("draft", "ready")
        _refuse(f"{_shown(text)} is not a status", did_you_mean(word, known))
    return STATUSES[word]


def language(written: Written) -> str:
    """A language tag (BCP 47)."""
    text = text_line(written)
    tag = language_tag(text)
    if tag is None:
        meant = tag_of_name(text)
        fix = f"write {meant}" if meant else "write its code, such as en, fr or pt-BR"
        _refuse(f"{_shown(text)} is not a language code", fix)
    return tag


def number(written: Written) -> int:
    """The number of the issue; `#12` and `n° 12` are 12."""
    text = text_line(written)
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text))
    if not found:
        _refuse(f"{_shown(text)} is not the number of an issue", "write digits alone; other text needs another key")
    return int(found[1])


def web_address(written: Written) -> str:
    """An absolute http or https address."""
    text = text_line(written)
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", text)
    except ValueError:
        whole = False
    if not whole:
        _refuse(f"{_shown(text)} is not a whole web address", "write it in full, such as https://example.org/hello")
    return text


def slug(written: Written) -> str:
    """The issue's last part of an address: letters, digits, `-`, `.`, `_` and `~`."""
    text = text_line(written).strip("/")
    if not _SLUG.fullmatch(text):
        _refuse(f"{_shown(text)} cannot be the last part of an address", f"write {slugify(text)}")
    return text


def theme(written: Written) -> str:
    """The name of a theme, which is the name of its folder. Whether there is one is not asked."""
    text = text_line(written)
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", text):
        _refuse(f"{_shown(text)} is not the name of a theme", "write the name of its folder, such as letter")
    return text


def slugify(text: str) -> str:
    """`text` as a slug: `Été à Nantes` is `ete-a-nantes`; what is a slug already stays as it is."""
    if _SLUG.fullmatch(text):
        return text
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^\w]+", "-", plain.casefold()).strip("-_") or "issue"


def fold(key: str) -> str:
    """A key without what tools spell differently: `canonicalURL`, `canonical_url` and `canonical-url` are one."""
    return re.sub(r"[\s_-]", "", key).casefold()


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _refuse(message: str, fix: str) -> NoReturn:
    raise IssueError(Problem(message, fix=fix))
