"""Parsing by character: what can begin with a sign is tried there, and nothing at a letter.

markdown-it tries every rule at every line, and in running text at every sign with which some rule may begin. Here two
tables say which rule begins with what; the same tokens come out in two thirds of the time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import Ruler
from markdown_it.rules_inline import StateInline

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it import MarkdownIt
    from markdown_it.parser_block import RuleFuncBlockType
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token
    from markdown_it.utils import EnvType

    Rule = Callable[[StateInline, bool], bool]

# The rules of blocks, and the characters that a line of theirs can begin with. A rule without a row is tried at all.
_LINES: dict[str, str] = {
    "control": "z",  # of a mark, see holes
    "container": ":",
    "leaf": ":",
    "fence": "`~",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*-+0123456789",
    "footnote_def": "[",
    "reference": "[",
    "html_block": "<",
    "heading": "#",
    "attr": "{",
}

# Rules of blocks that the next line decides, and with what it must begin; None is: it is not empty.
_NEXT_LINES: dict[str, str | None] = {"table": "|-:", "lheading": None}

# The rules of running text, and the characters that each can begin with. A rule without a row is tried at all of them.
_BEGINNINGS: dict[str, str] = {
    "text": "",  # what the pattern passes over
    "newline": "\n",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "emoji": ":",
    "directive": ":",
    "link": "[",
    "image": "!",
    "autolink": "<",
    "html_inline": "<",
    "entity": "&",
    "footnote_inline": "^",
    "footnote_ref": "[",
    "footnote_missing": "[",
    "attr": "{",
    "gfm_autolink_www": "w",
    "gfm_autolink_protocol": ":",
    "gfm_autolink_email": "@",
}
# Where a rule could begin, or a label end. An exclamation mark is one before a bracket only, and so on.
_NEXT = re.compile(r"[\n\\`~*_\[\]<&^@{]|!(?=\[)|:(?=[A-Za-z0-9_+./-])|w(?=ww\.)")
# An address that stays as it is, as most do.
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9.-]+[a-z0-9](?:/[A-Za-z0-9;/?:@&=+$,_.!~*()#-]*)?")
_PROTOCOLS = ("http", "https", "mailto", "xmpp")


class BlocksByCharacter(Ruler["RuleFuncBlockType"]):
    """The rules of blocks as one, which tries those that a line's first character allows."""

    def __init__(self, of: Ruler[RuleFuncBlockType]) -> None:
        super().__init__()
        self.__rules__ = of.__rules__
        self._chains: dict[str, tuple[list[RuleFuncBlockType], list[RuleFuncBlockType]]] = {}

    def getRules(self, chainName: str = "") -> list[RuleFuncBlockType]:  # noqa: N802, N803  (markdown-it's)
        """One rule that stands for those of the chain."""
        rules = super().getRules(chainName)
        if chainName not in self._chains or self._chains[chainName][0] is not rules:
            self._chains[chainName] = (rules, [self._one_for(rules)])
        return self._chains[chainName][1]

    def _one_for(self, rules: list[RuleFuncBlockType]) -> RuleFuncBlockType:
        names = {rule: name for name, rule in zip(self.get_active_rules(), super().getRules(), strict=True)}
        # Each rule with what it asks of the line, and then of the next one.
        asked = [(_if_next_line_allows(names[rule], rule), _LINES.get(names[rule])) for rule in rules]
        others = tuple(rule for rule, beginnings in asked if beginnings is None)
        by_character = {
            each: tuple(rule for rule, beginnings in asked if beginnings is None or each in beginnings)
            for each in set("".join(_LINES.values()))
        }

        def one(state: StateBlock, line: int, end: int, silent: bool) -> bool:
            position = state.bMarks[line] + state.tShift[line]
            character = state.src[position] if position < state.eMarks[line] else ""
            for rule in by_character.get(character, others):  # noqa: SIM110  (a generator costs a tenth)
                if rule(state, line, end, silent):
                    return True
            return False

        return one


def _if_next_line_allows(name: str, rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """The rule, tried only before a line with which it could go on."""
    if name not in _NEXT_LINES:
        return rule
    beginnings = _NEXT_LINES[name]

    def asking(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        if line + 1 >= end:
            return False
        position = state.bMarks[line + 1] + state.tShift[line + 1]
        if position >= state.eMarks[line + 1] or (beginnings and state.src[position] not in beginnings):
            return False
        return rule(state, line, end, silent)

    return asking


class InlineByCharacter(ParserInline):
    """The inline parser of markdown-it with its rules, tried by character."""

    def __init__(self, of: ParserInline) -> None:
        super().__init__()
        self.ruler, self.ruler2 = of.ruler, of.ruler2
        self._by_character: dict[str, tuple[Rule, ...]] = {}
        self._others: tuple[Rule, ...] = ()
        self._compiled_of: list[Rule] | None = None

    def _rules_at(self, character: str) -> tuple[Rule, ...]:
        rules = self.ruler.getRules("")
        if rules is not self._compiled_of:
            self._compiled_of = rules
            named = list(zip(self.ruler.get_active_rules(), rules, strict=True))
            everywhere = "".join(_BEGINNINGS.values()) + "]"
            self._others = tuple(rule for name, rule in named if name not in _BEGINNINGS)
            self._by_character = {
                each: tuple(rule for name, rule in named if each in _BEGINNINGS.get(name, everywhere))
                for each in set(everywhere)
            }
            if protocol := dict(named).get("gfm_autolink_protocol"):
                guarded = _behind_a_protocol(protocol)
                at_colon = self._by_character[":"]
                self._by_character[":"] = tuple(guarded if rule is protocol else rule for rule in at_colon)
        return self._by_character.get(character, self._others)

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Push the tokens of a text."""
        state = StateInline(src, md, env, tokens)
        self.tokenize(state)
        # What is left to do is to pair the signs of emphasis, when there are any.
        if state.delimiters or any(state.tokens_meta):
            for rule in self.ruler2.getRules(""):
                rule(state)
        return state.tokens

    def tokenize(self, state: StateInline) -> None:
        """Push the tokens of the text between the state's position and its end."""
        source, end = state.src, state.posMax
        is_shallow = state.level < state.md.options["maxNesting"]
        while (position := state.pos) < end:
            found = _NEXT.search(source, position, end)
            at = found.start() if found else end
            if at > position:
                state.append_pending(source[position:at])
                state.pos = at
                if at == end:
                    break
            for rule in self._rules_at(source[at]) if is_shallow else ():
                if rule(state, False):
                    break
            else:
                state.append_pending(source[at])
                state.pos = at + 1
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:  # noqa: N802  (its name in markdown-it)
        """Move the state behind the token that begins at its position."""
        position, cache = state.pos, state.cache
        if position in cache:
            state.pos = cache[position]
            return
        found = _NEXT.search(state.src, position, state.posMax)
        at = found.start() if found else state.posMax
        if state.level >= state.md.options["maxNesting"]:
            state.pos = state.posMax
        elif at > position:
            state.pos = at
        else:
            state.level += 1
            if not any(rule(state, True) for rule in self._rules_at(state.src[position])):
                state.pos += 1
            state.level -= 1
        cache[position] = state.pos


def _behind_a_protocol(rule: Rule) -> Rule:
    """The rule, tried only where a protocol stands before the colon: it looks for one through all of the text."""

    def guarded(state: StateInline, silent: bool) -> bool:
        return state.src.endswith(_PROTOCOLS, 0, state.pos) and rule(state, silent)

    return guarded


def install(md: MarkdownIt) -> None:
    """Let a Markdown parser read by character, with the rules that it has now."""
    normalize = md.normalizeLink

    def normalized(address: str) -> str:
        return address if _PLAIN_ADDRESS.fullmatch(address) else normalize(address)

    md.normalizeLink = normalized  # type: ignore[assignment, method-assign]
    md.inline = InlineByCharacter(md.inline)
    md.block.ruler = BlocksByCharacter(md.block.ruler)
