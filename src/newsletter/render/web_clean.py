"""Clean: an issue's body for a browser, by an allow-list; nothing in it runs, sends, embeds or reaches out.

The author's raw HTML goes out by mail as it was written, because mail programs run nothing. A browser does. nh3 parses
the markup as browsers do (WHATWG) and serialises what is on the lists below; everything else is gone, most elements
with their text kept, some with all that they hold.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from newsletter.render.raw import TAG
from newsletter.render.web_style import SHEET, declarations, written

if TYPE_CHECKING:
    from collections.abc import Callable

    import nh3

TAGS = frozenset([
    "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "blockquote", "br", "caption", "center",
    "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption",
    "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd",
    "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u",
    "ul", "var", "wbr"
])  # fmt: skip
WITH_CONTENT = frozenset([
    "applet", "audio", "canvas", "datalist", "embed", "frameset", "iframe", "math", "noembed", "noframes",
    "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp"
])  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "dir", "id", "lang", "role", "style", "title", "align", "valign", "width", "height", "bgcolor",
          "aria-hidden", "aria-label"},
    "a": {"href"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "font": {"color"},
    "img": {"src", "alt", "border"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "headers", "scope"},
    "time": {"datetime"},
}  # fmt: skip
SCHEMES = {"http", "https", "mailto", "tel", "sms"}
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
# What a role may say of an element here. `application`, `alert` and the like would take a reader's keys or ear.
_ROLES = {"presentation", "none", "article", "img", "list", "listitem", "separator", "note", "group", "region"}


def cleaned(body: str, base_url: str, archive: str) -> str:
    """The markup with nothing in it but what is on the lists, serialised.

    Addresses without a scheme are made whole by `base_url`, except those below `archive` (`base_url` and the archive's
    folder), which become relative to an issue's page, so that the archive can lie anywhere.
    """
    return _without_idle_links(_cleaner(base_url, archive).clean(body))


@lru_cache(maxsize=4)
def _cleaner(base_url: str, archive: str) -> nh3.Cleaner:
    import nh3

    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(WITH_CONTENT),
        attributes=ATTRIBUTES,
        attribute_filter=_filter(base_url, archive),
        url_schemes=SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


def _filter(base_url: str, archive: str) -> Callable[[str, str, str], str | None]:
    def attribute(_: str, name: str, value: str) -> str | None:
        match name:
            case "style":
                return written(declarations(value)) or None
            case "href":
                return _address(value)
            case "src" | "cite":
                whole = _address(value)
                return whole if whole and (_WEB.match(whole) or whole.startswith("../")) else None
            case "id":
                return None if value == SHEET else value
            case "role":
                return value if value in _ROLES else None
            case _:
                return value

    def _address(value: str) -> str | None:
        value = value.strip()
        if value.startswith(("../", "#")):
            return value if len(value) > 1 else None
        try:
            value = urljoin(f"{base_url}/", value) if value else ""
        except ValueError:  # no address, such as http://[x
            return None
        if value.startswith(f"{archive}/"):
            rest = value.removeprefix(f"{archive}/")
            return f"../{rest}/" if rest and not re.search(r"[./?#]", rest) else f"../{rest}"
        return value or None

    return attribute


def _without_idle_links(body: str) -> str:
    """The body without links that lead nowhere: what they held stays. Their addresses were those of a person."""
    if "<a" not in body:
        return body
    out: list[str] = []
    position = 0
    idle = False
    for tag in TAG.finditer(body):
        if tag[2] != "a":
            continue
        if not tag[1]:
            idle = " href=" not in tag[3] and " id=" not in tag[3]
        if idle:
            out.append(body[position : tag.start()])
            position = tag.end()
    out.append(body[position:])
    return "".join(out)


def readable(body: str) -> str:
    """A cleaned body as a feed carries it: no layout tables, no classes and no styles, for readers bring their own."""
    import nh3

    out: list[str] = []
    position = 0
    tables: list[bool] = []  # of the tables that are open: whether they are layout
    for tag in TAG.finditer(body):
        name = tag[2]
        if name == "table":
            layout = tables.pop() if tag[1] and tables else 'role="presentation"' in tag[3]
            if not tag[1]:
                tables.append(layout)
        elif name in ("tbody", "thead", "tfoot", "tr", "td", "th", "colgroup", "col"):
            layout = bool(tables and tables[-1])
        else:
            layout = name in ("div", "span", "section", "article", "font", "center")
        if layout:
            out.append(body[position : tag.start()])
            position = tag.end()
    out.append(body[position:])
    plain = {name: kept - _LOOKS for name, kept in ATTRIBUTES.items()}
    text = nh3.clean(
        "".join(out), tags=set(TAGS), attributes=plain, url_schemes=SCHEMES, link_rel=None, strip_comments=True
    )
    return re.sub(r"\n\s*\n+", "\n", text).strip()


_LOOKS = {
    "class", "style", "align", "valign", "bgcolor", "role", "id", "aria-hidden", "border", "cellpadding", "cellspacing"
}  # fmt: skip
