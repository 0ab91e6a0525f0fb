"""Front matter: the block of YAML 1.2 (`---`) or TOML 1.0 (`+++`) that a text may open with, and where each key is.

text ─ opened by --- or +++? ─ no ──→ all of it is body
     └ closed again? ───────── no ──→ IssueError, with the place where the closing line belongs
       ├ ---  ruamel.yaml ┐
       └ +++  tomllib     ┴─────────→ entries: key, what was written, what that means as data, where it stands
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, time
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from newsletter.errors import IssueError, Problem
from newsletter.toml_places import Place, read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Written: TypeAlias = "str | list[Written] | dict[str, Written] | None"
Plain: TypeAlias = "str | int | float | bool | date | list[Plain] | dict[str, Plain] | None"
Entries: TypeAlias = "tuple[tuple[Entry, ...], list[Problem]]"

_FENCES = {"---": ("---", "..."), "+++": ("+++",)}  # Jekyll and Pandoc also close YAML with dots
_LONGEST = 50_000  # characters; beyond that a closing line is missing, and the YAML reader takes its time
DEEPEST = 50  # levels of nesting
_KEY_LINE = re.compile(r"""["']?[\w.-]+["']?\s*[:=]|\s+\S|- |#|\[|$""")
_DEEP_KEY = re.compile(rf"^[ \t[]*(?:[^\s=.\"']+[ \t]*\.[ \t]*){{{DEEPEST}}}", re.MULTILINE)
# What no mail may hold and no keyboard types, tab, line feed and carriage return excepted (RFC 5322 section 3.5).
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MANY = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of the front matter and what stands behind it."""

    key: str
    written: Written  # every scalar as the author wrote it; None where there is nothing
    plain: Plain  # the same as data: numbers, dates, true and false
    key_place: Place
    place: Place  # of the value; of the key when there is no value
    comment: str = ""  # a `#word` on the same line, which YAML takes for a comment and an author for text
    sound: bool = True  # False: a problem inside of it was reported, and the value is not to be trusted


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A text, taken apart. Lines end in a line feed alone; `body_line` counts from 1 in the author's file."""

    entries: tuple[Entry, ...]
    body: str
    body_line: int
    problems: tuple[Problem, ...]  # those that did not hinder the reading


@dataclass(frozen=True, slots=True)
class Block:
    """The lines between the fences, and where in the file they stand."""

    text: str
    first_line: int
    path: str

    def line(self, number: int) -> str:
        """A line of the file, by its number there; "" outside of the block."""
        lines = self.text.split("\n")
        return lines[number - self.first_line] if 0 <= number - self.first_line < len(lines) else ""

    def place(self, index: int) -> Place:
        """The line and column, in the file, of a character of the block."""
        return Place(self.first_line + self.text.count("\n", 0, index), index - self.text.rfind("\n", 0, index))

    def problem(self, message: str, place: Place, fix: str | None = None) -> Problem:
        """Something wrong at a place of the file."""
        return Problem(message, self.path, *place, fix)


def read_front_matter(text: str, path: str = "<issue>") -> FrontMatter:
    """Take a text apart into front matter and body; `path` is for the messages.

    Raises IssueError when the front matter cannot be read at all. Lesser problems are returned, so that the caller can
    report them together with its own.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    controls = _control_characters(text, path)
    text = _CONTROL.sub(" ", text)  # so that everything behind one keeps its column
    try:
        fence, block, body, body_line = _take_apart(text, path)
        entries, problems = _read_block(fence, block)
    except IssueError as error:
        raise IssueError(*controls, *error.problems) from None
    return FrontMatter(entries, body, body_line, (*controls, *problems))


def given_twice(key: str, first_line: int, place: Place) -> tuple[str, Place, str]:
    """What to say of the second of two equal keys: the message, the place and the fix."""
    return f"the key {key!r} is there twice: on line {first_line} and here", place, "keep one of the two"


def _control_characters(text: str, path: str) -> list[Problem]:
    problems = []
    for count, match in enumerate(_CONTROL.finditer(text)):
        place = Block(text, 1, path).place(match.start())
        if count == _MANY:
            problems.append(Problem("more control characters follow", path, *place, "is this a text file?"))
            break
        code = ord(match[0])
        meant = match[0].encode("latin-1").decode("cp1252", "ignore") if 0x80 <= code <= 0x9F else ""
        fix = f"it was meant to be {meant}: type that" if meant else "delete it; some editors do not show it"
        problems.append(Problem(f"a control character (U+{code:04X}), which no mail may hold", path, *place, fix))
    return problems


def _take_apart(text: str, path: str) -> tuple[str, Block, str, int]:
    """The fence ("" for a text without front matter), what it encloses, the body and the line of the body."""
    lines = text.split("\n")
    opening = next((number for number, line in enumerate(lines) if line.strip()), 0)  # counted from 0
    fence = lines[opening].rstrip()
    if re.match(r"""\s*\{\s*"[^"\n]+"\s*:""", text):
        fix = "write it as YAML, between two lines of ---"
        raise IssueError(Problem("front matter in JSON is not read", path, opening + 1, 1, fix))
    if fence not in _FENCES:
        return "", Block("", 1, path), text, 1
    for closing in range(opening + 1, len(lines)):
        if lines[closing].rstrip() in _FENCES[fence]:
            block = Block("\n".join(lines[opening + 1 : closing]), opening + 2, path)
            if len(block.text) > _LONGEST:
                fix = f"write {fence} on a line of its own where the text of the issue begins"
                message = f"the front matter that opens here is longer than {_LONGEST:,} characters"
                raise IssueError(Problem(message, path, opening + 1, 1, fix))
            return fence, block, "\n".join(lines[closing + 1 :]), closing + 2
    raise IssueError(_unclosed(lines, opening, path))


def _read_block(fence: str, block: Block) -> Entries:
    try:
        entries, problems = _READERS[fence](block)
        escaped = [entry for entry in entries if any(map(_CONTROL.search, _texts({entry.key: entry.written})))]
    except RecursionError:
        fix = "nothing here needs more than a few levels"
        place = Place(block.first_line, 1)
        raise IssueError(block.problem("brackets, groups or aliases are nested too deeply", place, fix)) from None
    for entry in escaped:
        message = f"{entry.key!r} holds a control character, written as an escape"
        problems.append(block.problem(message, entry.place, "take the escape out"))
    return tuple(replace(entry, sound=False) if entry in escaped else entry for entry in entries), problems


def _texts(written: Written, depth: int = 0) -> Iterator[str]:
    if depth > DEEPEST:
        raise RecursionError
    match written:
        case str():
            yield written
        case list():
            for item in written:
                yield from _texts(item, depth + 1)
        case dict():
            for key, value in written.items():
                yield key
                yield from _texts(value, depth + 1)


def _unclosed(lines: list[str], opening: int, path: str) -> Problem:
    fence = lines[opening].rstrip()
    last = opening
    for number in range(opening + 1, len(lines)):
        if not _KEY_LINE.match(lines[number]):
            break
        if lines[number].strip():
            last = number
    fix = f"write {fence} on a line of its own after line {last + 1}"
    if last == opening:
        fix = f"write {fence} on a line of its own after the last key, or *** if this line is a rule"
    return Problem(f"the front matter that opens here is never closed by a line of {fence}", path, opening + 1, 1, fix)


# ── TOML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _toml_entries(block: Block) -> Entries:
    if _DEEP_KEY.search(block.text):  # the reader's time grows with the square of the dots
        raise RecursionError
    padding = "\n" * (block.first_line - 1)  # so that the reader counts the lines of the file
    try:
        table, places = read_toml(padding + block.text, block.path, IssueError)
    except IssueError as error:
        twice = _equal_keys(block) if "overwrite" in str(error) else None
        raise IssueError(twice or error.problems[0]) from None
    except ValueError as error:  # Python's own limit on the digits of a number
        place = Place(block.first_line, 1)
        raise IssueError(block.problem(f"this is not TOML: {error}", place, "put long numbers in quotes")) from None
    return tuple(
        Entry(key, *_toml_value(value), places[key,].key, places[key,].value) for key, value in table.items()
    ), []


def _toml_value(value: Any) -> tuple[Written, Plain]:
    match value:
        case dict():
            both = {key: _toml_value(item) for key, item in value.items()}
            return {key: pair[0] for key, pair in both.items()}, {key: pair[1] for key, pair in both.items()}
        case list():
            pairs = [_toml_value(item) for item in value]
            return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        case bool():
            return str(value).lower(), value
        case date():
            return value.isoformat(), value
        case time():
            return value.isoformat(), value.isoformat()
        case float() if not isfinite(value):
            return str(value), str(value)
    return str(value), value


def _equal_keys(block: Block) -> Problem | None:
    """The second of two equal keys: tomllib says that there is one, and points behind it."""
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(block.text.split("\n"), start=block.first_line):
        if line.startswith("["):
            section = f"{number} {line}"
        elif key := re.match(r"""\s*(["']?)([\w-]+)\1\s*=""", line):
            if (section, key[2]) in lines:
                return block.problem(*given_twice(key[2], lines[section, key[2]], Place(number, key.start(2) + 1)))
            lines[section, key[2]] = number
    return None


def _yaml_entries(block: Block) -> Entries:
    from newsletter.front_matter_yaml import yaml_entries

    return yaml_entries(block)


_READERS: dict[str, Callable[[Block], Entries]] = {"---": _yaml_entries, "+++": _toml_entries, "": lambda _: ((), [])}
