"""[fields] and [segments] in newsletter.toml: what is kept about readers, and groups of them by name.

[fields]
birthday = "date"                                   # a type alone
shirt = ["S", "M", "L"]                             # a choice
city = { type = "text", label = { fr = "Ville", en = "City" }, public = true }

[segments]
volunteers = 'tag:volunteer and has city'
young = 'segment:volunteers and birthday after 2000-01-01'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from newsletter.errors import ListError, did_you_mean
from newsletter.field import Field, Kind
from newsletter.languages import language_tag
from newsletter.segment import parse
from newsletter.segment_values import KEYWORDS, NAMES, Vocabulary
from newsletter.subscriber import PUBLIC_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Report = Callable[
        [tuple[str, ...], str, str], None
    ]  # the key's place below the section, what is wrong, the way out

_FIELD_NAME = re.compile(r"\w+")
_SEGMENT_NAME = re.compile(r"[^\W_][\w-]*")
FIELD_KEYS = ("type", "choices", "label", "public")
_KINDS = tuple(kind.value for kind in Kind)
_TAKEN = {*PUBLIC_FIELDS, *NAMES} - {"fields"}
_MOST = 200  # choices
_LONGEST = 80  # characters of a choice or a label


def fields_of(table: Mapping[str, Any], report: Report) -> dict[str, Field]:
    """The fields that a section [fields] means; each mistake is reported, and its field left out."""
    found: dict[str, Field] = {}
    for name, said in table.items():
        mistakes = list(_mistakes_in_name(name)) or list(_mistakes(said))
        for key, message, fix in mistakes:
            report((name, key) if isinstance(said, dict) and key in said else (name,), f"{name}: {message}", fix)
        if not mistakes:
            found[name] = _field(name, said)
    return found


def _mistakes_in_name(name: str) -> Iterator[tuple[str, str, str]]:
    if name.casefold() in _TAKEN:
        yield "", "every entry has this already", "give the field another name"
    elif not _FIELD_NAME.fullmatch(name) or name != name.casefold():
        yield "", "is no name for a field", "write small letters, digits and _, as in postal_code"


def _mistakes(said: Any) -> Iterator[tuple[str, str, str]]:
    table = _table(said)
    if table is None:
        yield "", "must be a type, a list of choices, or a table", 'write "date", or ["S", "M"], or { type = "text" }'
        return
    for key in table.keys() - set(FIELD_KEYS):
        yield key, f"a field has no key {key!r}", did_you_mean(key, FIELD_KEYS)
    kind, choices, label = table.get("type", "text"), table.get("choices"), table.get("label", "")
    if kind not in _KINDS:
        yield "type", f"there is no type {kind!r}", did_you_mean(str(kind), _KINDS)
    elif (kind == "choice") != bool(choices):
        yield "type", "a choice needs choices, and nothing else has any", 'write choices = ["S", "M", "L"]'
    if choices is not None and not _are_words(choices):
        yield "choices", "choices are different short texts", 'write choices = ["S", "M", "L"]'
    if not isinstance(table.get("public", False), bool):
        yield "public", "public must be true or false", "write public = true"
    if not isinstance(label, str | dict) or not all(map(_is_word, label.values() if isinstance(label, dict) else ())):
        yield "label", "a label is a text, or one for each language", 'write label = { fr = "Ville", en = "City" }'
    elif isinstance(label, dict):
        for language in label:
            if language_tag(language) != language:
                yield "label", f"{language!r} is no language", 'write label = { fr = "Ville", en = "City" }'


def _table(said: Any) -> dict[str, Any] | None:
    match said:
        case str():
            return {"type": said}
        case list():
            return {"type": "choice", "choices": said}
        case dict():
            return {"type": "choice", **said} if "choices" in said else said
    return None


def _are_words(choices: Any) -> bool:
    if not isinstance(choices, list) or len(choices) > _MOST or not all(map(_is_word, choices)):
        return False
    return len({each.casefold() for each in choices}) == len(choices)


def _is_word(text: Any) -> bool:
    return isinstance(text, str) and text == " ".join(text.split()) and 0 < len(text) <= _LONGEST and text.isprintable()


def _field(name: str, said: Any) -> Field:
    table = _table(said) or {}
    label = table.get("label", "")
    return Field(
        name=name,
        kind=Kind(table.get("type", "text")),
        choices=tuple(table.get("choices", ())),
        labels=label if isinstance(label, dict) else {"": label} if label else {},
        public=table.get("public", False),
    )


def segments_of(table: Mapping[str, Any], report: Report) -> dict[str, str]:
    """The named segments that a section [segments] means. Each is read; whether its fields exist, the list knows."""
    found = {name: rule for name, rule in table.items() if isinstance(rule, str)}
    for name, rule in table.items():
        if not isinstance(rule, str):
            report((name,), f"{name} must be a rule in quotes", "write it as in 'tag:volunteer'")
        elif not _SEGMENT_NAME.fullmatch(name) or name.casefold() in KEYWORDS:
            report((name,), f"{name!r} is no name for a segment", "write letters, digits, - and _")
        else:
            try:
                parse(rule, Vocabulary(segments=found))
            except ListError as error:
                problem = error.problems[0]
                report((name,), problem.message, problem.fix or "see docs/reference/segments.md")
    return found
