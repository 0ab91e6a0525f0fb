"""Style sheets: which of their rules are in force in a window, and what they say of an element, weighed.

The part of CSS that mails use (Selectors 3, Cascading 4, Media Queries 4): type, class, id and attribute selectors,
descendants and children, `!important`, width and `prefers-color-scheme`. A rule with another selector meets nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH = 600  # CSS pixels of the window


class Node(Protocol):
    """What a selector asks of an element."""

    @property
    def tag(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def classes(self) -> frozenset[str]: ...
    @property
    def parent(self) -> Node | None: ...


class Compound(NamedTuple):
    """`td.prose[align]`: what one element must be. `classes` and `attributes` are sets of what it must have."""

    tag: str
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    attributes: tuple[tuple[str, str | None], ...]
    is_child: bool  # of the element that the compound before it meets


class Rule(NamedTuple):
    """A selector's compounds, the last one first, with what it says, and its weight."""

    compounds: tuple[Compound, ...]
    declarations: tuple[tuple[str, str, bool], ...]  # property, value, whether it is important
    specificity: tuple[int, int, int]


_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_PART = re.compile(
    r"([.#])([\w-]+)|\[\s*([\w-]+)\s*(?:([~^$*|]?)=\s*[\"']?([^\"'\]]*)[\"']?\s*)?\]|(::?[\w-]+(?:\([^)]*\))?)"
)
_BRACE = re.compile(r"[{}]")
_MOST = 20_000  # letters of one block that are read
_OURS = frozenset(
    {"color", "background", "background-color", "background-image", "font-size", "font-weight", "display", "visibility",
     "opacity"}
)  # fmt: skip


def rules(sheet: str, *, dark: bool) -> Iterator[Rule]:
    """The rules of a sheet that are in force."""
    sheet = _COMMENT.sub("", sheet)
    position = 0
    while (opening := sheet.find("{", position)) >= 0:
        prelude = sheet[position:opening].rpartition(";")[2].strip()
        closing = _closing(sheet, opening)
        body, position = sheet[opening + 1 : closing], closing + 1
        if prelude.startswith("@media"):
            if in_force(prelude[6:], dark=dark):
                yield from rules(body, dark=dark)
        elif not prelude.startswith("@") and (said := declarations(body)):
            for selector in prelude.split(","):
                if compounds := _compounds(selector.strip()):
                    yield Rule(compounds, said, _specificity(compounds))


def _closing(sheet: str, opening: int) -> int:
    """Where the block ends that begins here."""
    depth = 0
    for found in _BRACE.finditer(sheet, opening):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.start()
    return len(sheet)


def in_force(query: str, *, dark: bool) -> bool:
    """Whether a media query holds in our window."""
    return any(_holds(each.strip().lower(), dark=dark) for each in query.split(","))


def _holds(query: str, *, dark: bool) -> bool:
    if re.match(r"(?:only\s+)?(?:print|speech|tty)\b", query) or query.startswith("not "):
        return False
    for name, value in re.findall(r"\(\s*([\w-]+)\s*(?::\s*([^)]*))?\)", query):
        pixels = float(number[0]) if (number := re.match(r"[\d.]+", value.strip())) else 0.0
        known = {
            "prefers-color-scheme": value.strip() == ("dark" if dark else "light"),
            "min-width": pixels <= _WIDTH,
            "max-width": pixels >= _WIDTH,
        }
        if not known.get(name.removeprefix("min-device-").removeprefix("max-device-"), False):
            return False
    return True


@lru_cache(maxsize=1024)
def declarations(body: str) -> tuple[tuple[str, str, bool], ...]:
    """What a block or an element's own style says of colours and sizes. A mail says the same a hundred times."""
    return tuple(_declared(body))


def _declared(body: str) -> Iterator[tuple[str, str, bool]]:
    for part in re.split(r";(?![^(]*\))", body[:_MOST]):
        name, found, value = part.partition(":")
        name = name.strip().lower()
        if found and name in _OURS:
            bare = value.replace("!important", "").replace("! important", "").strip()
            yield name, bare, bare != value.strip()


def _compounds(selector: str) -> tuple[Compound, ...]:
    """The compounds, the last one first; none for a selector that we cannot judge, or that no still picture meets."""
    found: list[Compound] = []
    for combinator, text in re.findall(r"(\s*>\s*|\s+|^)((?:[\w*.#:-]|\[[^\]]*\]|\([^)]*\))+)", selector):
        name = re.match(r"[\w-]+|\*", text)
        tag = name[0].lower() if name else "*"
        parts = text[name.end() :] if name else text
        ids: list[str] = []
        classes: list[str] = []
        attributes: list[tuple[str, str | None]] = []
        for sign, value, attribute, how, wanted, pseudo in _PART.findall(parts):
            if pseudo == ":root":
                tag = "html"
            elif pseudo or how:
                return ()
            elif attribute:
                attributes.append((attribute.lower(), wanted if "=" in parts else None))
            else:
                (ids if sign == "#" else classes).append(value)
        found.append(Compound(tag, tuple(ids), tuple(classes), tuple(attributes), ">" in combinator))
    return () if re.search(r"[+~]", re.sub(r"\[[^\]]*\]", "", selector)) else tuple(reversed(found))


def _specificity(compounds: tuple[Compound, ...]) -> tuple[int, int, int]:
    return (
        sum(len(each.ids) for each in compounds),
        sum(len(each.classes) + len(each.attributes) for each in compounds),
        sum(each.tag != "*" for each in compounds),
    )


@dataclass(slots=True)
class Sheets:
    """Rules by the class or the tag that their last compound asks for."""

    by_key: dict[str, list[tuple[int, Rule]]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def add(self, sheet: str, *, dark: bool) -> None:
        """Take a sheet's rules in, behind those that are there."""
        for rule in _read(sheet, dark):
            self._add(rule)

    def _add(self, rule: Rule) -> None:
        last = rule.compounds[0]
        self.by_key[f".{last.classes[0]}" if last.classes else last.tag].append((self.count, rule))
        self.count += 1

    def said(self, element: Node) -> dict[str, str]:
        """What the sheets and the element's own style say of it, by property; the strongest word counts."""
        found: list[tuple[tuple[bool, bool, tuple[int, int, int], int], str, str]] = []
        for key in (element.tag, "*", *(f".{name}" for name in element.classes)):
            for order, rule in self.by_key.get(key, ()):
                if _meets(element, rule.compounds):
                    found += (((important, False, rule.specificity, order), name, value)
                              for name, value, important in rule.declarations)  # fmt: skip
        own = enumerate(declarations(element.attributes.get("style", "")))
        found += (((important, True, (0, 0, 0), at), name, value) for at, (name, value, important) in own)
        return {name: value for _, name, value in sorted(found)}


@lru_cache(maxsize=64)
def _read(sheet: str, dark: bool) -> tuple[Rule, ...]:
    return tuple(rules(sheet, dark=dark))


def _meets(element: Node, compounds: tuple[Compound, ...]) -> bool:
    first, rest = compounds[0], compounds[1:]
    if not _is(element, first):
        return False
    if not rest:
        return True
    above = element.parent
    while above is not None:
        if _meets(above, rest):
            return True
        above = None if first.is_child else above.parent
    return False


def _is(element: Node, wanted: Compound) -> bool:
    return (
        wanted.tag in {"*", element.tag}
        and element.classes.issuperset(wanted.classes)
        and all(element.attributes.get("id") == each for each in wanted.ids)
        and all(
            name in element.attributes and (value is None or element.attributes[name] == value)
            for name, value in wanted.attributes
        )
    )
