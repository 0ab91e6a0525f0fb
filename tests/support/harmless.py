"""What is wrong with markup that a browser is to show, as a parser of others says; and pieces to make markup of."""

from __future__ import annotations

import re

import html5lib
from hypothesis import strategies as st

from newsletter.render.web_clean import ATTRIBUTES, TAGS

PIECES = st.sampled_from([
    "<", ">", "</", "/>", '"', "'", "=", " ", "\n", "\x00", "&#106;", "&colon;", "`", "<!--", "-->", "<![CDATA[", "]]>",
    "script", "svg", "math", "style", "img", "a ", "table", "td", "mtext", "mglyph", "annotation-xml", "foreignObject",
    "template", "noscript", "textarea", "title", "iframe", "form", "input", "p", "select", "option", "xmp",
    "onerror=", "onload=", "src=", "href=", "style=", "srcdoc=", "xlink:href=", "class=", "id=", "width=",
    "javascript:", "data:text/html,", "vbscript:", "alert(1)", "url(", "expression(", "color:red;", "/*", "*/", "\\",
])  # fmt: skip


def harmless(markup: str) -> list[str]:
    """What is wrong with markup, as another parser reads it."""
    wrong: list[str] = []
    tree = html5lib.parseFragment(markup, treebuilder="etree", namespaceHTMLElements=False)
    for element in tree.iter():
        name = element.tag
        if name == "DOCUMENT_FRAGMENT":
            continue
        if not isinstance(name, str) or name not in TAGS:
            wrong.append(f"element {name}")
            continue
        for attribute, value in element.attrib.items():
            if attribute not in ATTRIBUTES["*"] | ATTRIBUTES.get(name, set()):
                wrong.append(f"{name} {attribute}")
            scheme = re.match(r"[\x00-\x20]*([a-z][a-z0-9+.-]*)\s*:", value, re.IGNORECASE)
            if attribute in ("href", "src", "cite") and scheme:
                allowed = ("http", "https") if attribute != "href" else ("http", "https", "mailto", "tel", "sms")
                if scheme[1].lower() not in allowed:
                    wrong.append(f"{attribute} {value}")
            if attribute == "style" and re.search(
                r"url|expression|\\|@|position|behavio|binding", value, re.IGNORECASE
            ):
                wrong.append(f"style {value}")
    return wrong
