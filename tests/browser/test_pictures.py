"""The pictures of themes and blocks in the documentation; `make pictures` takes them anew."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.sources.themes import shipped_templates, theme_names
from tests.browser.conftest import Screen, answer
from tests.support.everything import shown
from tests.support.examples import PICTURES as BLOCKS
from tests.support.examples import pictured, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

PICTURES = Path(__file__).parents[2] / "docs" / "pictures" / "themes"
THEMES = theme_names(shipped_templates())
WIDTH, HEIGHT = 390, 900
PAGE = 600  # CSS pixels: a page without a margin
LARGEST = 120_000  # bytes


@pytest.fixture(scope="module")
def sharp(browser: Browser) -> Iterator[Screen]:
    """A telephone, with two pixels for one."""
    page = browser.new_page(device_scale_factor=2)
    page.route("**/*", answer)
    yield Screen(page)
    page.close()


def small(picture: bytes, colours: int = 96) -> bytes:
    """The same picture with few colours, which are enough for flat ones."""
    from PIL import Image

    out = BytesIO()
    few = Image.open(BytesIO(picture)).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_has_its_pictures(sharp: Screen, theme: str, scheme: str, request: pytest.FixtureRequest) -> None:
    from PIL import Image

    path = PICTURES / f"{theme}-{WIDTH}-{scheme}.png"
    sharp.show(shown(theme, theme), WIDTH, scheme)
    sharp.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    taken = small(sharp.page.screenshot())
    if request.config.getoption("--pictures"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(taken)
    assert path.stat().st_size < LARGEST
    with Image.open(path) as kept, Image.open(BytesIO(taken)) as now:
        assert kept.size == now.size == (2 * WIDTH, 2 * HEIGHT)
        # Faces differ between machines; the colour of the paper does not.
        assert kept.convert("RGB").getpixel((4, 2 * HEIGHT - 4)) == pytest.approx(
            now.convert("RGB").getpixel((4, 2 * HEIGHT - 4)), abs=6
        )


@pytest.mark.parametrize("name", sorted(pictured()))
def test_each_block_has_its_picture(sharp: Screen, name: str, request: pytest.FixtureRequest) -> None:
    from PIL import Image

    example = pictured()[name]
    sharp.show(seen(example), PAGE)
    assert sharp.stumbles() == {}
    taken = small(sharp.page.locator("body > div").first.screenshot(), 48)
    if request.config.getoption("--pictures"):
        example.path.parent.mkdir(parents=True, exist_ok=True)
        example.path.write_bytes(taken)
    with Image.open(example.path) as kept, Image.open(BytesIO(taken)) as now:
        assert kept.width == now.width == 2 * PAGE
        # Faces differ between machines, and so do the ends of lines.
        assert kept.height == pytest.approx(now.height, rel=0.25)
        assert kept.convert("RGB").getpixel((4, 4)) == pytest.approx(now.convert("RGB").getpixel((4, 4)), abs=6)


def test_all_pictures_together_are_small_and_each_is_shown() -> None:
    assert sum(path.stat().st_size for path in BLOCKS.glob("*.png")) < 2_500_000
    assert {path.stem for path in BLOCKS.glob("*.png")} == set(pictured())
