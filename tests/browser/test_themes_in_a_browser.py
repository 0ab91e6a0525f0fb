"""Each theme as readers see it: narrow and wide, by day and by night, with images and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.sources.themes import shipped_templates, theme_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Screen

THEMES = theme_names(shipped_templates())
WIDTHS = (320, 390, 700)
SCHEMES = ("light", "dark")


@pytest.mark.parametrize("images", [True, False], ids=["images", "no-images"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_nobody_stumbles_and_nobody_is_shut_out(
    show: Callable[..., Screen], theme: str, width: int, scheme: str, images: bool
) -> None:
    screen = show("everything", theme, width, scheme, images=images)
    assert screen.stumbles() == {}
    if images:
        assert screen.violations(contrast=width == 390) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_issue_that_shows_a_theme_is_in_order_on_a_phone(
    show: Callable[..., Screen], theme: str, scheme: str
) -> None:
    screen = show(theme, theme, 390, scheme)
    assert screen.stumbles() == {}
    assert screen.violations() == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", ["arabic", "hebrew"])
@pytest.mark.parametrize("theme", THEMES)
def test_nobody_stumbles_who_reads_from_right_to_left(
    show: Callable[..., Screen], theme: str, language: str, scheme: str
) -> None:
    screen = show(language, theme, 390, scheme)
    assert screen.stumbles() == {}
    assert screen.violations(contrast=False) == []


# Where texts begin, from the right edge of the sheet: everything that stands at the left of an English issue.
BEGINS = """() => {
  const right = (element) => element.getBoundingClientRect().right;
  const edge = Math.max(...[...document.querySelectorAll(".prose p")].map(right));
  const far = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return Math.round(edge - Math.max(...[...range.getClientRects()].map((box) => box.right)));
  };
  const first = (selector) => far(document.querySelector(selector));
  return {
    heading: first("h2"), paragraph: first(".prose p"), item: first("li"), below: first("li li"),
    quote: first(".bar blockquote"), fact: first(".facts th"), told: first(".facts td"), head: first(".data th"),
    columns: [...document.querySelectorAll(".cols .col h3")].map(far),
    face: edge - document.querySelector(".cols img").getBoundingClientRect().right,
    line: parseInt(getComputedStyle(document.querySelector(".bar")).borderRightWidth),
  };
}"""


@pytest.mark.parametrize("language", ["arabic", "hebrew"])
@pytest.mark.parametrize("theme", THEMES)
def test_lists_quotes_and_tables_begin_at_the_right(show: Callable[..., Screen], theme: str, language: str) -> None:
    page = show(language, theme, 700).page
    at = page.evaluate(BEGINS)
    assert at["paragraph"] == 0
    assert at["heading"] <= 2
    assert 0 < at["item"] < at["below"] < 80
    assert 0 < at["quote"] < 60
    assert at["line"] > 0
    assert at["fact"] < at["told"]
    assert at["columns"][0] < 30 < 200 < at["columns"][1]
    assert at["face"] < 30
    assert at["head"] < 100


def test_code_stays_from_left_to_right_in_an_arabic_issue(show: Callable[..., Screen]) -> None:
    page = show("arabic", "letter").page
    first, last = page.evaluate("""() => {
      const range = document.createRange();
      const code = document.querySelector("pre code");
      const box = (node) => { range.selectNodeContents(node); return range.getBoundingClientRect().left; };
      return [box(code.firstElementChild || code), box(code.lastElementChild || code)];
    }""")
    assert first < last
    assert page.evaluate("getComputedStyle(document.querySelector('pre')).textAlign") == "left"
