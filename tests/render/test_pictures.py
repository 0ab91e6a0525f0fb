"""Images in an issue: which ones it names, and how each stands in the page once it is prepared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.edition import fill
from newsletter.issue import parse_issue
from newsletter.picture import Picture, enclose
from newsletter.render import Site, read, render
from newsletter.render.theme import Theme
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from newsletter.edition import Edition
    from newsletter.render.pipeline import Rendering

SITE = Site(title="The letter", base_url="https://letter.example.org")
INSIDE = enclose(b"bytes of a photograph", "photo.jpg", "image/jpeg")
CID = f"cid:{INSIDE.content_id}"
WIDE = Picture(CID, 1200, 900, INSIDE)
SMALL = Picture("https://img.example.org/dot-1a2b.png", 48, 24)


def reading(markdown: str, front: str = "") -> Rendering:
    issue = parse_issue(f"---\ntitle: A title\n{front}\n---\n{markdown}", "issues/hello.md")
    return read(issue, read_theme("letter"), SITE)


def uses(markdown: str, front: str = "") -> list[tuple[str, int]]:
    return [(use.src, use.width) for use in reading(markdown, front).uses]


def edition(markdown: str, front: str = "", **images: Picture) -> Edition:
    by_source = {name.replace("_", "."): picture for name, picture in images.items()}
    return reading(markdown, front).edition((), by_source)


def images(edition: Edition) -> list[dict[str, str]]:
    """The attributes of each <img>, without styles."""
    html = fill(edition.html, [""] * len(edition.expressions))
    tags = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<img\b[^>]*>", html)]
    return [{name: value for name, value in tag.items() if name != "style"} for tag in tags]


# ── Which ones ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("![A dog](dog.png)", [("dog.png", 0)]),
        ('![A dog](dog.png "A caption"){width=200}', [("dog.png", 200)]),
        ("[![A dog](dog.png)](https://example.org)", [("dog.png", 0)]),
        ("![A dog][rex]\n\n[rex]: dog.png", [("dog.png", 0)]),
        ("![rex][]\n\n[rex]: <my dog.png>", [("my%20dog.png", 0)]),
        ("In ![a](a.png) a ![b](b.png){width=30px} line", [("a.png", 0), ("b.png", 30)]),
        ("- ![a](a.png)\n\n> ![b](b.png)", [("a.png", 0), ("b.png", 0)]),
        ("| a |\n|---|\n| ![a](a.png) |", [("a.png", 0)]),
        ("## A ![a](a.png) heading", [("a.png", 0)]),
        (
            "{% if subscriber.tags %}\n\n![a](a.png)\n\n{% else %}\n\n![b](b.png)\n\n{% endif %}",
            [("a.png", 0), ("b.png", 0)],
        ),
        ("<img src=a.png>", [("a.png", 0)]),
        ("<p>\n<IMG\n  width='40' SRC = 'a.png?a=1&amp;b=2'></p>", [("a.png?a=1&b=2", 40)]),
        ('Text <img alt="a > b" src="a.png"> text', [("a.png", 0)]),
        ("![a](a.png) ![a](a.png)", [("a.png", 0), ("a.png", 0)]),
        ("`![a](a.png)` and `<img src=a.png>`", []),
        ("    ![a](a.png)\n\n```\n<img src=a.png>\n```", []),
        ("<!-- <img src=a.png> -->\n\nText <!-- <img src=b.png> -->", []),
        ("![no address]()", []),
        ("![theirs]({{ subscriber.fields.photo }})", []),
        ("![theirs](https://example.org/{{ subscriber.email }}.png)", []),
        ('<img src="{{ subscriber.fields.photo }}">', []),
        ("[a link](a.png)", []),
    ],
)
def test_every_image_that_is_shown_to_all_is_found(markdown: str, found: list[tuple[str, int]]) -> None:
    assert uses(markdown) == found


def test_the_image_on_top_comes_first() -> None:
    assert uses("![a](a.png)", "hero: top of the page.jpg") == [("top of the page.jpg", 0), ("a.png", 0)]


def test_each_use_knows_the_line_of_its_block() -> None:
    found = reading("Text.\n\n![a](a.png)\n\n- one\n- ![b](b.png)", "cover: c.png").uses
    assert [(use.src, use.line) for use in found] == [("c.png", 3), ("a.png", 7), ("b.png", 10)]


# ── How they are shown ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_image_across_the_text_is_as_wide_as_the_text_and_says_how_high() -> None:
    made = edition('![A dog](a.png "In the garden")', a_png=WIDE)
    assert images(made) == [{"src": CID, "alt": "A dog", "width": "536", "height": "402"}]


def test_an_image_is_never_enlarged() -> None:
    assert images(edition("![A dot](a.png)", a_png=SMALL)) == [
        {"src": SMALL.src, "alt": "A dot", "width": "48", "height": "24"}
    ]


def test_an_image_is_as_wide_as_the_author_says() -> None:
    assert images(edition("![A dog](a.png){width=200}", a_png=WIDE))[0]["height"] == "150"


def test_the_image_on_top_is_shown_like_the_others() -> None:
    made = edition("Text.", "hero: a.png\nhero_alt: A dog", a_png=WIDE)
    assert images(made) == [{"src": CID, "alt": "A dog", "width": "536", "height": "402"}]


def test_an_image_in_running_text_says_its_size_and_keeps_what_the_author_said() -> None:
    made = edition('See ![a "dot"](a.png){.round} here, ![](b.png){width=100}.', a_png=SMALL, b_png=WIDE)
    assert images(made) == [
        {"src": SMALL.src, "alt": "a “dot”", "class": "round", "width": "48", "height": "24"},
        {"src": CID, "alt": "", "width": "100", "height": "75"},
    ]


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("<img src=a.png>", {"src": CID, "width": "536", "height": "402"}),
        ("<img alt='x' src='a.png' width=100>", {"alt": "x", "src": CID, "width": "100"}),
        ('<img src="a.png" srcset="a.png 1x, b.png 2x" />', {"src": CID, "width": "536", "height": "402"}),
    ],
)
def test_an_image_in_raw_html_gets_its_address_and_a_size_unless_it_says_one(tag: str, shown: dict[str, str]) -> None:
    assert images(edition(f"<div>\n{tag}\n</div>", a_png=WIDE)) == [shown]
    assert images(edition(f"Text {tag} text.", a_png=WIDE)) == [shown]


def test_what_is_not_prepared_is_left_as_it_is() -> None:
    markdown = "![a](a.png)\n\nSee ![b](/b.png) and <img src=c.png>."
    issue = parse_issue(f"---\ntitle: T\nhero: h.png\n---\n{markdown}")
    assert [image["src"] for image in images(render(issue, read_theme("letter"), SITE))] == [
        "https://letter.example.org/h.png",
        "https://letter.example.org/a.png",
        "https://letter.example.org/b.png",
        "c.png",
    ]


# ── What travels along ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_edition_encloses_what_it_shows_once_and_nothing_else() -> None:
    twin = Picture(CID, 1200, 900, INSIDE)
    other = enclose(b"not shown", "x.png", "image/png")
    made = edition(
        "![a](a.png) ![a](a.png) ![b](b.png)",
        "hero: c.png",
        a_png=WIDE,
        b_png=twin,
        c_png=SMALL,
        d_png=Picture(f"cid:{other.content_id}", 1, 1, other),
    )
    assert made.pictures == (INSIDE,)


def test_an_image_that_a_theme_does_not_show_is_not_carried_along() -> None:
    bare = read_theme("letter")
    files = {**bare.files, "blocks/image.mjml.j2": "<p>{{ alt }}</p>"}
    issue = parse_issue("---\ntitle: A title\n---\n![a](a.png)")
    made = read(issue, Theme("bare", files, bare.tokens), SITE).edition((), {"a.png": WIDE})
    assert made.pictures == ()


def test_a_reading_can_become_several_editions() -> None:
    one = reading("![a](a.png)")
    first, second = one.edition((), {"a.png": WIDE}), one.edition((), {"a.png": SMALL})
    assert [images(each)[0]["src"] for each in (first, second, one.edition())] == [
        CID,
        SMALL.src,
        "https://letter.example.org/a.png",
    ]


def test_the_text_part_is_the_same_with_and_without_pictures() -> None:
    markdown = '![A dog](a.png "In the garden")\n\nSee ![a dot](b.png).'
    assert edition(markdown, a_png=WIDE, b_png=SMALL).text == edition(markdown).text
