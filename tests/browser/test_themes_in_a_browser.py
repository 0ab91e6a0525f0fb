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
    assert screen.violations() == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_issue_that_shows_a_theme_is_in_order_on_a_phone(
    show: Callable[..., Screen], theme: str, scheme: str
) -> None:
    screen = show(theme, theme, 390, scheme)
    assert screen.stumbles() == {}
    assert screen.violations() == []
