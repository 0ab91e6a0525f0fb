"""Slots: the values of an edition's expressions for one recipient after another.

The common forms (a field, a field with a default, a signed address) are compiled to plain closures, a few tenths of a
microsecond each; anything else runs as compiled Jinja in the sandbox. A subscriber's data is only ever a value here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError, nodes

from newsletter.edition import Choice
from newsletter.errors import IssueError, Problem
from newsletter.render.expressions import (
    LINKS,
    WrongExpression,
    environment,
    names,
    parse,
    reference,
    text_of,
)
from newsletter.render.filters import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.edition import Edition, Expression, Pattern
    from newsletter.links import Links
    from newsletter.subscriber import Subscriber

    Value = Callable[[Subscriber, Links], Any]  # a text, or something false when the recipient does not have it

_NONE_CHOSEN = "-1"
# Links are signed when they are asked for, so only those that an expression uses are.
_LINK_ATTRIBUTES = tuple(zip(LINKS, ("unsubscribe", "preferences", "archive"), strict=True))


class _NoValue(Exception):
    """The recipient lacks a value that is to be printed."""


# What an expression may raise for one recipient, whose data it was not written for.
UNFIT = (_NoValue, TemplateError, TypeError, ValueError, ArithmeticError, LookupError)


def evaluator(edition: Edition) -> Callable[[Subscriber, Links], tuple[str, ...]]:
    """A function that gives a recipient's values, in the order of `edition.expressions`.

    Raises IssueError when an expression cannot be compiled; the function it returns raises IssueError when a recipient
    lacks a value that is printed without a default.
    """
    functions = [compiled(expression, edition) for expression in edition.expressions]

    def values(subscriber: Subscriber, links: Links) -> tuple[str, ...]:
        try:
            return tuple([value(subscriber, links) for value in functions])
        except UNFIT:
            return careful(subscriber, links)

    def careful(subscriber: Subscriber, links: Links) -> tuple[str, ...]:
        """The values once more, when one of them is missing: it may stand where this recipient does not see it."""
        out: list[str] = []
        missing: dict[int, Exception] = {}
        for index, value in enumerate(functions):
            try:
                out.append(value(subscriber, links))
            except UNFIT as error:
                missing[index] = error
                out.append(_NONE_CHOSEN if edition.expressions[index].is_choice else "")
        if missing:
            shown = _shown(edition, out)
            for index, reason in missing.items():
                if index in shown:
                    raise _missing_error(edition, edition.expressions[index], subscriber, reason) from None
        return tuple(out)

    return values


def _shown(edition: Edition, values: Sequence[str]) -> set[int]:
    """The expressions that this recipient sees."""
    shown: set[int] = set()

    def walk(pattern: Pattern) -> None:
        for part in pattern:
            if isinstance(part, str):
                continue
            shown.add(part.index)
            if isinstance(part, Choice) and 0 <= (branch := int(values[part.index])) < len(part.branches):
                walk(part.branches[branch])

    for pattern in (edition.subject, edition.preheader, edition.html, edition.text):
        walk(pattern)
    return shown


def _missing_error(edition: Edition, expression: Expression, subscriber: Subscriber, error: Exception) -> IssueError:
    for source in expression.sources:
        path = reference(parse(source)) if source else None
        if path and path[0] == "subscriber":
            name = ".".join(path[1:])
            return IssueError(
                Problem(
                    f"{subscriber.email} has no {path[-1]}, and the slot has no default",
                    edition.path,
                    expression.line,
                    fix=f'write {{{{ subscriber.{name} | default("…") }}}}, or ask {{% if subscriber.{name} %}}',
                )
            )
    what = " / ".join(filter(None, expression.sources))
    return IssueError(
        Problem(
            f"`{what}` has no value for {subscriber.email}: {error}",
            edition.path,
            expression.line,
            fix='give what may be missing a default: subscriber.first_name | default("…")',
        )
    )


def compiled(expression: Expression, edition: Edition) -> Value:
    """One expression as a function of a recipient; it raises one of UNFIT when there is no value. Raises IssueError."""
    try:
        if expression.is_choice:
            return _choice([_value(source, edition.language) if source else None for source in expression.sources])
        return _printing(expression.sources[0], edition.language)
    except WrongExpression as error:
        raise IssueError(Problem(str(error), edition.path, expression.line, fix=error.fix)) from None


def _choice(conditions: Sequence[Value | None]) -> Value:
    def number(subscriber: Subscriber, links: Links) -> str:
        for branch, condition in enumerate(conditions):
            if condition is None or condition(subscriber, links):
                return str(branch)
        return _NONE_CHOSEN

    return number


def _printing(source: str, language: str) -> Value:
    tree = parse(source)
    value = _value(source, language)
    if reference(tree) is None and not (isinstance(tree, nodes.Filter) and _plain_default(tree, language)):
        return lambda subscriber, links: text_of(value(subscriber, links))
    if reference(tree) == ("subscriber", "tags"):
        return lambda subscriber, _: ", ".join(subscriber.tags)

    def printed(subscriber: Subscriber, links: Links) -> str:
        text: str = value(subscriber, links)
        if not text:
            raise _NoValue
        return text

    return value if isinstance(tree, nodes.Filter) else printed


def _value(source: str, language: str) -> Value:
    """The expression as a function: a closure for the common forms, else compiled Jinja."""
    tree = parse(source)
    if fast := _field(tree, language) or _plain_default(tree, language) or _comparison(tree, language):
        return fast
    expression = environment().compile_expression(source, undefined_to_none=False)
    used = [(name, attribute) for name, attribute in _LINK_ATTRIBUTES if name in names(tree)]

    def value(subscriber: Subscriber, links: Links) -> Any:
        context = {name: getattr(links, attribute) for name, attribute in used}
        person = _person(subscriber, language)
        return expression({"subscriber": person, LANGUAGE: person["language"], **context})

    return value


def _field(tree: nodes.Node, language: str) -> Value | None:
    match reference(tree):
        case ("unsubscribe_url",):
            return lambda _, links: links.unsubscribe
        case ("preferences_url",):
            return lambda _, links: links.preferences
        case ("archive_url",):
            return lambda _, links: links.archive
        case ("subscriber", "email"):
            return lambda subscriber, _: subscriber.email
        case ("subscriber", "first_name"):
            return lambda subscriber, _: subscriber.first_name
        case ("subscriber", "last_name"):
            return lambda subscriber, _: subscriber.last_name
        case ("subscriber", "name"):
            return lambda subscriber, _: subscriber.display_name
        case ("subscriber", "language"):
            return lambda subscriber, _: subscriber.language or language
        case ("subscriber", "tags"):
            return lambda subscriber, _: subscriber.tags
        case ("subscriber", "fields", key):
            return lambda subscriber, _: subscriber.fields.get(key, "")
    return None


def _plain_default(tree: nodes.Node, language: str) -> Value | None:
    """`subscriber.x | default("text")`, whose value is never missing."""
    match tree:
        case nodes.Filter(
            node=nodes.Node() as node, name="default" | "d", args=[nodes.Const(value=str(text))], kwargs=[]
        ):
            field = _field(node, language)
            if field is None or reference(node) == ("subscriber", "tags"):
                return None
            return lambda subscriber, links: field(subscriber, links) or text
    return None


def _comparison(tree: nodes.Node, language: str) -> Value | None:
    """`subscriber.x == "text"`, `!=`, and `"text" in subscriber.tags`."""
    match tree:
        case nodes.Compare(expr=left, ops=[nodes.Operand(op="eq" | "ne" as op, expr=nodes.Const(value=str(text)))]):
            field = _field(left, language)
            if field is None or reference(left) == ("subscriber", "tags"):
                return None
            if op == "eq":
                return lambda subscriber, links: field(subscriber, links) == text
            return lambda subscriber, links: field(subscriber, links) != text
        case nodes.Compare(expr=nodes.Const(value=str(text)), ops=[nodes.Operand(op="in", expr=right)]):
            if reference(right) == ("subscriber", "tags"):
                return lambda subscriber, _: text in subscriber.tags
    return None


def _person(subscriber: Subscriber, language: str) -> dict[str, Any]:
    """A recipient as plain data; what is empty is left out, and so is missing."""
    known = {
        "email": subscriber.email,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "name": subscriber.display_name,
        "language": subscriber.language or language,
    }
    person: dict[str, Any] = {name: value for name, value in known.items() if value}
    person["tags"] = list(subscriber.tags)
    person["fields"] = {name: value for name, value in subscriber.fields.items() if value}
    return person
