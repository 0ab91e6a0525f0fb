"""Needs: which fields a recipient must have to get an edition, told from its expressions alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from newsletter.edition import Choice, Slot
from newsletter.render.expressions import parse, reference
from newsletter.render.filters import FILTERS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.edition import Edition, Expression, Pattern


def needs(edition: Edition) -> dict[str, int]:
    """The fields that every recipient must have, because they are printed without a default, and the first line each.

    A field that is printed only where a condition has asked for it is not among them.
    """
    found: dict[str, int] = {}
    for pattern in (edition.subject, edition.preheader, edition.html, edition.text):
        for expression, asked in _printed(edition, pattern, frozenset()):
            for name in _required(parse(expression.sources[0])) - asked:
                found[name] = min(expression.line, found.get(name, expression.line))
    return found


def _printed(edition: Edition, pattern: Pattern, asked: frozenset[str]) -> Iterator[tuple[Expression, frozenset[str]]]:
    """Each printed expression, and the fields that the conditions around it have asked for."""
    for part in pattern:
        if isinstance(part, Slot):
            yield edition.expressions[part.index], asked
        elif isinstance(part, Choice):
            for source, branch in zip(edition.expressions[part.index].sources, part.branches, strict=True):
                in_condition = _mentioned(parse(source)) if source else frozenset()
                yield from _printed(edition, branch, asked | in_condition)


def _field_name(node: nodes.Node) -> str | None:
    path = reference(node)
    return ".".join(path[1:]) if path and path[0] == "subscriber" and len(path) > 1 else None


def _mentioned(tree: nodes.Node) -> frozenset[str]:
    candidates = (tree, *tree.find_all((nodes.Getattr, nodes.Getitem)))
    return frozenset(name for node in candidates if (name := _field_name(node)))


def _required(tree: nodes.Node) -> frozenset[str]:
    """The fields without which an expression has no value."""
    if name := _field_name(tree):
        return frozenset({name} - {"tags", "fields"})
    match tree:
        case nodes.Filter(node=nodes.Node() as node, name="default" | "d", args=args):
            inside = frozenset() if _field_name(_unformatted(node)) else _required(node)
            return inside.union(*map(_required, args))
        case nodes.Or(left=left, right=right):
            return _required(right) - _mentioned(left)
        case nodes.CondExpr(test=test, expr1=yes, expr2=no):
            return (_required(yes) | (_required(no) if no else frozenset())) - _mentioned(test)
        case nodes.Test() | nodes.Compare() | nodes.Not():
            return frozenset()
    return frozenset().union(*map(_required, tree.iter_child_nodes()))


def _unformatted(node: nodes.Node) -> nodes.Node:
    """What stands before the filters that only say how it is written."""
    while isinstance(node, nodes.Filter) and node.name in FILTERS and node.node is not None:
        node = node.node
    return node


def samples(edition: Edition) -> dict[str, str]:
    """Something to stand for each of the fields that `needs` tells: its own name, a day or a number."""
    found = {name: f"[{name.rpartition('.')[2]}]" for name in needs(edition)}
    for expression in edition.expressions:
        for source in filter(None, expression.sources):
            tree = parse(source)
            for part in (tree, *tree.find_all(nodes.Filter)):
                name = _field_name(_unformatted(part))
                if isinstance(part, nodes.Filter) and name in found and part.name in SAMPLES:
                    found[name] = SAMPLES[part.name]
    return found
