"""MJML: the one place that calls the compiler, with what it needs to be told and kept from.

mjml-python (MRML 6) validates little, writes some characters in attributes as Rust debug text, panics on odd input and
overflows the stack on deep input. So it only ever sees well-formed XML, small and shallow, with its attributes in
ASCII. Authors' text is not in it at all: marks stand for it, and the text is put in afterwards.
"""

from __future__ import annotations

import re
from html.entities import html5
from xml.parsers import expat

from newsletter.errors import nearest

MAX_DEPTH = 50
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_ELEMENT = re.compile(r"<(mj-[^\s/>]*)")
# Those that the compiler knows. It would hand on any other one, and a mail program show its text without a form.
_NAMES = (
    "accordion", "accordion-element", "accordion-text", "accordion-title", "all", "attributes", "body", "breakpoint",
    "button", "carousel", "carousel-image", "class", "column", "divider", "font", "group", "head", "hero", "image",
    "include", "navbar", "navbar-link", "preview", "raw", "section", "social", "social-element", "spacer", "style",
    "table", "text", "title", "wrapper",
)  # fmt: skip
ELEMENTS = frozenset(f"mj-{name}" for name in _NAMES)
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_TAG = re.compile(r"""<[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>""")
_ODD = re.compile(r"[^ -~]|\\")
# A tag that holds something else than plain letters: there is hardly ever one.
_ODD_TAG = re.compile(r"""<[A-Za-z](?>(?:[ !#-&(-;=?-\[\]-~]++|"[ !#-\[\]-~]*+"|'[ -&(-\[\]-~]*+')*)(?!>)""")


class WrongMarkup(ValueError):
    """MJML that cannot be compiled; `line` and `column` count from 1 in the source, where they are known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def compile_mjml(source: str) -> str:
    """The HTML that an MJML document stands for. Raises WrongMarkup."""
    from newsletter.render.compiler import compiler

    source = numeric_entities(source)
    check_markup(source)
    if _ODD_TAG.search(source):
        source = _TAG.sub(lambda tag: _plain(tag[0]), source)
    try:
        return str(compiler()(source, fonts={}))
    except ValueError as error:
        raise WrongMarkup(str(error)) from None
    except BaseException as error:
        # A panic of the compiler is not an Exception; KeyboardInterrupt must pass.
        if type(error).__name__ != "PanicException":
            raise
        raise WrongMarkup(f"the MJML compiler failed: {error}") from None


def check_markup(source: str) -> None:
    """Raise WrongMarkup, with its place, unless the source is well-formed XML of known elements, and not too deep."""
    if unknown := set(_ELEMENT.findall(source)) - ELEMENTS:
        name = min(unknown)
        near = nearest(name, ELEMENTS)
        raise WrongMarkup(
            f"there is no <{name}>{f'; did you mean <{near}>?' if near else ''}",
            source.count("\n", 0, source.index(f"<{name}")) + 1,
        )
    parser = expat.ParserCreate()
    depth = 0

    def start(name: str, _: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise WrongMarkup(
                f"<{name}> is nested more than {MAX_DEPTH} deep",
                parser.CurrentLineNumber,
                parser.CurrentColumnNumber + 1,
            )

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    # Each element around another one has two tags; fewer tags cannot be nested too deep.
    if source.count("<") - source.count("/>") > 2 * MAX_DEPTH:
        parser.StartElementHandler = start
        parser.EndElementHandler = end
    try:
        parser.Parse(source, True)
    except expat.ExpatError as error:
        raise WrongMarkup(expat.ErrorString(error.code), error.lineno, error.offset + 1) from None


def numeric_entities(source: str) -> str:
    """The source with HTML's named characters as numbers, because XML does not know the names."""
    return _ENTITY.sub(_numeric, source)


def _plain(tag: str) -> str:
    """The tag on one line, and in letters that the compiler does not change."""
    if "\n" in tag:  # between attributes, or in a long style
        tag = re.sub(r"\s*\n\s*", " ", tag)
    return _ODD.sub(lambda char: f"&#{ord(char[0])};", tag)


def _numeric(entity: re.Match[str]) -> str:
    if entity[1] in _XML_ENTITIES:
        return entity[0]
    text = html5.get(f"{entity[1]};")
    return entity[0] if text is None else "".join(f"&#{ord(char)};" for char in text)
