"""caniemail.com's findings about mail programs, as much as is kept of them, and which of its features a message uses.

Of each program only the newest version that was tested counts. `docs/_data/caniemail.json` holds just that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

DATA = Path(__file__).resolve().parents[1] / "docs" / "_data" / "caniemail.json"
GONE = {"outlook.windows-mail"}  # replaced by the new Outlook in 2024

# ── The data ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Feature:
    """What was found about a feature; `support` has a sign for each program: yes, no, almost, or - for not known."""

    title: str
    tested: str  # the day
    support: str


def reduced(document: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The part of caniemail's data that is needed here."""
    names = document["nicenames"]
    clients = sorted(
        {
            f"{family}.{platform}"
            for each in document["data"]
            for family, all_ in each["stats"].items()
            for platform in all_
        }
        - GONE
    )
    features = {}
    for each in sorted(document["data"], key=lambda each: str(each["slug"])):
        if each["category"] == "others":
            continue
        newest = {
            f"{family}.{platform}": list(versions.values())[-1]
            for family, platforms in each["stats"].items()
            for platform, versions in platforms.items()
            if versions
        }
        support = "".join(newest.get(client, "-")[0].replace("u", "-") for client in clients)
        features[each["slug"]] = [each["title"], each["last_test_date"], support]
    return {
        "source": f"caniemail.com, as packaged in npm's caniemail {version}",
        "day": document["last_update_date"][:10],
        "license": "MIT, see caniemail-license.txt",
        "clients": {client: _called(client, names) for client in clients},
        "features": features,
    }


def _called(client: str, names: Mapping[str, Any]) -> str:
    family, _, platform = client.partition(".")
    where = {"desktop-webmail": "web", "mobile-webmail": "web on phones", "outlook-com": "web", "windows": "Windows"}
    return f"{names['family'][family].removeprefix('Mozilla ')}, {where.get(platform, names['platform'][platform])}"


def written(data: Mapping[str, Any]) -> str:
    """The data as a file in which each feature has a line."""
    lines = [f"{json.dumps(slug)}: {json.dumps(row, ensure_ascii=False)}" for slug, row in data["features"].items()]
    head = json.dumps({**data, "features": {}}, ensure_ascii=False, indent=1)
    return head.replace('"features": {}', '"features": {\n  ' + ",\n  ".join(lines) + "\n }") + "\n"


@lru_cache(maxsize=1)
def read() -> tuple[dict[str, Any], dict[str, Feature]]:
    """The file, and its features by their names."""
    data = json.loads(DATA.read_text("utf-8"))
    return data, {slug: Feature(*row) for slug, row in data["features"].items()}


# ── What a message uses ──────────────────────────────────────────────────────────────────────────────────────────────

_ELEMENTS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("strong", "b", "em", "i"), "html-strong"),
    **dict.fromkeys(("figure", "figcaption", "section", "article", "mark", "time"), "html-semantics"),
    **dict.fromkeys(("s", "strike"), "html-strike"),
}
_ATTRIBUTES = {
    "lang": "html-lang",
    "dir": "html-dir",
    "role": "html-role",
    "align": "html-align",
    "valign": "html-valign",
    "cellpadding": "html-cellpadding",
    "cellspacing": "html-cellspacing",
    "aria-label": "html-aria-label",
    "aria-hidden": "html-aria-hidden",
    "background": "html-background",
}
_SELECTORS = {
    r"^\.|[^\w\]]\.\w": "css-selector-class",
    r">": "css-selector-child",
    r"\+": "css-selector-adjacent-sibling",
    r"~(?!=)": "css-selector-general-sibling",
    r"\[": "css-selector-attribute",
    r"\w\s+[\w.\[]": "css-selector-descendant",
    r",": "css-selector-grouping",
    r"(?<![\w:])#\w": "css-selector-id",
    r"(?:^|[\s,>+])[a-z]": "css-selector-type",
    r"\*": "css-selector-universal",
    r":first-child": "css-pseudo-class-first-child",
    r":last-child": "css-pseudo-class-last-child",
    r":hover": "css-pseudo-class-hover",
}
# Nobody tested these, because every program has them, or because they speak to one program alone.
UNTESTED = {"color", "font-family", "font-style", "unicode-bidi", "content"}
_OWN = re.compile(r"(?:mso-|-webkit-|-ms-|-moz-|supported-)")
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;{}]+)")
_UNITS = re.compile(r"(?<![\w#.])-?[\d.]+(px|em|rem|%|pt|vw|vh|ch)(?!\w)")


def used(html: str) -> set[str]:
    """The features that a message uses, by caniemail's names. Raises ValueError for a property that it never tested."""
    import html5lib

    found = {"html-doctype", "html-style", "html-body"}
    document = html5lib.parse(html, namespaceHTMLElements=False)
    for element in document.iter():
        if isinstance(element.tag, str):
            found |= set(_of_element(element))
    for style in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL):
        found |= set(_of_sheet(style))
    return found & read()[1].keys()


def _of_element(element: Element) -> Iterator[str]:
    yield _ELEMENTS.get(element.tag, f"html-{element.tag}")
    for name, value in element.attrib.items():
        yield _ATTRIBUTES.get(name, f"html-{name}" if name in ("width", "height") else "")
        if name == "style":
            yield from _of_declarations(value)
        if name == "src" and (ending := re.search(r"\.(png|jpe?g|gif|webp|svg)$", value)):
            yield f"image-{ending[1].replace('jpeg', 'jpg')}"
        if name == "href":
            yield "html-mailto-links" if value.startswith("mailto:") else ""
            yield "html-anchor-links" if value.startswith("#") else ""
        if name == "name" and value == "color-scheme":
            yield "html-meta-color-scheme"


def _of_sheet(sheet: str) -> Iterator[str]:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    if "@media" in sheet:
        yield "css-at-media"
    if "prefers-color-scheme" in sheet:
        yield "css-at-media-prefers-color-scheme"
    for selector in re.findall(r"([^{};]+)\{", re.sub(r"@media[^{]+\{", "", sheet)):
        yield from (slug for pattern, slug in _SELECTORS.items() if re.search(pattern, selector.strip()))
    for body in re.findall(r"\{([^{}]*)\}", sheet):
        yield from _of_declarations(body)


def _of_declarations(text: str) -> Iterator[str]:
    for name, value in _DECLARATION.findall(text.replace("&quot;", "'")):
        if _OWN.match(name) or name in UNTESTED:
            continue
        yield _of_property(name, value)
        yield from (f"css-unit-{unit.replace('%', 'percent')}" for unit in _UNITS.findall(value))
        if "!important" in value:
            yield "css-important"


def _of_property(name: str, value: str) -> str:
    if name == "display" and value.strip().startswith("none"):
        return "css-display-none"
    known, shorter = read()[1], name
    while f"css-{shorter}" not in known:
        shorter, _, last = shorter.rpartition("-")
        if not last or not shorter:
            raise ValueError(f"caniemail.com has not tested {name}: leave it out, or put it into UNTESTED")
    return f"css-{shorter}"
