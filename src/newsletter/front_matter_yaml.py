"""Front matter in YAML 1.2: from text to entries, and the reader's complaints in the words of an author.

YAML is read as a graph of nodes and no further: a node keeps its place and the very characters, so that the title
`1.10` is not a number that lost its zero, `no` is a word, and each of two equal keys can be named.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from newsletter.errors import IssueError
from newsletter.front_matter import DEEPEST, Block, Entry, given_twice
from newsletter.toml_places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.errors import Problem
    from newsletter.front_matter import Entries, Plain, Written

_MOST_NODES = 10_000  # an alias may stand for a thousand others


def yaml_entries(block: Block) -> Entries:
    """The entries of a block of YAML, and the problems that did not hinder the reading.

    Raises IssueError, with one problem, for a block that is not YAML, and RecursionError for one that nests too deeply
    or unfolds without end.
    """
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False
    nodes = _Nodes(block)
    try:
        _refuse_deep_brackets(block.text)
        root = reader.compose(block.text)
        return nodes.entries(root), nodes.problems
    except (IssueError, RecursionError):
        raise
    # The reader leaks whatever it stumbles on, such as the ValueError of chr() for an escape beyond Unicode.
    except Exception as error:
        raise IssueError(_problem(error, block)) from None


def _refuse_deep_brackets(text: str) -> None:
    """The reader's time grows with the square of the open brackets, long before it gives up."""
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        if depth > DEEPEST:
            raise RecursionError


class _Nodes:
    """YAML nodes become entries; what is wrong with one of them is kept in `problems`."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.problems: list[Problem] = []
        self.count = 0

    def entries(self, root: Any) -> tuple[Entry, ...]:
        if root is None:
            return ()
        if root.id != "mapping":
            raise IssueError(_not_a_mapping(self.block, self.block.place(root.start_mark.index)))
        return tuple(self._entry(key, key_node, value) for key, key_node, value in self._pairs(root))

    def _entry(self, key: str, key_node: Any, node: Any) -> Entry:
        before = len(self.problems)
        written, plain = self._value(node)
        key_place = self.block.place(key_node.start_mark.index)
        comment = None
        if node.id == "scalar" and node.style is None:
            end = node.end_mark.index if written is not None else key_node.end_mark.index
            comment = re.compile(r"[ \t]*:?[ \t]+(#[^\s#].*)").match(self.block.text, end)
        return Entry(
            key, written, plain, key_place,
            key_place if written is None else self.block.place(node.start_mark.index),
            comment[1].rstrip() if comment else "",
            sound=len(self.problems) == before,
        )  # fmt: skip

    def _pairs(self, mapping: Any) -> Iterator[tuple[str, Any, Any]]:
        lines: dict[str, int] = {}
        for key_node, value in mapping.value:
            place = self.block.place(key_node.start_mark.index)
            if key_node.id != "scalar":
                pair = _PAIR.match(self.block.line(place.line))
                fix = _quoted(pair) if pair and pair.start(2) < place.column else _ONE_PAIR_A_LINE
                self._say("a key must be a word, not a list or a group of keys", place, fix)
            elif key_node.tag == "tag:yaml.org,2002:merge":
                self._say("<< (keys taken over from elsewhere) is not read here", place, "write the keys themselves")
            elif key_node.value in lines:
                self._say(*given_twice(key_node.value, lines[key_node.value], place))
            else:
                lines[key_node.value] = place.line
                yield key_node.value, key_node, value

    def _value(self, node: Any) -> tuple[Written, Plain]:
        self.count += 1
        if self.count > _MOST_NODES:
            raise RecursionError
        if node.id == "mapping":
            both = {key: self._value(value) for key, _, value in self._pairs(node)}
            return {key: pair[0] for key, pair in both.items()}, {key: pair[1] for key, pair in both.items()}
        if node.id == "sequence":
            items = [self._value(item) for item in node.value]
            return [item[0] for item in items], [item[1] for item in items]
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None, None
        return node.value, _scalar(kind, node.value)

    def _say(self, message: str, place: Place, fix: str) -> None:
        self.problems.append(self.block.problem(message, place, fix))


def _scalar(kind: str, text: str) -> Plain:
    """What a YAML scalar means; the text itself where Python has no such number or date."""
    try:
        match kind:
            case "bool":
                return text.casefold() == "true"
            case "int":
                return int(text, 0)
            case "float":
                return float(text)
            case "timestamp" if len(text) == 10:
                return date.fromisoformat(text)
            case "timestamp":
                return datetime.fromisoformat(text)
    except ValueError:
        pass
    return text


# ── What is wrong, and what would be right ───────────────────────────────────────────────────────────────────────────

_PAIR = re.compile(r"\s*(?:- +)?([\w .-]+?)\s*:\s+(\S.*)")
_NO_SPACE = re.compile(r"^([\w-]+)[ \u00a0\u202f]*:(?!//)[^ \t\n:]", re.MULTILINE)
_ONE_PAIR_A_LINE = "write one `key: value` on each line"
_QUOTE = "put the value in quotes"


class Said(NamedTuple):
    """One kind of complaint: how it is recognised, how it is put, and what to do. `begins` is where the culprit is."""

    pattern: str
    message: str
    fix: str
    begins: bool = False  # the place where the reader began, not the one where it gave up


_COMPLAINTS = (
    Said(r"found character '\\t'", "a tab, which YAML does not allow here", "use spaces"),
    Said(r"mapping values are not allowed", "a colon and a space inside of a value start a new key", _QUOTE),
    Said(r"cannot start any token", "a value cannot begin with this character", _QUOTE),
    Said(r"undefined alias", "a value that begins with * means something else in YAML", _QUOTE),
    Said(r"end of stream.*quoted scalar", "the quote that opens here is never closed", "close it", begins=True),
    Said(
        r"unknown escape character",
        "a backslash between double quotes begins an escape",
        "use single quotes around the value, or write the backslash twice",
    ),
    Said(r"expected ',' or '[\]}]'|flow", "the bracket that opens here is not closed as a list", _QUOTE, begins=True),
    Said(r"block scalar", "> and | stand alone: the text follows on the next lines", _QUOTE),
    Said(r"sequence entries are not allowed", "a list begins on the line after its key", _QUOTE),
    Said(r"expected <block end>", "the value ends here, but the line goes on", _QUOTE),
    Said(
        r"could not find expected ':'",
        "this line is not `key: value`",
        "complete it; or, if the text of the issue begins here, close the front matter above it with ---",
        begins=True,
    ),
)


def _problem(error: Exception, block: Block) -> Problem:
    """The problem that a YAML error is, at its place in the author's file."""
    if glued := _NO_SPACE.search(block.text):
        return _no_space(glued, block)
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        place = Place(block.first_line, 1)
        return block.problem(
            f"this is not YAML: {(str(error) or repr(error)).splitlines()[0]}", place, _ONE_PAIR_A_LINE
        )
    problem, context = getattr(error, "problem", None) or "", getattr(error, "context", None) or ""
    for said in _COMPLAINTS:
        if re.search(said.pattern, f"{problem} {context}"):
            mark = (said.begins and getattr(error, "context_mark", None)) or mark
            place = block.place(mark.index)
            break
    else:
        return block.problem(f"this is not YAML: {problem}", block.place(mark.index), _ONE_PAIR_A_LINE)
    line = block.line(place.line)
    pair = _PAIR.match(line)
    if said.fix == _QUOTE and (pair is None or place.column <= pair.start(2)):
        message = "this line does not fit to the one above it"
        return block.problem(message, place, "begin every key at the start of its line; quote a value that is long")
    fix = _quoted(pair) if said.fix == _QUOTE and pair else said.fix
    if fix.endswith(line.strip()):
        return block.problem("this quote closes one that was opened above", place, "close every quote on its own line")
    return block.problem(said.message, place, fix)


def _not_a_mapping(block: Block, place: Place) -> Problem:
    """The problem that front matter is which reads as YAML, but is a list or a text."""
    if glued := _NO_SPACE.search(block.text):
        return _no_space(glued, block)
    fix = f"{_ONE_PAIR_A_LINE}; if the lines of --- are meant as rules, write *** instead"
    return block.problem("the front matter holds no keys", place, fix)


def _no_space(glued: re.Match[str], block: Block) -> Problem:
    """A key and its value without a plain space between them."""
    place = block.place(glued.end() - 1)
    if glued[0][-1] in "\u00a0\u202f":
        message = "the space behind the colon is a no-break space, and YAML needs a plain one"
        return block.problem(message, place, "delete it and type it again")
    return block.problem("YAML needs a space behind the colon", place, f"write `{glued[1]}: …`")


def _quoted(pair: re.Match[str]) -> str:
    key, value = pair[1], pair[2].strip()
    if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1:
        value = value[1:-1]
    if '"' in value and "'" not in value:
        return f"{_QUOTE}: {key}: '{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{_QUOTE}: {key}: "{escaped}"'
