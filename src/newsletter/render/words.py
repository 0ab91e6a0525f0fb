"""Words: what the program itself says in an issue and in the archive, and dates, in the language of each.

One file a language in `words/`: English, French, Arabic and Hebrew. An author's own file goes before it, or stands in
for one. What no file says is said in English; dates, numbers and lists have the language's own form through Babel.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from babel import Locale

_ARCHIVE = "archive_"  # before the names of what is said there
_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}


def base(language: str) -> str:
    """The language without region: `fr` of `fr-CA`."""
    return language.replace("_", "-").split("-")[0].casefold()


def direction(language: str) -> str:
    """`rtl` for languages that are written from right to left, else `ltr`."""
    return "rtl" if base(language) in _RIGHT_TO_LEFT else "ltr"


@lru_cache(maxsize=16)
def words(language: str) -> Mapping[str, str]:
    """The words for a language, missing ones in English."""
    known = tomllib.loads(_shipped("en").read_text("utf-8"))
    own = _shipped(language)
    if own.is_file():
        known |= tomllib.loads(own.read_text("utf-8"))
    return known


def _shipped(language: str) -> Path:
    return Path(__file__).with_name("words") / f"{base(language)}.toml"


def catalogue(language: str, own: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The words for a language, those of the author first; `own` are these by language, `pt` as well as `pt-BR`."""
    if not own:
        return words(language)
    by_tag = {tag.casefold(): said for tag, said in own.items()}
    return {**words(language), **by_tag.get(base(language), {}), **by_tag.get(language.casefold(), {})}


def archive_words(language: str, own: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """What the archive's pages say in a language, without the `archive_` before each name; and `number`, an issue's."""
    known = catalogue(language, own)
    said = {name.removeprefix(_ARCHIVE): text for name, text in known.items() if name.startswith(_ARCHIVE)}
    return {**said, "number": known["issue"]}


def language_said(language: str, own: Mapping[str, Mapping[str, str]]) -> str:
    """The language that these words are in: English, when there are none in this one."""
    is_known = _shipped(language).is_file() or any(base(tag) == base(language) for tag in own)
    return language if is_known else "en"


@lru_cache(maxsize=64)
def locale(language: str) -> Locale:
    """How dates and numbers are written in a language; as in English where that is not known."""
    from babel import Locale, UnknownLocaleError

    for tag in (language.replace("-", "_"), base(language)):
        try:
            return Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=64)
def long_date(day: date, language: str) -> str:
    """The day in words: `21 novembre 2026`, `November 21, 2026`."""
    from babel.dates import format_date

    text = format_date(day, format="long", locale=locale(language))
    # French writes the first of a month as an ordinal.
    return f"1er{text[1:]}" if base(language) == "fr" and day.day == 1 else text


def joined(names: list[str], language: str) -> str:
    """Names as a list in words: `Ana, Bo, and Chloé`, `Ana, Bo et Chloé`."""
    if len(names) < 2:
        return "".join(names)
    from babel.lists import format_list

    return format_list(names, locale=locale(language))
