"""Issue: what the author wrote, as one frozen value; front matter + Markdown, parsed from text.

Astro, Hugo, Jekyll, Buttondown and others call the same things by different names: FIELDS is the dictionary. Nothing
here reads a file, asks for the time or guesses; all that is wrong is said at once, with its line and column.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from newsletter import issue_values as values
from newsletter.errors import IssueError, Problem, nearest
from newsletter.front_matter import read_front_matter
from newsletter.issue_values import Status, fold
from newsletter.toml_places import Place

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Mapping

    from newsletter.front_matter import Entry, FrontMatter, Plain, Written


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue. None, "" and () mean: the author said nothing, and what the newsletter says applies."""

    path: str  # as given, for messages
    stem: str  # the file's name without its ending; of hello/index.md it is hello
    title: str
    subject: str  # of the mail; the title unless the author gave another
    preheader: str
    date: datetime.date | None
    hero: str | None  # path or web address of the image on top, as written
    hero_alt: str | None  # "" is decoration, None is an omission
    authors: tuple[str, ...]
    language: str | None  # BCP 47
    tags: tuple[str, ...]
    status: Status  # draft: not to be sent; ready: whatever runs over a folder may send it; unset: by name only
    slug: str
    canonical_url: str | None
    number: int | None
    theme: str | None
    in_archive: bool  # whether it is shown on the web once it is sent
    extra: Mapping[str, Plain] = field(hash=False)  # every key that is not one of these words, as plain data
    body: str  # the Markdown after the front matter; a heading that became the title is a blank line in it
    body_line: int  # the line of the file, counted from 1, on which the body begins
    places: Mapping[str, Place] = field(hash=False)  # where the fields above, and the keys of extra, were written

    @property
    def key(self) -> str:
        """What a mailing of this issue is known by."""
        return self.stem

    @property
    def is_draft(self) -> bool:
        """Whether the author holds this issue back."""
        return self.status == "draft"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read in it."""
        return not self.body.strip()

    def place(self, name: str) -> Place:
        """Where a field or a key of extra was written; the beginning of the file when it was not."""
        return self.places.get(name, Place(1, 1))


class Field(NamedTuple):
    """A field, the keys that may hold it, and how their value is read."""

    name: str
    keys: tuple[str, ...]  # the first that is there and not empty counts; case, `_` and `-` in them do not
    read: Callable[[Written], Any]
    when_empty: Literal["skip", "keep", "refuse"] = "skip"


FIELDS = (
    Field("title", ("title",), values.text_line, "refuse"),
    Field("subject", ("subject",), values.text_line),  # Buttondown knows no title: there it is both
    Field(
        "preheader",
        ("preheader", "preview_text", "description", "summary", "excerpt", "subtitle"),
        values.text_line,
    ),
    Field("date", ("date", "publish_date", "pub_date", "pub_datetime", "published_at"), values.day),
    Field(
        "hero",
        ("hero", "hero_image", "image", "cover", "cover_image", "featured_image", "feature_image"),
        values.picture,
    ),
    Field("hero_alt", ("hero_alt", "hero_image_alt", "image_alt", "cover_alt"), values.text_line, "keep"),
    Field("authors", ("authors", "author", "by"), values.names),
    Field("language", ("language", "lang", "locale"), values.language),
    Field("tags", ("tags", "categories", "keywords"), values.words),
    Field("slug", ("slug",), values.slug),
    Field("canonical_url", ("canonical_url", "canonical"), values.web_address),
    Field("number", ("number", "issue", "issue_number", "secondary_id"), values.number),
    # Not `layout`: in Astro and Jekyll that is a file of the web site.
    Field("theme", ("theme",), values.theme),
    Field("archive", ("archive",), values.flag),
    # These three make one status. One that is there and empty is a decision that was not taken.
    Field("draft", ("draft",), values.flag, "refuse"),
    Field("published", ("published",), values.released),
    Field("status", ("status",), values.status, "refuse"),
)

_MANY = 50  # problems; beyond that the file is something else
_OWN_WORDS = {fold(field.name) for field in FIELDS} - {"published"}
_ALL_WORDS = {fold(key) for field in FIELDS for key in field.keys}


def parse_issue(text: str, path: str = "<issue>") -> Issue:
    """The issue that `text` is; `path` names it in messages and gives it its stem.

    Raises IssueError with everything that is wrong, each with path, line, column and what would be right.
    """
    front = read_front_matter(text, path)
    found, places, problems = _read_fields(front)
    status, more = _status(front, found, places)
    title, body = found.get("title") or found.get("subject"), front.body
    if not title and not places.keys() & {"title", "subject"}:
        title, body, line = _title_from_heading(body)
        places["title"] = Place(front.body_line + line, 1)
        more += [] if title else [_no_title(front)]
    if problems := [*front.problems, *problems, *more]:
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        more = [Problem(f"{len(problems) - _MANY} more problems follow", path, fix="see to these first")]
        raise IssueError(*(replace(p, path=path) for p in problems[:_MANY]), *more[: len(problems) > _MANY])
    stem = stem_of(path)
    title = title or ""
    hero = found.get("hero") or values.Picture("")
    for name, other in (("subject", "title"), ("title", "subject")):
        places.setdefault(name, places.get(other, Place(1, 1)))
    return Issue(
        path=path,
        stem=stem,
        title=title,
        subject=found.get("subject") or title,
        preheader=found.get("preheader", ""),
        date=found.get("date") or _day_of_name(stem),
        hero=hero.src or None,
        hero_alt=found.get("hero_alt", hero.alt),
        authors=found.get("authors", ()),
        language=found.get("language"),
        tags=found.get("tags", ()),
        status=status,
        slug=found.get("slug") or values.slugify(stem),
        canonical_url=found.get("canonical_url"),
        number=found.get("number"),
        theme=found.get("theme"),
        in_archive=found.get("archive", True),
        extra=MappingProxyType({e.key: e.plain for e in front.entries if fold(e.key) not in _OWN_WORDS}),
        body=body,
        body_line=front.body_line,
        places=MappingProxyType({entry.key: entry.place for entry in front.entries} | places),
    )


def stem_of(path: str) -> str:
    """What the file at `path` is called, without folder and ending; of `hello/index.md` it is `hello`.

    In composed form (NFC), so that one name stays one name on every file system.
    """
    pure = PurePath(path)
    stem = pure.parent.name if pure.stem.casefold() == "index" and pure.parent.name else pure.stem
    return unicodedata.normalize("NFC", stem.strip("<>"))


def _day_of_name(stem: str) -> datetime.date | None:
    """The day with which Jekyll begins the name of a file."""
    if found := re.match(r"\d{4}-\d\d-\d\d(?=-|$)", stem, re.ASCII):
        try:
            return values.day(found[0])
        except IssueError:
            return None
    return None


def _read_fields(front: FrontMatter) -> tuple[dict[str, Any], dict[str, Place], list[Problem]]:
    """The value and the place of every field that is there, and what is wrong with the others."""
    entries: dict[str, Entry] = {}
    found: dict[str, Any] = {}
    places: dict[str, Place] = {}
    problems: list[Problem] = []
    for entry in front.entries:
        first = entries.setdefault(fold(entry.key), entry)
        if first is not entry and fold(entry.key) in _ALL_WORDS:
            message = f"{entry.key!r} is the same key as {first.key!r} on line {first.key_place.line}"
            problems.append(Problem(message, None, *entry.key_place, "keep one of the two"))
    for name, keys, read, when_empty in FIELDS:
        there = [entries[fold(key)] for key in keys if fold(key) in entries]
        if not there:
            continue
        entry = next((entry for entry in there if not _is_empty(entry)), there[0])
        if _is_empty(entry) and when_empty == "skip" and not entry.comment:
            continue
        places[name] = entry.place
        try:
            _look_for_lost_text(entry, read is values.text_line)
            if _is_empty(entry) and when_empty == "refuse":
                raise IssueError(Problem("nothing is written here", fix="write a value, or take the key away"))
            if entry.sound:
                found[name] = read(entry.written)
        except IssueError as error:
            problems += [
                replace(
                    problem, message=f"{entry.key}: {problem.message}", line=entry.place.line, column=entry.place.column
                )
                for problem in error.problems
            ]
    return found, places, problems


def _is_empty(entry: Entry) -> bool:
    return entry.sound and not (entry.written.strip() if isinstance(entry.written, str) else entry.written)


def _look_for_lost_text(entry: Entry, is_text: bool) -> None:
    """Refuse what YAML took for a comment: of `title: Letter #12` only `Letter` is left."""
    if entry.comment and (is_text or _is_empty(entry)):
        meant = f"{entry.written or ''} {entry.comment}".strip().replace('"', '\\"')
        fix = f'put the value in quotes: {entry.key}: "{meant}"; a comment has a space after its #'
        raise IssueError(Problem(f"{entry.comment!r} is lost: behind a space, # begins a comment", fix=fix))


# ── Status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _status(front: FrontMatter, found: dict[str, Any], places: dict[str, Place]) -> tuple[Status, list[Problem]]:
    """Draft as soon as one key says so; an error where two contradict each other or one is misspelt."""
    draft, status = found.get("draft"), found.get("status", "unset")
    problems = [problem for entry in front.entries if (problem := _misspelt_switch(entry))]
    if (draft, status) in ((True, "ready"), (False, "draft")):
        message = f"draft: {str(draft).lower()} contradicts the status on line {places['status'].line}"
        problems.append(Problem(message, None, *places["draft"], "keep one of the two"))
    held_back = draft or found.get("published") is False
    return ("draft" if held_back else status), problems


def _misspelt_switch(entry: Entry) -> Problem | None:
    """An unknown key is free to have, except one that would have kept the issue from being sent."""
    if fold(entry.key) in _ALL_WORDS or not isinstance(entry.written, str):
        return None
    meant = nearest(fold(entry.key), ("draft", "status"))
    try:
        if meant is None or (values.flag if meant == "draft" else values.status)(entry.written) is None:
            return None
    except IssueError:
        return None
    return Problem(
        f"{entry.key!r} is not read, though its value looks like a decision", None, *entry.key_place,
        f"did you mean {meant!r}? A key of your own needs another name",
    )  # fmt: skip


# ── Title ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CODE_OR_COMMENT = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|<!--.*?(?:-->|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(
    r"^ {0,3}#[ \t]+(?P<atx>\S.*)$"
    r"|(?:\A|(?<=\n\n)) {0,3}(?![-*+>|#]|[0-9]+[.)])(?P<setext>\S.*)\n {0,3}=+[ \t]*$",
    re.MULTILINE,
)
_SLOT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_PUT_ASIDE = "\ue000"  # a character of nobody's; it stands around the number of a slot
_LONGEST_TITLE = 1_000  # characters of a heading beyond which nobody cares for its marks


def _title_from_heading(body: str) -> tuple[str, str, int]:
    """The text of the first heading of level 1, the body without it, and how many lines stand before it.

    Its lines stay, blank: the theme sets the title, and every other line keeps its number.
    """
    visible = _CODE_OR_COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), body)
    found = _HEADING.search(visible)
    if not found:
        return "", body, 0
    start, end = found.span()
    blank = "\n" * found[0].count("\n")
    title = _text_of(found["setext"] or _without_closing_marks(found["atx"]))
    return title, body[:start] + blank + body[end:], body.count("\n", 0, start)


def _without_closing_marks(heading: str) -> str:
    text = heading.rstrip()
    cut = text.rstrip("#")
    return cut if cut[-1:].isspace() or not cut else text


def _text_of(markdown: str) -> str:
    """The words of a heading, without emphasis, code marks, links and attributes; slots stay as they are."""
    if len(markdown) > _LONGEST_TITLE or _PUT_ASIDE in markdown:
        return values.text_line(markdown)
    slots = _SLOT.findall(markdown)
    numbers = count()
    text = _SLOT.sub(lambda _: f"{_PUT_ASIDE}{next(numbers)}{_PUT_ASIDE}", markdown)
    text = re.sub(r"\{[#.:][^{}]*\}\s*$", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(\*\*|[*`])(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!\w)(__?)(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return values.text_line(re.sub(f"{_PUT_ASIDE}([0-9]+){_PUT_ASIDE}", lambda found: slots[int(found[1])], text))


def _no_title(front: FrontMatter) -> Problem:
    fix = "write title: and the title in the front matter, or begin the text with a line such as # The title"
    for entry in front.entries:
        if fold(entry.key) not in _ALL_WORDS and nearest(fold(entry.key), ("title", "subject")):
            fix = f"did you mean 'title' by {entry.key!r} on line {entry.key_place.line}?"
    return Problem("the issue has no title", None, 1, 1, fix)
