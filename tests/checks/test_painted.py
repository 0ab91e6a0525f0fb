"""A mail's look is worked out whatever stands in its styles; tests/browser/test_painted.py holds it to a browser."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.checks.css_colours import Paint, paint
from newsletter.checks.painted import texts

PIECES = [*"abp.#[]{}():;,>+~*@!%-0123 \n\"'/\\", "color:", "@media", "rgb(", "url(", "opacity:", "font-size:", "px"]
STYLES = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(sheet=STYLES, style=STYLES)
def test_no_style_of_an_author_stops_the_check(sheet: str, style: str) -> None:
    style = style.replace('"', "")
    html = f'<html><head><style>{sheet}</style></head><body><p class="a" style="{style}">Hello</p></body></html>'
    for dark in (False, True):
        assert {each.words for each in texts(html, dark=dark)} <= {"Hello"}


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("#abc", Paint((170, 187, 204))),
        ("#AABBCC80", Paint((170, 187, 204), 128 / 255)),
        ("DarkSlateGrey", Paint((47, 79, 79))),
        ("rgb(0 0 0 / 50%)", Paint((0, 0, 0), 0.5)),
        ("rgba(10%, 300, -5, 2)", Paint((26, 255, 0))),
        ("hsl(120deg, 100%, 25%)", Paint((0, 128, 0))),
        ("transparent", Paint((0, 0, 0), 0.0)),
        ("rgb(1, 2)", None),
        ("rgb(a, b, c)", None),
        ("hsl(x, 1%, 1%)", None),
        ("var(--ink)", None),
        ("#abcde", None),
        ("", None),
    ],
)
def test_a_colour_is_read_as_style_sheets_write_it(written: str, seen: Paint | None) -> None:
    assert paint(written) == seen


def test_a_colour_that_shines_through_is_mixed_with_what_is_below() -> None:
    assert Paint((0, 0, 0), 0.5).over((255, 255, 255)) == (128, 128, 128)


def test_a_large_style_sheet_is_read_in_linear_time() -> None:
    def seconds(rules: int) -> float:
        began = process_time()
        [*texts(f"<style>{'p.a{color:#111;margin:0} ' * rules}</style><p>Hello</p>")]
        return process_time() - began

    seconds(10)
    assert seconds(10_000) < 40 * max(seconds(1_000), 0.02)
