"""Fields in forms: which input asks for which type, and what the answers mean.

text      a line                         boolean   a box; an empty field of the same name goes before it, because
number    a line, with a keyboard of               browsers say nothing of a box that is not ticked
          digits on telephones           choice    a list
date      a day, picked or typed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.field import Field, Kind, WrongValue
from newsletter.web.look import phrases

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from newsletter.config import Config

LONGEST = 200  # characters
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# What browsers fill in by themselves (HTML, section 4.10.18.7).
_KNOWN = {"first_name": "given-name", "last_name": "family-name", "name": "name", "city": "address-level2"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One field, as a form asks for it."""

    name: str
    label: str
    kind: str  # newsletter.field.Kind
    choices: tuple[str, ...]
    text: str  # what is known, or was typed
    known: str  # what browsers know it by
    wrong: bool  # what was typed does not fit


def plain(text: str) -> str:
    """What somebody typed, as one line that can be stored anywhere."""
    return _CONTROLS.sub(" ", text)[:LONGEST].strip()


def public(config: Config) -> tuple[str, ...]:
    """What readers see of their entry: what the form asks for, and the fields that are public."""
    return tuple(dict.fromkeys((*config.web.fields, *(each.name for each in config.fields.values() if each.public))))


def asked(
    config: Config, names: Iterable[str], language: str, texts: Mapping[str, str], wrong: Collection[str] = ()
) -> list[Asked]:
    """The fields of a form. `texts` are what is known of each, or was typed."""
    found = []
    for name in names:
        field = config.fields.get(name) or Field(name)
        known = _KNOWN.get(name, "off")
        title = field.label(language) if field.labels else label(name, language)
        found.append(Asked(name, title, field.kind.value, field.choices, texts.get(name, ""), known, name in wrong))
    return found


def answers(
    config: Config, names: Iterable[str], form: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], dict[str, str]]:
    """What was answered, as fields of their types keep it; and what does not fit, as it was typed.

    A field that is not in the form is in neither.
    """
    fitting: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name in names:
        if not form.get(name):
            continue
        field = config.fields.get(name) or Field(name)
        text = plain(form[name][-1 if field.kind is Kind.BOOLEAN else 0])
        try:
            fitting[name] = field.read(text) if name in config.fields else text
        except WrongValue:
            wrong[name] = text
    return fitting, wrong


def label(name: str, language: str) -> str:
    """How the pages call a field: in their own words, or by its name."""
    text = phrases(language).get(f"field_{name}", "") or name.replace("_", " ")
    return text[:1].upper() + text[1:]
