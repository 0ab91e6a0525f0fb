"""Footnotes: `[^name]` in the text and `[^name]: …` anywhere below, or `^[…]` at once; numbered in order of reading.

A note that nobody refers to, two of one name, and a reference to none are mistakes that would lose text: they are told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem, did_you_mean
from newsletter.render import bounds

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

    from newsletter.render.holes import Cut, Holes

_REFERENCE = re.compile(r"\[\^([^\]\s]{1,100})\](?![(:\[])")


def install(md: MarkdownIt) -> None:
    """Teach a Markdown parser footnotes."""
    from mdit_py_plugins.footnote.index import footnote_inline, footnote_plugin

    def bounded(state: StateInline, silent: bool) -> bool:
        # Looking for the end of each of many notes that have none would take long.
        end = state.posMax
        state.posMax = min(end, state.pos + bounds.LONGEST_LABEL + 3)
        if state.src.find("]", state.pos, state.posMax) < 0:
            state.posMax = end
            return False
        is_note: bool = footnote_inline(state, silent)
        state.posMax = end
        return is_note

    md.use(footnote_plugin)
    md.inline.ruler.at("footnote_inline", bounded)
    md.inline.ruler.after("footnote_ref", "footnote_missing", _missing)
    md.core.ruler.before("footnote_tail", "footnote_check", _check)


def _missing(state: StateInline, silent: bool) -> bool:
    """A reference for which there is no note."""
    if state.src[state.pos] != "[":
        return False
    found = _REFERENCE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("footnote_missing", "", 0)
        token.content = found[0]
        token.meta = {"label": found[1], "known": [name[1:] for name in state.env.get("footnotes", {}).get("refs", ())]}
    state.pos = found.end()
    return True


def refuse(label: str, known: list[str], holes: Holes, line: int) -> IssueError:
    """The error to raise for a reference to a note that does not exist."""
    fix = f"write [^{label}]: and the note below"
    if known:
        fix = f"{did_you_mean(label, known)} Or {fix}"
    return IssueError(Problem(f"there is no footnote [^{label}]", holes.path, line, fix=fix))


def _check(state: StateCore) -> None:
    if "footnotes" not in state.env:
        return
    seen: dict[str, int] = {}
    numbers = state.env.get("footnotes", {}).get("refs", {})
    for token in state.tokens:
        if token.type != "footnote_reference_open" or "cut" not in state.env:
            continue
        cut: Cut = state.env["cut"]
        holes: Holes = state.env["holes"]
        label, line = token.meta["label"], cut.line(token.map[0] if token.map else 0)
        if label in seen:
            message = f"there are two footnotes [^{label}], on lines {seen[label]} and {line}"
            raise IssueError(Problem(message, holes.path, line, fix="give one of them another name"))
        seen[label] = line
        if numbers.get(f":{label}", -1) < 0:
            fix = f"write [^{label}] where it belongs, or take the note away"
            raise IssueError(Problem(f"nothing refers to the footnote [^{label}]", holes.path, line, fix=fix))
