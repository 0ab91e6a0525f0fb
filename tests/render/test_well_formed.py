"""A second parser's opinion: what every theme makes is HTML without a mistake, to be seen and to be heard."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from newsletter.sources.themes import shipped_templates, theme_names
from tests.support.everything import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

THEMES = theme_names(shipped_templates())
ISSUES = ("everything", "arabic")


def parsed(html: str) -> Element:
    """The document, read as the HTML standard says. Raises ParseError at the first thing that it calls wrong."""
    import html5lib

    document: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    return document


def each(document: Element, tag: str) -> Iterator[Element]:
    yield from (element for element in document.iter() if element.tag == tag)


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


@pytest.mark.parametrize("issue", ISSUES)
@pytest.mark.parametrize("theme", THEMES)
def test_a_strict_parser_finds_nothing_wrong(theme: str, issue: str) -> None:
    assert words(parsed(shown(issue, theme)))


def test_the_strict_parser_is_strict() -> None:
    from html5lib.html5parser import ParseError

    for wrong in ("<p>no doctype", "<!doctype html><p><b>x</p></b>", "<!doctype html><p>a & b &nosuch;"):
        with pytest.raises(ParseError):
            parsed(wrong)


@pytest.mark.parametrize(("issue", "language", "direction"), [("everything", "en", "ltr"), ("arabic", "ar", "rtl")])
@pytest.mark.parametrize("theme", THEMES)
def test_language_and_direction_stand_on_the_document_and_on_what_survives_of_it(
    theme: str, issue: str, language: str, direction: str
) -> None:
    document = parsed(shown(issue, theme))
    (body,) = each(document, "body")
    for element in (document, body[0]):
        assert (element.get("lang"), element.get("dir")) == (language, direction)


@pytest.mark.parametrize("theme", THEMES)
def test_the_outline_has_one_title_and_no_holes(theme: str) -> None:
    document = parsed(shown("everything", theme))
    (title,) = each(document, "title")
    levels = [int(element.tag[1]) for element in document.iter() if str(element.tag) in {f"h{n}" for n in range(1, 7)}]
    (head,) = each(document, "h1")
    assert words(title) == words(head) != ""
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("theme", THEMES)
def test_tables_are_layout_or_data_and_say_so(theme: str) -> None:
    for table in each(parsed(shown("everything", theme)), "table"):
        heads = list(each(table, "th"))
        if table.get("role") == "presentation":
            inner = {head for other in each(table, "table") if other is not table for head in each(other, "th")}
            assert set(heads) == inner
        else:
            assert heads
            assert all(head.get("scope") in {"row", "col"} for head in heads)


@pytest.mark.parametrize("theme", THEMES)
def test_images_are_described_and_have_a_width_and_links_say_where_they_go(theme: str) -> None:
    document = parsed(shown("everything", theme))
    for image in each(document, "img"):
        assert image.get("alt") is not None
        assert (image.get("width") or "").isdecimal(), image.attrib
    for link in each(document, "a"):
        assert words(link) or any(image.get("alt") for image in each(link, "img"))
        assert link.get("href")


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_loaded_but_the_authors_images(theme: str) -> None:
    html = shown("everything", theme)
    document = parsed(html)
    sources = {str(image.get("src")) for image in each(document, "img")}
    assert all(source.startswith(("https://pictures.example.org/", "https://i.ytimg.com/")) for source in sources), (
        sources
    )
    assert not list(each(document, "script"))
    assert not list(each(document, "link"))
    assert "url(" not in html
    assert "@import" not in html
