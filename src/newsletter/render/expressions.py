"""Expressions: what an author may write in `{{ … }}` and `{% if … %}`, checked before the first message leaves.

They are Jinja expressions in a sandbox, over `subscriber`, the three signed addresses, and the constants of the issue
and the newsletter. Constants are written into the expression when the issue is rendered (`fold`), so that an edition
needs nothing but a recipient. A value that a recipient does not have is *missing*: false in a condition, equal to "",
replaced by `default`; to print it is an error.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from newsletter.errors import did_you_mean, nearest
from newsletter.render.filters import FILTERS, LANGUAGE
from newsletter.subscriber import PUBLIC_FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

LINKS = ("unsubscribe_url", "preferences_url", "archive_url")
NAMES = ("subscriber", *LINKS)
CONSTANTS = ("issue", "newsletter")
UNSET = "unset"  # the name that stands for a constant which the issue does not have


class WrongExpression(ValueError):
    """An expression that cannot be compiled or names what does not exist; `fix` says what would be right."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class Missing(Undefined):
    """A value that this recipient does not have: it can be asked for, and not printed, counted or walked through."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other == "" or isinstance(other, Missing)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash("")

    def __str__(self) -> str:
        self._fail_with_undefined_error()

    def __iter__(self) -> Iterator[Any]:
        self._fail_with_undefined_error()

    def __len__(self) -> int:
        self._fail_with_undefined_error()


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a dot on a mapping means its entry, so that a field may be called `items`."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


@lru_cache(maxsize=1)
def environment() -> ImmutableSandboxedEnvironment:
    """The sandbox of slots: no globals, no loader, missing values as above."""
    env = _Environment(undefined=Missing)
    env.globals.clear()
    env.filters |= FILTERS
    return env


@lru_cache(maxsize=8192)  # more than any issue has: each is asked for many times
def parse(source: str) -> nodes.Expr:
    """The expression's tree, after all names were checked. Raises WrongExpression."""
    if not source:
        raise WrongExpression("there is nothing between the braces", "name a field: {{ subscriber.first_name }}")
    env = environment()
    try:
        # The line break keeps a comment sign in the expression from hiding the end.
        template = env.parse(f"{{{{ ({source}\n) }}}}")
        env.compile(template)
    except TemplateSyntaxError as error:
        raise _syntax_error(source, error) from None
    tree = cast(nodes.Output, template.body[0]).nodes[0]
    for name in names(tree):
        if name not in NAMES and name != UNSET:
            raise WrongExpression(f"there is no `{name}`", _name_fix(name))
    for kind, name in _subscriber_names(tree):
        if kind == "public" and name not in PUBLIC_FIELDS:
            near = nearest(name, PUBLIC_FIELDS)
            fix = f"did you mean `subscriber.{near}`?" if near else f"your own columns are `subscriber.fields.{name}`"
            raise WrongExpression(f"there is no `subscriber.{name}`", fix)
    return tree


def _syntax_error(source: str, error: TemplateSyntaxError) -> WrongExpression:
    message = (error.message or "it cannot be read").rstrip(".")
    if message.startswith(("No filter named", "No test named")):
        word = message.split("'")[1]
        what, known = ("filter", environment().filters) if "filter" in message else ("test", environment().tests)
        return WrongExpression(f"there is no {what} `{word}`", did_you_mean(word, known))
    if any(quote in source for quote in "“”‘’«»„"):
        return WrongExpression(f"`{source}` cannot be read", 'put text in straight quotes, as in | default("there")')
    return WrongExpression(f"`{source}` cannot be read: {message}", "write {{ subscriber.first_name }}")


def _name_fix(name: str) -> str:
    if name in PUBLIC_FIELDS:
        return f"write `subscriber.{name}`"
    return did_you_mean(name, (*NAMES, *CONSTANTS))


def _subscriber_names(tree: nodes.Node) -> Iterator[tuple[str, str]]:
    """Each `subscriber.x` as ("public", x) and each `subscriber.fields.y` as ("field", y)."""
    for node in (*tree.find_all((nodes.Getattr, nodes.Getitem)), *([tree] if _key(tree) else [])):
        path = reference(node)
        if path is not None and len(path) == 2:
            yield "public", path[1]
        elif path is not None and len(path) == 3 and path[1] == "fields":
            yield "field", path[2]


def _key(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.arg.value
    return None


def names(tree: nodes.Node) -> set[str]:
    """The names that an expression begins its references with."""
    found = {node.name for node in tree.find_all(nodes.Name)}
    return found | {tree.name} if isinstance(tree, nodes.Name) else found


def reference(node: nodes.Node) -> tuple[str, ...] | None:
    """`subscriber.fields.city` as its three names; None for anything else than names and dots."""
    keys: list[str] = []
    while (key := _key(node)) is not None:
        keys.append(key)
        node = cast("nodes.Getattr | nodes.Getitem", node).node
    if isinstance(node, nodes.Name):
        return (node.name, *reversed(keys))
    return None


def check_fields(source: str, fields: Collection[str]) -> None:
    """Raise WrongExpression if the expression names a field of subscribers that none of them has."""
    for kind, name in _subscriber_names(parse(source)):
        if kind == "field" and name not in fields:
            raise WrongExpression(f"no subscriber has a field `{name}`", did_you_mean(name, fields))


def is_constant(source: str) -> bool:
    """Whether the expression has the same value for every recipient."""
    return names(parse(source)) <= {UNSET}


def fold(source: str, constants: Mapping[str, Mapping[str, object]]) -> str:
    """The expression with `issue.title` and the like replaced by their values, as literals.

    A value of None, which the issue does not set, becomes a missing one. Raises WrongExpression for a name that the
    constants do not have.
    """
    if not any(name in source for name in constants):
        return source
    try:
        tokens = list(environment().lex(f"{{{{{source}\n}}}}"))[1:-1]
    except TemplateSyntaxError as error:
        raise _syntax_error(source, error) from None
    words = [(kind, str(text)) for _, kind, text in tokens]
    out: list[str] = []
    position = 0
    before = ""
    while position < len(words):
        kind, text = words[position]
        if kind == "name" and text in constants and before != ".":
            if [w for w, _ in words[position + 1 : position + 3]] != ["operator", "name"]:
                raise WrongExpression(f"`{text}` stands alone", f"name a part of it, such as `{text}.title`")
            key = words[position + 2][1]
            known = constants[text]
            if key not in known:
                raise WrongExpression(f"there is no `{text}.{key}`", did_you_mean(key, known))
            out.append(UNSET if known[key] is None else f"({_literal(known[key])})")
            position += 3
            before = ""
            continue
        if kind != "whitespace":
            before = text
        out.append(text)
        position += 1
    return "".join(out).strip()


def _literal(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(str(k))}: {_literal(v)}' for k, v in value.items())}}}"
    return repr(str(value))


def constant_text(source: str, language: str) -> str:
    """The value of a constant expression, in a language. Raises jinja2.UndefinedError when it is missing."""
    return text_of(environment().compile_expression(source, undefined_to_none=False)({LANGUAGE: language}))


def constant_truth(source: str, language: str) -> bool:
    """Whether a constant condition holds; a missing value does not."""
    return bool(environment().compile_expression(source, undefined_to_none=False)({LANGUAGE: language}))


def text_of(value: object) -> str:
    """A value as it is printed: lists with commas, nothing for None. Raises jinja2.UndefinedError for a missing one."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
