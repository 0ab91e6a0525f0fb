"""Directives: the three ways to open a block by its name (the generic directives proposed for CommonMark).

    :::name[label]{key=value .class}        a container: Markdown stands in it, up to the line with as many colons
    …
    :::

    ::name[label]{key=value}                a leaf: one line

    text :name[label]{key=value} text       inline

Here is only how they are written; `catalogue` knows the names, and what each of them takes. Containers stand in
containers: the outer one has more colons. In code a directive is text, and so is one behind a backslash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from newsletter.errors import IssueError, Problem
from newsletter.render import bounds

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    from newsletter.render.holes import Cut, Holes

_NAME = r"(?P<name>[A-Za-z][A-Za-z0-9_-]*)"
_LABEL = r"(?:\[(?P<label>(?:\\.|[^\[\]\\]|\[[^\[\]]*\])*)\])?"
_BRACES = r"""(?:\{(?P<attributes>(?:"[^"]*"|'[^']*'|[^{}"'])*)\})?"""
_CONTAINER = re.compile(rf"(?P<colons>:{{3,}})[ \t]*{_NAME}[ \t]*{_LABEL}[ \t]*{_BRACES}[ \t]*(?P<rest>.*)")
_LEAF = re.compile(rf"::{_NAME}{_LABEL}{_BRACES}[ \t]*(?P<rest>.*)")
_CLOSING = re.compile(r"(:{3,})[ \t]*")
_INLINE = re.compile(r":([A-Za-z][A-Za-z0-9_-]*)\[")
_INLINE_BRACES = re.compile(_BRACES)
_FENCE = re.compile(r"(`{3,}|~{3,})")
_ATTRIBUTE = re.compile(
    r"""\s*(?:\.(?P<class>[A-Za-z_][\w-]*)|\#(?P<id>[A-Za-z][\w-]*)|(?P<key>[A-Za-z][\w-]*)"""
    r"""(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"']+)))?)(?=\s|$)"""
)
_DEEPEST = 20  # containers in containers
_ENDS = ["paragraph", "reference", "blockquote", "list", "table"]


@dataclass(frozen=True, slots=True)
class Directive:
    """What an author wrote behind the colons."""

    name: str
    braces: str = ""  # what stands between them
    has_body: bool = False
    has_label: bool = False

    @property
    def shown(self) -> str:
        """The directive as it is called in messages."""
        return f"{':::' if self.has_body else '::'}{self.name}"


def read_braces(text: str) -> tuple[dict[str, str | None], tuple[str, ...], str]:
    """The keys (None: without a value), classes and anchor between braces. Raises ValueError with what is no such."""
    keys: dict[str, str | None] = {}
    classes: list[str] = []
    anchor, at = "", 0
    while rest := text[at:].strip():
        found = _ATTRIBUTE.match(text, at)
        if found is None:
            raise ValueError(rest.split()[0])
        at = found.end()
        if found["class"]:
            classes.append(found["class"])
        elif found["id"]:
            anchor = found["id"]
        else:
            values = (found["double"], found["single"], found["bare"])
            keys[found["key"]] = next((value for value in values if value is not None), None)
    return keys, tuple(classes), anchor


def install(md: MarkdownIt) -> None:
    """Teach a Markdown parser the three forms."""
    md.block.ruler.before("fence", "container", _container, {"alt": [*_ENDS]})
    md.block.ruler.before("fence", "leaf", _leaf, {"alt": [*_ENDS]})
    md.inline.ruler.before("link", "directive", _inline)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def shortened(text: str) -> str:
    """The text for a message, with what is long in it cut short."""
    return re.sub(r"\S{60,}", lambda found: f"{found[0][:40]}…", text)


def _refuse(state: StateBlock, line: int, message: str, fix: str) -> NoReturn:
    holes: Holes = state.env["holes"]
    cut: Cut = state.env["cut"]
    raise IssueError(Problem(shortened(holes.restore(message)), holes.path, cut.line(line), fix=shortened(fix)))


def _read(state: StateBlock, line: int, found: re.Match[str], *, has_body: bool) -> Directive:
    if rest := found["rest"].strip():
        colons = found[0][: len(found[0]) - len(found[0].lstrip(":"))]
        fix = f"write {colons}{found['name']}[{rest}] if this is its label"
        if rest.startswith(("{", "[")):
            fix = 'write {key=value} or {key="several words"}, and close every quote and bracket on this line'
        _refuse(state, line, f"`{rest}` behind `{colons}{found['name']}` cannot be read", fix)
    return Directive(found["name"], found["attributes"] or "", has_body, has_label=found["label"] is not None)


def _container(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if not state.src.startswith(":::", state.bMarks[start] + state.tShift[start]) or state.is_code_block(start):
        return False
    text = _line(state, start)
    if _CLOSING.fullmatch(text):
        if silent:
            return True
        _refuse(state, start, f"`{text.strip()}` closes nothing", "take it away, or open a block above: :::name")
    found = _CONTAINER.fullmatch(text)
    if found is None:
        return False
    if silent:
        return True
    directive = _read(state, start, found, has_body=True)
    last = _closing_line(state, start, end)
    token = _push(state, start, directive, found["label"])
    token.map = [start, last]
    old_parent, old_end = state.parentType, state.lineMax
    state.parentType, state.lineMax = "container", last
    state.md.block.tokenize(state, start + 1, last)
    state.parentType, state.lineMax = old_parent, old_end
    state.push("directive_close", "", -1)
    state.line = last + 1
    return True


def _closing_line(state: StateBlock, start: int, end: int) -> int:
    """The line that closes the container that `start` opens. Raises IssueError when there is none."""
    opened: list[tuple[int, int, int]] = []  # line, colons, indentation
    fence = ""
    for line in range(start, end):
        text, indent = _line(state, line), state.sCount[line]
        if text and indent < state.blkIndent:
            break
        if indent - state.blkIndent >= 4:
            continue
        if mark := _FENCE.match(text):
            if not fence:
                fence = mark[0]
            elif text.strip() == text[0] * len(text.strip()) and text.startswith(fence):
                fence = ""
        elif fence or not text.startswith(":::"):
            continue
        elif closing := _CLOSING.fullmatch(text):
            at = _closed(opened, len(closing[1]), indent)
            if at is not None and at != len(opened) - 1:
                break
            if at is not None:
                opened.pop()
            if not opened:
                return line
        elif found := _CONTAINER.fullmatch(text):
            opened.append((line, len(found["colons"]), indent))
            if len(opened) > _DEEPEST:
                _refuse(state, line, f"blocks are nested more than {_DEEPEST} deep", "move some of them out")
    line, colons, _ = opened[-1]
    fix = f"close it with a line of {colons} colons: {':' * colons}"
    _refuse(state, line, f"`{_line(state, line).strip()}` is not closed", fix)


def _closed(opened: list[tuple[int, int, int]], colons: int, indent: int) -> int | None:
    """Which of the opened containers a line of colons closes: one with as many, or else the innermost with fewer."""
    for at in range(len(opened) - 1, -1, -1):
        if opened[at][1] == colons and opened[at][2] == indent:
            return at
    return len(opened) - 1 if opened[-1][1] < colons and opened[-1][2] == indent else None


def _leaf(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    position = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith("::", position) or state.is_code_block(start):
        return False
    found = _LEAF.fullmatch(_line(state, start))
    # `::marker is a word of CSS` is prose; `::button[Go]{` is a mistake.
    if found is None or (found["rest"] and not found["rest"].startswith(("[", "{"))):
        return False
    if silent:
        return True
    token = _push(state, start, _read(state, start, found, has_body=False), found["label"])
    token.map = [start, start + 1]
    state.push("directive_close", "", -1)
    state.line = start + 1
    return True


def _push(state: StateBlock, line: int, directive: Directive, label: str | None) -> Token:
    """The token that opens a block's directive, and behind it its label, which is parsed as running text."""
    opening = state.push("directive_open", "", 1)
    opening.meta = {"directive": directive}
    if label is not None:
        token = state.push("inline", "", 0)
        token.content, token.map, token.children = label.strip(), [line, line + 1], []
    return opening


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != ":":
        return False
    before = state.src[state.pos - 1] if state.pos else " "
    if before.isalnum() or before == ":":
        return False
    found = _INLINE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    # Looking for the end of each of many labels that have none would take long.
    posmax = state.posMax
    state.posMax = min(posmax, found.end() + bounds.LONGEST_LABEL + 1)
    has_end = state.src.find("]", found.end(), state.posMax) >= 0
    label_end = state.md.helpers.parseLinkLabel(state, found.end() - 1) if has_end else -1
    state.posMax = posmax
    if label_end < 0:
        return False
    braces = _INLINE_BRACES.match(state.src, label_end + 1, state.posMax)
    end = braces.end() if braces else label_end + 1
    if not silent:
        directive = Directive(found[1], (braces["attributes"] if braces else "") or "", has_label=True)
        state.push("directive_open", "", 1).meta = {"directive": directive}
        state.pos, state.posMax = found.end(), label_end
        state.linkLevel += 1
        state.md.inline.tokenize(state)
        state.linkLevel -= 1
        state.posMax = posmax
        state.push("directive_close", "", -1)
    state.pos = end
    return True
