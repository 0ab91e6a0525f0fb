"""Where each key of a TOML text stands, because the standard library's reader keeps no positions (TOML 1.0).

tomllib reads first, and judges; the scanner then walks over a text that is known to be good, and only needs not to be
fooled by brackets, hashes and quotes inside of values.

    [transports.relay]        ("transports",), ("transports", "relay")
    port = 2525               ("transports", "relay", "port")
    [[sponsor]]               ("sponsor",), ("sponsor", 0)
    links = ["a", "b"]        ("sponsor", 0, "links"), …, ("sponsor", 0, "links", 1)
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.errors import NewsletterError

KeyPath: TypeAlias = "tuple[str | int, ...]"


class Place(NamedTuple):
    """A line and a column of a text, counted in characters from 1."""

    line: int
    column: int


class Found(NamedTuple):
    """Where a key stands and where its value begins; for a section both are the place of its name."""

    key: Place
    value: Place


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# The long forms come first: three quotes also look like an empty text and the start of another one. Up to two quotes
# may stand directly before the closing three.
_TEXT = re.compile(r"""\"{3}(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


_FIXES = {  # by the first word of what tomllib says
    "Invalid": 'text stands in quotes: title = "My letter"; numbers stand without',
    "Illegal": "a text ends on its own line; one of several lines stands between three quotes on each side",
    "Unescaped": "in double quotes a backslash is written twice; in single quotes it stands for itself",
    "Cannot": "a key or section is given once; take one of them away",
    "Unterminated": "close the quotes",
}


def toml_places(text: str) -> dict[KeyPath, Found]:
    """The place of every section, key and array element of a text that tomllib accepts, by its path from the top.

    A section that is only implied by a longer name, as `a` by `[a.b]`, has the place of that first name.
    """
    return _Scanner(text).scan()


def read_toml(text: str, path: str, error: type[NewsletterError]) -> tuple[dict[str, Any], dict[KeyPath, Found]]:
    """What a TOML text says, and where it says it.

    `path` is for the message alone. Raises `error`, with the place, for a text that is not TOML.
    """
    try:
        return tomllib.loads(text), toml_places(text)
    except tomllib.TOMLDecodeError as refusal:
        message, place = syntax_place(refusal, text)
        fix = _FIXES.get(message.split(" ")[0], 'a setting is a line such as: title = "My letter"')
        message = f"this is not TOML: {message[:1].lower()}{message[1:]}"
        raise error(Problem(message, path, place.line, place.column, fix)) from None
    except RecursionError:
        raise error(Problem("brackets are nested too deeply", path, fix="nothing here needs more than a few")) from None


def syntax_place(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, Place]:
    """What tomllib says is wrong, without the place, and the place."""
    said = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    if said is None:
        return str(error), Place(1, 1)
    if said[2] is not None:
        return said[1], Place(int(said[2]), int(said[3]))
    lines = text.rstrip().split("\n")
    return said[1], Place(len(lines), len(lines[-1]) + 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.line = 1
        self.line_start = 0
        self.counted = 0  # up to where line ends were counted
        self.found: dict[KeyPath, Found] = {}
        self.array_lengths: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, Found]:
        section: KeyPath = ()
        self._skip(_BLANK)
        while self.position < len(self.text):
            if self._at("[["):
                section = self._section(2)
            elif self._at("["):
                section = self._section(1)
            else:
                self._pair(section)
            self._skip(_BLANK)
        return self.found

    def _section(self, brackets: int) -> KeyPath:
        self.position += brackets
        names = self._key()
        self.position += brackets
        path: KeyPath = ()
        for number, (name, place) in enumerate(names, start=1):
            path = (*path, name)
            self.found.setdefault(path, Found(place, place))
            if brackets == 2 and number == len(names):
                self.array_lengths[path] = self.array_lengths.get(path, 0) + 1
            if path in self.array_lengths:  # a name on the way means the array's newest element
                path = (*path, self.array_lengths[path] - 1)
                self.found.setdefault(path, Found(place, place))
        return path

    def _pair(self, section: KeyPath) -> None:
        names = self._key()
        self.position += 1  # the equals sign
        self._skip(_BLANK)
        value = self._place()
        path = section
        for name, place in names:
            path = (*path, name)
            self.found.setdefault(path, Found(place, value))
        self._value(path)

    def _key(self) -> list[tuple[str, Place]]:
        names = []
        while True:
            self._skip(_SPACE)
            place = self._place()
            if self._at('"') or self._at("'"):
                names.append((str(tomllib.loads(f"name = {self._take(_TEXT)}")["name"]), place))
            else:
                names.append((self._take(_BARE_KEY), place))
            self._skip(_SPACE)
            if not self._at("."):
                return names
            self.position += 1

    def _value(self, path: KeyPath) -> None:
        if self._at("["):
            self._members(path, "]")
        elif self._at("{"):
            self._members(path, "}")
        else:
            self._take(_TEXT if self._at('"') or self._at("'") else _SCALAR)

    def _members(self, path: KeyPath, end: str) -> None:
        """What stands between the brackets of an array or the braces of an inline table."""
        self.position += 1
        number = 0
        self._skip(_BLANK)
        while not self._at(end):
            if end == "}":
                self._pair(path)
            else:
                place = self._place()
                self.found[(*path, number)] = Found(place, place)
                self._value((*path, number))
                number += 1
            self._skip(_BLANK)
            if self._at(","):
                self.position += 1
                self._skip(_BLANK)
        self.position += 1

    def _at(self, mark: str) -> bool:
        return self.text.startswith(mark, self.position)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise ValueError(f"not TOML at character {self.position}")
        self.position = match.end()
        return match[0]

    def _place(self) -> Place:
        if newlines := self.text.count("\n", self.counted, self.position):
            self.line += newlines
            self.line_start = self.text.rindex("\n", self.counted, self.position) + 1
        self.counted = self.position
        return Place(self.line, self.position - self.line_start + 1)
