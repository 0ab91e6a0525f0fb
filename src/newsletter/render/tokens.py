"""Tokens: what theme.toml says, checked when a theme loads: names, forms, and whether its colours can be read.

    [theme]           description  inherits
    [light] [dark]    colours; `name_ink` is for text that stands on `name`
    [fonts]           lists of faces, the last one a kind that every reader has
    [sizes]           CSS pixels
    [logo]            src  dark  alt  width
    [text]            of the plain text part: `links`, which are `inline` or `numbered`

A theme may have tokens of its own; one that no template reads is taken for a misspelt one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any

from newsletter.contrast import READABLE, colour, nearest_readable, ratio, written
from newsletter.errors import Problem, ThemeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from newsletter.contrast import Colour
    from newsletter.render.theme import Theme
    from newsletter.toml_places import Found, KeyPath

ABOUT = ("description", "inherits")  # what [theme] says, for people and for the reader of themes
SCHEMES = ("light", "dark")
_KINDS = ("serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui")

# Which text stands on which ground; besides these, `name_ink` stands on `name`, and `code_…` on `shade`.
_ON = {
    "sheet": ("ink", "soft", "accent"),
    "shade": ("ink", "soft", "accent", "note", "tip", "important", "warning", "caution"),
    "mark": ("ink",),
}
# From and to, in CSS pixels, with what lies beyond.
_SIZES = {
    "width": (320, 800, "a phone is 320 wide, and wider than 800 no line can be followed"),
    "margin": (0, 96, "it is on both sides"),
    "text": (14, 24, "smaller is hard to read, larger makes lines too short on a phone"),
    "title": (18, 64, "larger words do not fit a phone"),
    "small": (12, 20, "smaller is hard to read"),
    "corner": (0, 48, "0 is a sharp corner"),
}
_IMAGE = re.compile(r"""https://[^\s"'<>]+|(?![A-Za-z][\w+.-]*:|//)[^"'<>\x00-\x1f]*""")
# What no template reads but the program itself.
_TEXT = {"links": ("inline", "numbered")}
_OTHER_SIZE = (0, 1000, "sizes are CSS pixels, and whole")


@dataclass(frozen=True, slots=True)
class Said:
    """What one theme.toml says: its path to show, its tables, and where each key stands."""

    path: str
    tokens: Mapping[str, Any]
    places: Mapping[KeyPath, Found]


def check(theme: Theme, said: Sequence[Said]) -> None:
    """Raise ThemeError unless the tokens can be used; `said` begins with the theme's own file, its root comes last."""
    problems = [*_names(theme, said), *_forms(said)]
    if not problems:
        problems = list(_contrasts(theme.tokens, said))
    if problems:
        raise ThemeError(*problems)


# ── Names ──


def _names(theme: Theme, said: Sequence[Said]) -> Iterator[Problem]:
    read = _read(theme)
    for at, one in enumerate(said):
        above: dict[str, set[str]] = {"theme": set(ABOUT), "text": set(_TEXT)}
        for other in said[at + 1 :]:
            for table, keys in other.tokens.items():
                if isinstance(keys, dict):
                    above.setdefault(table, set()).update(keys)
        for table, keys in one.tokens.items():
            if not isinstance(keys, dict):
                fix = f"put it below a section: [{next((name for name in above if table in above[name]), 'sizes')}]"
                yield _problem(one, (table,), f"`{table}` stands in no section", fix)
            elif table not in above and table not in read:
                yield _problem(one, (table,), f"no template reads [{table}]", did_you_mean(table, above))
            else:
                known = above.get(table, set())
                for key in keys:
                    if key not in known and (table == "theme" or key not in read):
                        among = known | set(_SIZES) if table == "sizes" else known
                        message = f"no template reads `{key}` of [{table}]"
                        yield _problem(one, (table, key), message, did_you_mean(key, among) if among else "")


def _read(theme: Theme) -> set[str]:
    """The names that templates may read tokens by: behind a dot, or between quotes."""
    templates = (text for path, text in theme.files.items() if path.endswith(".j2"))
    return {name for text in templates for name in re.findall(r"""[.'"]([A-Za-z][\w-]*)""", text)}


# ── Forms ──


def _forms(said: Sequence[Said]) -> Iterator[Problem]:
    for one in said:
        for table, form in _FORMS.items():
            for key, value in _table(one.tokens, table).items():
                if fix := form(key, value):
                    message = f"{key} = {_as_written(value)} cannot be used"
                    yield _problem(one, (table, key), message, fix)


def _about(key: str, value: object) -> str:
    return "" if isinstance(value, str) else f"`{key}` is a text, in quotes"


def _colour(_: str, value: object) -> str:
    try:
        colour(value if isinstance(value, str) else "")
    except ValueError:
        # Names and functions of newer style sheets are dropped by some programs, with the whole style around them.
        return 'write a colour as "#94391f": red, green and blue, two signs each'
    return ""


def _faces(_: str, value: object) -> str:
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else []
    if not names or names[-1] not in _KINDS:
        return f"end the list with the kind of face that stands in where there is none: {', '.join(_KINDS[:3])}"
    if any(not re.fullmatch(r"'[\w .-]+'|[\w-]+", name) for name in names):
        return "put names of several words between single quotes: \"'Times New Roman', serif\""
    return ""


def _size(key: str, value: object) -> str:
    least, most, why = _SIZES.get(key, _OTHER_SIZE)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        return f"write a whole number from {least} to {most}: {why}"
    return ""


def _logo(key: str, value: object) -> str:
    if key == "width":
        is_width = isinstance(value, int) and not isinstance(value, bool) and 16 <= value <= 800
        return "" if is_width else "write a whole number from 16 to 800"
    if not isinstance(value, str):
        return f"`{key}` is a text, in quotes"
    if key in ("src", "dark") and not _IMAGE.fullmatch(value):
        return f'name a file of the theme\'s folder: {key} = "logo.png", or an address that begins with https://'
    return ""


def _text(key: str, value: object) -> str:
    return "" if value in _TEXT.get(key, (value,)) else "write " + " or ".join(f'"{one}"' for one in _TEXT[key])


_FORMS: dict[str, Callable[[str, object], str]] = {
    "theme": _about,
    "light": _colour,
    "dark": _colour,
    "fonts": _faces,
    "sizes": _size,
    "logo": _logo,
    "text": _text,
}


# ── Contrast ──


def pairs(colours: Collection[str]) -> Iterator[tuple[str, str]]:
    """Which text stands on which ground, by the names that a scheme has."""
    for ground, texts in _ON.items():
        yield from ((text, ground) for text in texts if text in colours and ground in colours)
    for name in colours:
        if name.endswith("_ink") and (ground := name.removesuffix("_ink")) in colours:
            yield name, ground
        elif name.startswith("code_") and "shade" in colours:
            yield name, "shade"


def _contrasts(tokens: Mapping[str, Any], said: Sequence[Said]) -> Iterator[Problem]:
    """A problem for each colour that makes some text hard to read."""
    for scheme in SCHEMES:
        colours = {name: colour(value) for name, value in _table(tokens, scheme).items()}
        found = {pair: ratio(*(colours[name] for name in pair)) for pair in pairs(colours)}
        faulty: dict[str, list[tuple[str, str]]] = {}
        for pair in sorted(found, key=lambda pair: found[pair]):
            if found[pair] < READABLE:
                # The younger of the two is at fault: what a theme inherits was in order before.
                faulty.setdefault(min(pair, key=lambda name: _age(said, scheme, name)), []).append(pair)
        for name, worst_first in faulty.items():
            others = {other: colours[other] for pair in found if name in pair for other in pair if other != name}
            text, ground = worst_first[0]
            message = (
                f"[{scheme}] `{text}` on `{ground}` ({written(colours[text])} on {written(colours[ground])}) "
                f"has a contrast of {_told(found[text, ground])} to 1; text needs {READABLE}"
            )
            near = nearest_readable(colours[name], others.values())
            fix = _nearby(name, near, others[ground if name == text else text])
            yield _problem(said[_age(said, scheme, name)], (scheme, name), message, fix)


def _age(said: Sequence[Said], table: str, key: str) -> int:
    return next((at for at, one in enumerate(said) if key in _table(one.tokens, table)), len(said) - 1)


def _nearby(name: str, near: Colour | None, other: Colour) -> str:
    if near is None:
        return "choose the two further apart"
    return f'{name} = "{written(near)}" has {_told(ratio(near, other))}'


def _told(contrast: float) -> float:
    """A contrast to be read: not rounded up, or one that does not do would look as if it did."""
    return floor(10 * contrast) / 10


def _table(tokens: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = tokens.get(name, {})
    return table if isinstance(table, dict) else {}


def _as_written(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _problem(said: Said, key: KeyPath, message: str, fix: str) -> Problem:
    found = said.places.get(key)
    place = found.key if found else None
    return Problem(message, said.path, place.line if place else None, place.column if place else None, fix or None)
