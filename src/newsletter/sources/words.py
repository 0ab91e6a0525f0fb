"""An author's own words: what the program says in an issue, one file a language, in `templates/words/`.

templates/words/de.toml      unsubscribe = "Abbestellen"
templates/words/pt-BR.toml   for that region alone; pt.toml is for all
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from newsletter.errors import Problem, ThemeError, did_you_mean
from newsletter.languages import language_tag
from newsletter.sources.themes import shown
from newsletter.toml_places import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from newsletter.toml_places import Found, KeyPath

FOLDER = "words"


def read_words(templates: Path) -> Mapping[str, Mapping[str, str]]:
    """The author's words by language, set as texts in it are.

    Raises ThemeError with all that is wrong: no file of a language, no word of the program, a place that it does not
    fill in.
    """
    folder = templates / FOLDER
    found: dict[str, Mapping[str, str]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        language = language_tag(path.stem)
        if language is None:
            fix = "call it by its language: de.toml, pt-BR.toml"
            problems.append(Problem(f"{path.stem!r} is no language", shown(path), fix=fix))
            continue
        try:
            found[language] = _read(path, language)
        except ThemeError as error:
            problems += error.problems
    if problems:
        raise ThemeError(*problems)
    return found


def _read(path: Path, language: str) -> Mapping[str, str]:
    from newsletter.render.typography import typeset
    from newsletter.render.words import words

    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ThemeError(Problem(f"cannot be read: {error}", shown(path))) from None
    said, places = read_toml(text, shown(path), ThemeError)
    problems = list(_wrong(said, words("en"), places, shown(path)))
    if problems:
        raise ThemeError(*problems)
    return {name: typeset(value, language) for name, value in said.items()}


def _wrong(
    said: Mapping[str, object], known: Mapping[str, str], places: Mapping[KeyPath, Found], path: str
) -> Iterator[Problem]:
    for name, value in said.items():
        place = places[name,].key if (name,) in places else None
        message, fix = "", ""
        if name not in known:
            message, fix = f"the program never says {name!r}", did_you_mean(name, known)
        elif not isinstance(value, str):
            message, fix = f"`{name}` is a text", f'write {name} = "…"'
        elif strange := _places(value) - _places(known[name]):
            fillable = " and ".join(f"{{{each}}}" for each in sorted(_places(known[name])))
            message = f"nothing is filled in for {{{sorted(strange)[0]}}} of `{name}`"
            fix = f"it can hold {fillable}" if fillable else "write it without braces"
        if message:
            yield Problem(message, path, place.line if place else None, place.column if place else None, fix)


def _places(text: str) -> set[str]:
    """The names between braces; what is none is named as it stands."""
    try:
        return {
            f"{name}{conversion or ''}{form or ''}"
            for _, name, form, conversion in Formatter().parse(text)
            if name is not None
        }
    except ValueError:
        return {text}
