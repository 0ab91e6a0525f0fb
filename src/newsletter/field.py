"""A field: what the author keeps about readers besides names and language, with a type, choices and labels.

    text      as it is written, on one line
    number    42, -3.5; an import takes 1 234,5 and 1,234.5 as well      kept as digits with a point
    date      any form that names one day                                kept as year-month-day
    boolean   yes or no, in a few languages                              kept as "yes", or as nothing
    choice    one of the author's words, without case                    kept as the author writes it

A value is always a text, so that an entry, an export and a slot need not know its type. A no is kept as nothing, so
that `{% if subscriber.fields.member %}` means what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from newsletter.dates import NotADate, read_date
from newsletter.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

YES = "yes"
_TRUE = frozenset({"yes", "y", "true", "1", "on", "x", "oui", "o", "vrai", "ja", "sí", "si"})
_FALSE = frozenset({"no", "n", "false", "0", "off", "non", "faux", "nein", ""})

# Thousands in groups of three apart by spaces, points, commas or apostrophes; then decimals behind the other sign.
_NUMBER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+)(?:[.,]\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?P<sign>[.,])\d{3})(?:(?P=sign)\d{3})*(?:(?!(?P=sign))[.,]\d+)?", re.ASCII)
_LONGEST_NUMBER = 30  # characters
_LONGEST_TEXT = 1000
_SPACES = re.compile(r"[ \u00a0\u202f'’]")


class Kind(Enum):
    """What a field holds; the value is its name in newsletter.toml."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class WrongValue(ValueError):
    """A text that a field cannot hold, and in `fix` what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry."""

    name: str
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # language, "" for any → label
    public: bool = False  # readers see it in their preferences, and may change it

    def label(self, language: str) -> str:
        """What the field is called in a language: there, in any, or by its name."""
        own = self.labels.get(language) or self.labels.get(language.partition("-")[0])
        return own or self.labels.get("") or self.name.replace("_", " ").capitalize()

    def read(self, text: str) -> str:
        """A value as it is kept; "" for nothing. Raises WrongValue."""
        text = " ".join(text.split()) if text else ""
        return _READERS[self.kind](self, text) if text else ""


def _text(_: Field, text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise WrongValue(f"has {len(text):,} characters", f"write {_LONGEST_TEXT:,} at most")
    return text


def _number(_: Field, text: str) -> str:
    if len(text) <= _LONGEST_NUMBER:
        if _NUMBER.fullmatch(text) and not _doubtful(text):
            return _plain(_SPACES.sub("", text).replace(",", "."))
        if (grouped := _GROUPED.fullmatch(text)) and not _doubtful(text):
            return _plain(text.replace(grouped["sign"], "").replace(",", "."))
    if _doubtful(text):
        bare = text.replace(",", "").replace(".", "")
        raise WrongValue(
            f"{text!r} can be read in two ways", f"write {bare}, or {text.replace(',', '.')}0 for decimals"
        )
    raise WrongValue(f"{text[:40]!r} is no number", "write digits alone, such as 42 or 3.5")


def _doubtful(text: str) -> bool:
    """Whether a comma may stand before decimals or between thousands: 1,234."""
    return re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text, re.ASCII) is not None


def _plain(number: str) -> str:
    """The number without a plus, zeros that say nothing, and a point that nothing follows."""
    sign, digits = ("-", number[1:]) if number[0] == "-" else ("", number.removeprefix("+"))
    whole, _, decimals = digits.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    text = f"{whole}.{decimals}" if decimals else whole
    return text if text == "0" else sign + text


def _date(_: Field, text: str) -> str:
    try:
        return read_date(text).isoformat()
    except NotADate as error:
        raise WrongValue(str(error), error.fix) from None


def _boolean(_: Field, text: str) -> str:
    if text.casefold() in _TRUE:
        return YES
    if text.casefold() in _FALSE:
        return ""
    raise WrongValue(f"{text[:40]!r} is neither yes nor no", "write yes or no")


def _choice(kept: Field, text: str) -> str:
    by_folded = {each.casefold(): each for each in kept.choices}
    if text.casefold() in by_folded:
        return by_folded[text.casefold()]
    raise WrongValue(f"{text[:40]!r} is none of the choices", did_you_mean(text, kept.choices))


_READERS = {Kind.TEXT: _text, Kind.NUMBER: _number, Kind.DATE: _date, Kind.BOOLEAN: _boolean, Kind.CHOICE: _choice}


def typed(fields: Mapping[str, Field], names: Collection[str]) -> dict[str, Field]:
    """All fields of a list: those of the settings, and those that entries have besides, which are text."""
    return {**{name: Field(name) for name in sorted(names)}, **fields}
