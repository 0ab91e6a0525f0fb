"""The catalogue: every block that an author opens by its name, a row each, and what each of them takes.

A block is a row here, a template `blocks/<name>.mjml.j2` in the theme `letter`, which every other theme inherits and
may override, and a section of docs/reference/blocks.md. Its plain text is `blocks/<name>.txt.j2`; a block without that
file gives its label and its body. A template receives the row's attributes by their names, and besides them

    content     the body, or the label of a block without a body
    title       the label of a block with a body
    label       the label without markup
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any

from newsletter.errors import IssueError, Problem, did_you_mean
from newsletter.render.directives import Directive, read_braces
from newsletter.zones import time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from newsletter.render.block import Block


@dataclass(frozen=True, slots=True)
class Type:
    """What an attribute's value can be, and how it is read. `read` raises ValueError with what would be right."""

    says: str
    read: Callable[[str], Any]
    empty: Any = ""  # what a template receives when the author gave none


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError("write a whole number")
    return int(text)


def _percent(text: str) -> int:
    number = _number(text.removesuffix("%"))
    if number > 100:
        raise ValueError("write a number from 0 to 100")
    return number


_SCHEME = re.compile(r"(?!https?:|mailto:|tel:|sms:)[A-Za-z][A-Za-z0-9+.-]*:")


def _address(text: str) -> str:
    if _SCHEME.match(text):
        raise ValueError("write an address that begins with https: or mailto:, or one within the site, as /about")
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if len(text) == len("2026-12-04") else "")
    except ValueError:
        raise ValueError("write year, month and day, as 2026-12-04") from None


def _hour(text: str) -> time:
    try:
        return time.fromisoformat(text if len(text) == len("18:30") else "")
    except ValueError:
        raise ValueError("write hour and minute, as 18:30") from None


def choice(*names: str) -> Type:
    """One of a few names."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(did_you_mean(text, names))
        return text

    return Type(f"one of {', '.join(f'`{name}`' for name in names)}", read)


TEXT = Type("text", str)  # set in the issue's language
ADDRESS = Type("an address", _address)
NUMBER = Type("a number", _number, 0)
PERCENT = Type("a number from 0 to 100", _percent, 0)
DAY = Type("a day, as `2026-12-04`", _day, None)
HOUR = Type("an hour, as `18:30`", _hour, None)
ZONE = Type("a time zone, as `Europe/Paris`", time_zone)
SWITCH = Type("a switch: its name alone", str, empty=False)
LANGUAGE = Type("a language tag, such as `fr`", str)


@dataclass(frozen=True, slots=True)
class Attribute:
    """What may stand between the braces, as `name=value`."""

    name: str
    type: Type = TEXT
    default: str = ""  # as an author would write it
    required: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the catalogue."""

    name: str
    attributes: tuple[Attribute, ...] = ()
    body: bool = False  # whether Markdown stands in it: `:::name` … `:::`
    optional: bool = False  # whether it can do without the body: `::name`
    label: bool = False  # whether it takes a [label]
    needs_label: bool = False
    parts: str = ""  # what its body is read as (see shapes), when that is no block of its own
    inside: str = ""  # the only block that it can stand in, as one of its parts
    form: str = ""  # the only form of an issue that shows what stands in it: `email` or `web`
    inline: bool = False  # whether it can stand in the middle of a sentence

    def known(self, name: str) -> Attribute | None:
        """The attribute of that name."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


LOOKS = ("solid", "outline", "soft", "wide", "link")
CALLOUTS = ("note", "tip", "important", "warning", "caution")

CATALOGUE: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("audio", (Attribute("href", ADDRESS, required=True), Attribute("length")), label=True, needs_label=True),
        Entry("beside", (Attribute("side", choice("start", "end"), default="start"),), body=True),
        Entry(
            "button",
            (Attribute("href", ADDRESS, required=True), Attribute("look", choice(*LOOKS), default="solid")),
            label=True,
            needs_label=True,
        ),
        Entry("buttons", body=True, parts="button"),
        Entry("callout", (Attribute("kind", choice(*CALLOUTS), default="note"),), body=True, label=True),
        Entry("cards", body=True, parts="card"),
        Entry("chart", body=True, label=True, parts="bar"),
        Entry("column", body=True, inside="columns"),
        Entry("columns", body=True),
        Entry("divider", (Attribute("look", choice("line", "dots", "stars"), default="line"),)),
        Entry("email-only", body=True, form="email"),
        Entry(
            "event",
            (
                Attribute("date", DAY, required=True),
                Attribute("time", HOUR),
                Attribute("until", DAY),
                Attribute("end", HOUR),
                Attribute("zone", ZONE),
                Attribute("place"),
                Attribute("href", ADDRESS),
                Attribute("ics", ADDRESS),
            ),
            body=True,
            optional=True,
            label=True,
            needs_label=True,
        ),
        Entry("fact", body=True, label=True, needs_label=True, inside="facts"),
        Entry("facts", body=True, label=True),
        Entry("gallery", (Attribute("columns", choice("2", "3"), default="2"),), body=True, parts="image"),
        Entry("hero", body=True),
        Entry("lead", body=True),
        Entry("mark", label=True, needs_label=True, inline=True),
        Entry("person", (Attribute("role"),), body=True, optional=True, label=True, needs_label=True),
        Entry("postscript", body=True),
        Entry("progress", (Attribute("value", PERCENT, required=True),), label=True, needs_label=True),
        Entry("pullquote", body=True),
        Entry("question", (Attribute("by"), Attribute("to")), body=True, label=True, needs_label=True),
        Entry("share", label=True),
        Entry("social", body=True, parts="profile"),
        Entry("spacer", (Attribute("height", NUMBER, default="24"),)),
        Entry("subscribe", (Attribute("href", ADDRESS),), label=True),
        Entry("video", (Attribute("href", ADDRESS, required=True), Attribute("poster", ADDRESS)), label=True),
        Entry("web-only", body=True, form="web"),
    )
}

# Blocks that are made of parts, and of nothing else: `columns` of `column`.
PARTS = frozenset(entry.inside or entry.name for entry in CATALOGUE.values() if entry.inside or entry.parts)

# Blocks with a label whose body may be missing.
OPTIONAL = frozenset({entry.name for entry in CATALOGUE.values() if entry.optional} | {"card", "profile"})

# Blocks whose last line may say whose words they are, behind a dash.
ATTRIBUTED = frozenset({"quote", "pullquote"})

# Attributes that hold an address, of all blocks; an image and a button of plain Markdown have theirs by these names.
ADDRESSES = frozenset(
    {"href", "src"} | {each.name for entry in CATALOGUE.values() for each in entry.attributes if each.type is ADDRESS}
)

# Other names for a block with some of its attributes: `:::tip` is `:::callout{kind=tip}`.
SHORTHANDS: Mapping[str, tuple[str, Mapping[str, str]]] = {kind: ("callout", {"kind": kind}) for kind in CALLOUTS}

# The words of `> [!NOTE]`, as GitHub and Obsidian know them, and their French ones.
ALERTS: Mapping[str, str] = {
    "NOTE": "note",
    "INFO": "note",
    "TIP": "tip",
    "ASTUCE": "tip",
    "CONSEIL": "tip",
    "IMPORTANT": "important",
    "WARNING": "warning",
    "ATTENTION": "warning",
    "CAUTION": "caution",
    "DANGER": "caution",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads directives by the catalogue; `path` is the issue's file, `mark` what a slot looks like in a value."""

    path: str
    is_slot: Callable[[str], bool]
    typeset: Callable[[str], str]
    catalogue: Mapping[str, Entry]

    def read(self, directive: Directive, line: int, parent: str = "") -> tuple[Entry, dict[str, Any]]:
        """The row of a directive, and the values that its template receives. Raises IssueError."""
        name, given = SHORTHANDS.get(directive.name, (directive.name, {}))
        entry = self.catalogue.get(name)
        if entry is None:
            fix = did_you_mean(directive.name, (*self.catalogue, *SHORTHANDS))
            raise self._error(f"there is no block `{directive.shown}`", line, fix)
        self._check_form(entry, directive, line, parent)
        try:
            keys, classes, anchor = read_braces(directive.braces)
        except ValueError as error:
            message = f"`{error}` in the braces of `{directive.shown}` cannot be read"
            raise self._error(message, line, 'write key=value or key="two words"') from None
        if unknown := next((key for key in keys if entry.known(key) is None), None):
            names = [attribute.name for attribute in entry.attributes]
            fix = did_you_mean(unknown, names) if names else "it takes none"
            raise self._error(f"`{directive.shown}` has no attribute `{unknown}`", line, fix)
        written = {**given, **keys}
        values = {attribute.name: self._value(attribute, written, directive, line) for attribute in entry.attributes}
        return entry, {**values, "classes": classes, "anchor": anchor}

    def check_body(self, entry: Entry, children: Sequence[Block], line: int) -> None:
        """Refuse an empty body, and what is no part in a block that is made of parts only. Raises IssueError."""
        if entry.body and not children and not entry.optional:
            raise self._error(f"`:::{entry.name}` holds nothing", line, "write what it is to hold, or take it away")
        parts = [part.name for part in self.catalogue.values() if part.inside == entry.name]
        for child in children if parts else ():
            if child.name not in {*parts, "control"}:
                fix = f"put it into one: :::{parts[0]} … :::"
                raise self._error(f"in `{entry.name}` stands something that is no `{parts[0]}`", child.line, fix)

    def _value(self, attribute: Attribute, keys: Mapping[str, str | None], directive: Directive, line: int) -> Any:
        type_, name, shown = attribute.type, attribute.name, directive.shown
        if name not in keys:
            if attribute.required:
                raise self._error(f"`{shown}` needs `{name}`", line, f"write {{{name}=…}}: {type_.says}")
            return type_.read(attribute.default) if attribute.default else type_.empty
        text = keys[name]
        if type_ is SWITCH:
            if text not in {None, "yes", "no", "true", "false"}:
                raise self._error(f"`{name}` of `{shown}` takes no value", line, f"write {{{name}}}, or leave it out")
            return text not in {"no", "false"}
        if text is None:
            raise self._error(f"`{name}` of `{shown}` has no value", line, f"write {{{name}=…}}: {type_.says}")
        if type_ not in (TEXT, ADDRESS) and self.is_slot(text):
            message = f"`{name}` of `{shown}` is the same for everybody and takes no slot"
            raise self._error(message, line, f"write {type_.says}")
        try:
            return self.typeset(text) if type_ is TEXT else type_.read(text)
        except ValueError as error:
            raise self._error(f"{name}={text} of `{shown}` cannot be used", line, str(error)) from None

    def _check_form(self, entry: Entry, directive: Directive, line: int, parent: str) -> None:
        shown, name = directive.shown, directive.name
        if entry.body and not directive.has_body and not entry.optional:
            fix = f"write :::{name}, then the text, and ::: on a line below it"
            raise self._error(f"`{shown}` encloses text", line, fix)
        if directive.has_body and not entry.body:
            raise self._error(f"`{shown}` encloses no text", line, f"write ::{name} alone, and no ::: below it")
        if directive.has_label and not entry.label:
            raise self._error(f"`{shown}` takes no [label]", line, "take it away, or write it below as text")
        if entry.needs_label and not directive.has_label:
            raise self._error(f"`{shown}` needs a label", line, f"write {shown}[the label]")
        if entry.inside and parent != entry.inside:
            fix = f"put it between ::::{entry.inside} and ::::"
            raise self._error(f"`{shown}` can only stand in `{entry.inside}`", line, fix)

    def _error(self, message: str, line: int, fix: str) -> IssueError:
        return IssueError(Problem(message, self.path, line, fix=fix))
