"""The eye of these tests sees what it is there to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Screen

PAGE = "<!doctype html><html lang=en><title>A page</title><body style='margin:0;color:#222'>{}</body></html>"

SUN = "https://pictures.example.org/hills-99x99.png"

# what is wrong, the HTML, and what is told
FLAWS = [
    ("scroll", "<div style='width:500px;height:9px;background:#eee'></div>", "500 pixels are wide, 390 are there"),
    ("beyond", "<p style='margin-left:350px;white-space:nowrap'>far away from here</p>", "leaves the screen"),
    ("overlaps", "<p>One line</p><p style='margin-top:-38px'>Another line</p>", '"One line" lies on "Another line"'),
    ("overlaps", f"<img alt=Sun src='{SUN}'><p style='margin-top:-60px'>Words</p>", '"Words" lies on "[Sun]"'),
    ("faint", "<p style='color:#888'>Grey words</p>", '"Grey words" has 3.54 to 1'),
    ("faint", "<table><tr><td bgcolor='#333'>Dark words</td></tr></table>", '"Dark words" has 1.'),
    ("tiny", "<p style='font-size:9px'>Small print</p>", '"Small print" is 9px high'),
    ("narrow", "<a class=button href='https://example.org'>Press</a>", 'the button "Press" is 17 high'),
]


@pytest.mark.parametrize(("kind", "html", "told"), FLAWS)
def test_a_flaw_is_seen(screen: Screen, kind: str, html: str, told: str) -> None:
    found = screen.show(PAGE.format(html)).stumbles()
    assert any(told in each for each in found[kind]), found


def test_a_page_in_order_is_found_to_be_so(screen: Screen) -> None:
    text = "<h1>A title</h1><p>Words that go on, and on, and over the end of the line, <b>bold</b> and <i>not</i>.</p>"
    assert screen.show(PAGE.format(text)).stumbles() == {}
    assert screen.violations() == []


def test_axe_finds_what_shuts_somebody_out(screen: Screen) -> None:
    screen.show(PAGE.format("<h1>A title</h1><img src='https://pictures.example.org/hills-40x40.png'><h4>Below</h4>"))
    assert {each.partition(":")[0] for each in screen.violations()} == {"image-alt", "heading-order"}


def test_the_dark_is_asked_for(screen: Screen) -> None:
    style = "<style>p{background:#fff} @media (prefers-color-scheme:dark){p{color:#333 !important}}</style><p>Words</p>"
    assert screen.show(PAGE.format(style), scheme="light").stumbles() == {}
    screen.show(PAGE.format(style.replace("#333", "#ccc")), scheme="dark")
    assert "faint" in screen.stumbles()


def test_images_come_or_do_not(screen: Screen) -> None:
    image = "<img alt=Hills src='https://pictures.example.org/hills-day-80x60.png'>"
    width = "document.images[0].naturalWidth"
    assert screen.show(PAGE.format(image)).page.evaluate(width) == 80
    assert screen.show(PAGE.format(image), images=False).page.evaluate(width) == 0
