"""Inline content: a paragraph's tokens as HTML, and as the plain text that an attribute or an outline needs."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from newsletter.render.raw import quoted, without_comments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markdown_it.token import Token

    Resolve = Callable[[str], str]
    Wrap = Callable[[str, Mapping[str, Any], str, str], str]

_TAGS = re.compile(r"</?[A-Za-z][^<>]*>")
_OUTLOOK_ONLY = re.compile(r"<!--\[if(?: |[^\]<>!])*?mso[^\]<>]*\]>(?:(?!<!\[endif).)*<!\[endif\]-->", re.DOTALL)
_CONDITION = re.compile(r"<!--\[if[^<>]*\]>(?:<!-->)?|(?:<!--)?<!\[endif\]-->")
_LINE_END = re.compile(
    r"<br\b[^<>]*>|</(?:p|div|li|tr|h[1-6]|blockquote|pre|table|(?:fig)?caption|summary|d[td])\s*>", re.IGNORECASE
)
_CELL_END = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_ANCHOR = re.compile(r"""<a\s[^<>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_LINK = re.compile(rf"{_ANCHOR.pattern}[^<>]*>((?:(?!<a\s).)*?)</a\s*>", re.IGNORECASE | re.DOTALL)


def html(tokens: Sequence[Token], resolve: Resolve, wrap: Wrap) -> str:
    """The tokens as HTML. `resolve` makes an address whole, `wrap` runs the template of a block within a sentence.

    `wrap` is handed the block's name and data, its content as HTML, and the same as plain text.
    """
    out: list[str] = []
    links: list[bool] = []
    opened: list[tuple[int, int]] = []  # where a block began, in `out` and in `tokens`
    for at, token in enumerate(tokens):
        match token.type:
            case "text":
                out.append(escape(token.content, quote=False))
            case "softbreak":
                out.append("\n")
            case "strong_open" | "em_open" | "s_open":
                out.append(f"<{token.tag}{_attributes(token) if token.attrs else ''}>")
            case "strong_close" | "em_close" | "s_close":
                out.append(f"</{token.tag}>")
            case "hardbreak":
                out.append("<br />\n")
            case "code_inline":
                out.append(f"<code{_attributes(token)}>{escape(token.content, quote=False)}</code>")
            case "html_inline":
                out.append(without_comments(quoted(token.content)))
            case "image":
                out.append(image(token, resolve))
            case "link_open":
                # An empty address leads nowhere: only the label is shown.
                links.append(bool(token.attrGet("href")))
                if links[-1]:
                    out.append(f'<a href="{escape(resolve(str(token.attrGet("href"))))}"{_attributes(token, "href")}>')
            case "link_close":
                out.append("</a>" if links.pop() else "")
            case "footnote_ref":
                out.append(f'<sup class="mark">[{token.meta["id"] + 1}]</sup>')
            case "task":
                out.append(f'<span class="box">{"☑" if token.content else "☐"}</span> ')
            case "directive_open":
                opened.append((len(out), at))
            case "directive_close":
                start, first = opened.pop()
                meta, content = tokens[first].meta, "".join(out[start:])
                out[start:] = [wrap(meta["name"], meta["data"], content, text(tokens[first + 1 : at]))]
            case _ if token.nesting == 1:
                out.append(f"<{token.tag}{_attributes(token)}>")
            case _ if token.nesting == -1:
                out.append(f"</{token.tag}>")
            case _:
                out.append(escape(token.content, quote=False))
    return "".join(out)


def image(token: Token, resolve: Resolve) -> str:
    """An image in running text."""
    return (
        f'<img src="{escape(resolve(str(token.attrGet("src") or "")))}" alt="{escape(text(token.children or ()))}"'
        f"{_attributes(token, 'src', 'alt')} />"
    )


def _attributes(token: Token, *leave_out: str) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in token.attrs.items() if name not in leave_out)


def text(tokens: Sequence[Token]) -> str:
    """The words of the tokens, without any markup."""
    out: list[str] = []
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            out.append(" ")
        elif token.type == "image":
            out.append(text(token.children or ()))
        elif token.type not in {"html_inline", "task"}:
            out.append(token.content)
    return "".join(out)


def address_of(tag: str) -> str | None:
    """The address of an `<a href="…">` that the author wrote in HTML; None for any other tag."""
    found = _ANCHOR.match(tag)
    return unescape(found[1] if found[1] is not None else found[2]) if found else None


def strip_tags(markup: str) -> str:
    """Raw HTML as words: lines where its elements end, addresses behind their labels, entities as characters."""
    markup = _CONDITION.sub("", _OUTLOOK_ONLY.sub("", without_comments(markup)))
    markup = _LINK.sub(lambda link: f"{link[3]} &lt;{link[1] or link[2]}&gt;", markup)
    return unescape(_TAGS.sub("", _CELL_END.sub(" ", _LINE_END.sub("\n", markup))))
