"""Variants: which combinations of branches there are in an edition, who gets which, and which nobody can get."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jinja2 import nodes

from newsletter.edition import Choice
from newsletter.errors import IssueError, Problem
from newsletter.links import Links, Signer
from newsletter.render.expressions import parse
from newsletter.render.slots import UNFIT, compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from newsletter.edition import Edition, Expression, Pattern
    from newsletter.subscriber import Subscriber

    # The choices that a recipient meets, each the number of its expression and that of the branch; -1 is none of them.
    Variant = tuple[tuple[int, int], ...]


def counted(edition: Edition, recipients: Iterable[Subscriber]) -> Counter[Variant]:
    """How many of the recipients get each variant."""
    values = {at: compiled(each, edition) for at, each in enumerate(edition.expressions) if each.is_choice}
    links = Links(Signer({1: b""}), "https://example.org", "", 0, 0)  # nobody follows these

    def variant(recipient: Subscriber) -> Variant:
        chosen: dict[int, int] = {}

        def walk(pattern: Pattern) -> None:
            for part in pattern:
                if isinstance(part, Choice):
                    if part.index not in chosen:
                        try:
                            chosen[part.index] = int(values[part.index](recipient, links))
                        except UNFIT:
                            chosen[part.index] = -1
                    if 0 <= (branch := chosen[part.index]) < len(part.branches):
                        walk(part.branches[branch])

        for pattern in (edition.subject, edition.preheader, edition.html, edition.text):
            walk(pattern)
        return tuple(sorted(chosen.items()))

    return Counter(map(variant, recipients))


def told(edition: Edition, expression: int, branch: int) -> str:
    """A branch as its author wrote it: `line 12: {% elif … %}`."""
    return f"line {edition.expressions[expression].line_of(branch)}: {tag_of(edition, expression, branch)}"


def tag_of(edition: Edition, expression: int, branch: int) -> str:
    """The tag that a branch begins with: `{% elif … %}`."""
    return _tag(edition.expressions[expression].sources, branch)


def branches(edition: Edition) -> Iterator[tuple[int, int]]:
    """Every branch that the edition has, as the number of its expression and its own."""
    for at, expression in enumerate(edition.expressions):
        if expression.is_choice:
            yield from ((at, branch) for branch in range(len(expression.sources)))


def _tag(sources: Sequence[str], branch: int) -> str:
    if branch < 0:
        return f"no {{% if {sources[0]} %}}"
    if not sources[branch]:
        return "{% else %}"
    return f"{{% {'elif' if branch else 'if'} {sources[branch]} %}}"


def refuse_unreachable(patterns: Iterable[Pattern], expressions: Sequence[Expression], path: str) -> None:
    """Raise IssueError for a branch that nobody can ever see, because the same was asked before or around it."""
    for pattern in patterns:
        for expression, branch in _unreachable(pattern, expressions, {}):
            raise IssueError(
                Problem(
                    f"`{_tag(expression.sources, branch)}` is never reached",
                    path,
                    expression.line_of(branch),
                    fix="the same was asked before or around it: change one of the two, or take it away",
                )
            )


def _unreachable(
    pattern: Pattern, expressions: Sequence[Expression], known: Mapping[str, bool]
) -> Iterator[tuple[Expression, int]]:
    for part in pattern:
        if not isinstance(part, Choice):
            continue
        expression = expressions[part.index]
        here = dict(known)
        is_settled = False
        for at, (source, branch) in enumerate(zip(expression.sources, part.branches, strict=True)):
            question, answer = _question(source) if source else ("", True)
            if is_settled or here.get(question, answer) is not answer:
                yield expression, at
                continue
            is_settled = question in here
            yield from _unreachable(branch, expressions, {**here, question: answer} if source else here)
            here[question] = not answer


def _question(source: str) -> tuple[str, bool]:
    """What a condition asks, and the answer with which it holds: `not x` asks the same as `x`."""
    tree: nodes.Node = parse(source)
    answer = True
    while isinstance(tree, nodes.Not):
        tree, answer = tree.node, not answer
    return repr(tree), answer
