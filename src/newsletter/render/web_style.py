"""Style for the web form: rules without anything that reaches out, and classes in the place of style attributes.

A strict Content Security Policy knows a style sheet by its hash and lets no style attribute count. So each set of
declarations that a mail writes into its elements becomes one rule here, and the elements name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.render.raw import TAG, raw_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

SHEET = "_"  # the id of the element that holds an issue: no heading's anchor is called so
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION = re.compile(
    r"""\s*(-{0,2}[a-z][a-z-]*)\s*:\s*((?>(?:[^;"']++|"[^"]*+"|'[^']*+')+))(?:;|\Z)""", re.IGNORECASE
)
# What loads something, runs something, or hides either; and what would end the style sheet or the rule.
_REACHES = re.compile(
    r"url\s*\(|image-set|cross-fade|element\s*\(|src\s*\(|expression|javascript:|[\\<>{}@]", re.IGNORECASE
)
_SELECTOR_REACHES = re.compile(r"[\\<{}@]|data-ogs|#outlook|moz-text-html|mj-outlook|\[\s*(?:href|src|value)")
_OF_PROGRAMS = ("mso-", "-ms-", "-moz-binding", "behavior")
# What an element may say of its own look. It stays in its place: nothing that lifts it over the page.
PROPERTIES = frozenset([
    "background", "background-color", "border-collapse", "border-radius", "border-spacing", "caption-side",
    "clear", "color", "direction", "display", "empty-cells", "float", "font", "font-family", "font-size",
    "font-style", "font-variant", "font-weight", "height", "hyphens", "letter-spacing", "line-height",
    "list-style", "list-style-position", "list-style-type", "max-height", "max-width", "min-height", "min-width",
    "opacity", "overflow", "overflow-wrap", "table-layout", "text-align", "text-decoration", "text-indent",
    "text-transform", "unicode-bidi", "vertical-align", "visibility", "white-space", "width", "word-break",
    "word-spacing", "word-wrap"
])  # fmt: skip
_FAMILIES = ("border", "margin", "padding", "text-decoration-")


def declarations(style: str, *, of_element: bool = True) -> list[tuple[str, str]]:
    """The declarations that stay, each name and value, the last one of a name. Of an element, only PROPERTIES."""
    out: dict[str, str] = {}
    for found in _DECLARATION.finditer(_COMMENT.sub("", style)):
        name, value = found[1].lower(), " ".join(found[2].split())
        if name.startswith(_OF_PROGRAMS) or _REACHES.search(value):
            continue
        if of_element and not (name in PROPERTIES or name.startswith(_FAMILIES)):
            continue
        out.pop(name, None)
        out[name] = value
    return list(out.items())


def written(pairs: list[tuple[str, str]]) -> str:
    """Declarations as they stand in a rule or an attribute."""
    return ";".join(f"{name}:{value}" for name, value in pairs)


def sheet(document: str) -> str:
    """The rules of the style sheets in a document's head, and its body's own style, for the web."""
    head = document.partition("<body")[0]
    out = [rule for text, media in _sheets(head) for rule in _rules(text, media)]
    return "\n".join(out)


def _sheets(head: str) -> Iterator[tuple[str, str]]:
    for _, start, end in raw_texts(head, ("style",)):
        tag = head[head.rfind("<style", 0, start) : start]
        media = re.search(r'media="([^"<>{}]*)"', tag)
        yield _COMMENT.sub("", head[start:end]), media[1] if media else ""


def _rules(css: str, media: str = "") -> Iterator[str]:
    """The rules of a style sheet: plain ones, and those of @media. Anything else is left out."""
    position = 0
    while (brace := css.find("{", position)) >= 0:
        selector = css[position:brace].rpartition(";")[2].strip()
        end = _closing(css, brace)
        inside = css[brace + 1 : end]
        position = end + 1
        if selector.startswith("@media"):
            condition = selector.removeprefix("@media").strip()
            if not re.search(r"[\\<{}@;]", condition) and (rules := "".join(_rules(inside))):
                yield f"@media {condition}{{{rules}}}"
        elif not selector.startswith("@"):
            kept = ",".join(each.strip() for each in selector.split(",") if not _SELECTOR_REACHES.search(each))
            pairs = declarations(inside, of_element=False)
            if kept and pairs:
                rule = f"{kept}{{{written(pairs)}}}"
                yield f"@media {media}{{{rule}}}" if media else rule


def _closing(css: str, brace: int) -> int:
    """Where the brace that opens at `brace` closes."""
    depth = 0
    for found in re.finditer(r"[{}]", css[brace:]):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return brace + found.start()
    return len(css)


@dataclass(slots=True)
class Classes:
    """Rules that stand for style attributes, each set of declarations once."""

    names: dict[str, str] = field(default_factory=dict)  # declarations → class

    def moved(self, body: str) -> str:
        """A serialised body without style attributes: each element has the class of its declarations instead."""
        return TAG.sub(self._tag, body)

    def _tag(self, tag: re.Match[str]) -> str:
        found = re.search(r'\sstyle="([^"]*)"', tag[3])
        if tag[1] or not found:
            return tag[0]
        inside = tag[3][: found.start()] + tag[3][found.end() :]
        style = found[1].replace("&quot;", '"').replace("&amp;", "&")
        if style and not _REACHES.search(style):
            name = self.names.setdefault(style, f"s{len(self.names)}")
            before = inside
            inside = re.sub(r'(\sclass=")', rf"\g<1>{name} ", inside, count=1)
            inside = f' class="{name}"{inside}' if inside == before else inside
        return f"<{tag[2]}{inside}>"

    def rules(self) -> str:
        """The style sheet of the classes. They count for more than any rule of a theme, as attributes do."""
        return "\n".join(f"#{SHEET} .{name}{{{style}}}" for style, name in self.names.items())
