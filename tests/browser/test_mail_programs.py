"""What mail programs do to a message: drop its style sheets, mark what they recoloured, turn light and dark round."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.sources.themes import read_theme, shipped_templates, theme_names
from tests.support.everything import shown
from tests.support.painted import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Screen

THEMES = theme_names(shipped_templates())


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("theme", THEMES)
def test_a_message_is_whole_without_its_style_sheets(screen: Screen, theme: str, width: int) -> None:
    """Gmail's app shows other accounts' mail so, and web.de all mail."""
    html = re.sub(r"<style.*?</style>", "", shown("everything", theme), flags=re.DOTALL)
    found = screen.show(html, width).stumbles()
    # A wide table cannot become a list of its rows then: the message is pushed aside, and nothing is lost.
    assert set(found) <= {"scroll", "beyond"}
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= width * 1.25


@pytest.mark.parametrize("theme", THEMES)
def test_outlook_shows_our_colours_for_the_dark(show: Callable[..., Screen], theme: str) -> None:
    screen = show("everything", theme)
    screen.page.evaluate("document.documentElement.dataset.ogsc = document.documentElement.dataset.ogsb = ''")
    assert screen.stumbles() == {}
    look = "getComputedStyle(document.querySelector('.prose div')).color"
    ink = read_theme(theme).tokens["dark"]["ink"]
    assert screen.page.evaluate(look) == f"rgb({int(ink[1:3], 16)}, {int(ink[3:5], 16)}, {int(ink[5:], 16)})"


# Gmail on a phone turns the lightness of colours round: on iOS of all, on Android of dark texts and light grounds.
INVERT = """(which) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const hsl = ([r, g, b]) => {
    [r, g, b] = [r / 255, g / 255, b / 255];
    const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
    const light = (most + least) / 2, span = most - least;
    if (!span) return [0, 0, light];
    const hue = most === r ? ((g - b) / span + 6) % 6 : most === g ? (b - r) / span + 2 : (r - g) / span + 4;
    return [hue * 60, span / (1 - Math.abs(2 * light - 1)), light];
  };
  const turn = (colour, is_ground) => {
    const found = numbers(colour);
    if (found[3] < 255) return null;
    const [hue, saturation, light] = hsl(found);
    if (which === "partly" && (is_ground ? light < 0.5 : light > 0.5)) return null;
    // No ground becomes quite black.
    return `hsl(${hue} ${saturation * 100}% ${Math.max(is_ground ? 7 : 0, (1 - light) * 100)}%)`;
  };
  const changes = [];
  for (const element of document.querySelectorAll("html, body, body *")) {
    const style = getComputedStyle(element);
    const said = element.style;
    if (said.color || element.tagName === "MARK") changes.push([element, "color", turn(style.color, false)]);
    changes.push([element, "background-color", turn(style.backgroundColor, true)]);
  }
  for (const [element, name, colour] of changes) if (colour) element.style.setProperty(name, colour, "important");
}"""


@pytest.mark.parametrize("which", ["all", "partly"])
@pytest.mark.parametrize("theme", THEMES)
def test_colours_that_are_turned_round_can_still_be_read(show: Callable[..., Screen], theme: str, which: str) -> None:
    screen = show("everything", theme)
    screen.page.evaluate(INVERT, which)
    assert screen.stumbles() == {}


@pytest.mark.parametrize("theme", THEMES)
def test_a_logo_gives_way_to_the_one_for_the_dark(screen: Screen, theme: str) -> None:
    html = shown("everything", theme, logo=True)
    seen = (
        "[...document.querySelectorAll('.logo img')].filter((each) => each.checkVisibility()).map((each) => each.src)"
    )
    for scheme, motif in (("light", "day"), ("dark", "dusk")):
        assert screen.show(html, 390, scheme).page.evaluate(seen) == [f"{ORIGIN}hills-{motif}-240x80.png"]
        assert screen.stumbles() == {}
        assert screen.violations(contrast=False) == []
