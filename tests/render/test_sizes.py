"""How large a message gets: Gmail cuts one at 102 KB, and drops a style sheet of more than 16 KB."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest

from newsletter.edition import fill
from newsletter.encoding import quoted_printable
from newsletter.issue import parse_issue
from newsletter.render import read
from newsletter.render.slots import evaluator
from newsletter.sources.themes import read_theme, shipped_templates, theme_names
from tests.support.everything import LINKS, SITE, ZOE, shown
from tests.support.painted import pictures

THEMES = theme_names(shipped_templates())
SENTENCES = """\
On Tuesday it snowed, and for one morning our street was a village. Nobody could drive, so everybody walked, and whoever
walks says good morning. I met the man from number 14, whom I had taken for a rumour; he clears the pavement in front of
three houses, because, he says, it is not worth putting the shovel away after one. The café at the corner opened late,
and [the baker sold from the window](https://example.org/window) on the *first* floor."""
TABLE = "| Street | Households | Share |\n|:--|--:|--:|\n" + "| Rue des Lilas | 128 | 42 % |\n" * 6
COLUMNS = "::::columns\n:::column\n### Before\n\nA street.\n:::\n:::column\n### After\n\nA village.\n:::\n::::"


@lru_cache
def long_issue(theme: str) -> str:
    """The HTML of an issue of 1,500 words with ten images, a table and two columns."""
    paragraphs = [SENTENCES] * round(1500 / len(SENTENCES.split()))
    images = [
        f'![What is to be seen](https://pictures.example.org/hills-day-{1100 + each}x800.png "In the street, {each}")'
        for each in range(10)
    ]
    parts = [f"## Part {at}\n\n{text}" if at % 4 == 1 else text for at, text in enumerate(paragraphs, 1)]
    for at, image in enumerate(images):
        parts.insert(2 * at + 1, image)
    text = "\n\n".join([*parts, TABLE, COLUMNS])
    assert 1450 < len(" ".join(paragraphs).split()) < 1650
    rendering = read(parse_issue(f"---\ntitle: A street\nnumber: 7\n---\n{text}", "a.md"), read_theme(theme), SITE)
    edition = rendering.edition((), pictures(use.src for use in rendering.uses))
    return fill(edition.html, evaluator(edition)(ZOE, LINKS))


@pytest.mark.parametrize("theme", THEMES)
def test_a_long_issue_with_ten_images_stays_below_60_kilobytes_as_it_travels(theme: str) -> None:
    html = long_issue(theme)
    assert html.count("<img ") >= 10
    assert len(quoted_printable(html)) < 60_000


@pytest.mark.parametrize("theme", THEMES)
def test_even_an_issue_with_every_block_is_not_cut_by_gmail(theme: str) -> None:
    assert len(quoted_printable(shown("everything", theme))) < 102_000


@pytest.mark.parametrize("theme", THEMES)
def test_style_sheets_are_small_enough_for_gmail(theme: str) -> None:
    sheets = re.findall(r"<style[^>]*>(.*?)</style>", shown("everything", theme), re.DOTALL)
    assert len(sheets) >= 3
    assert sum(len(sheet.encode()) for sheet in sheets) < 16_000


@pytest.mark.parametrize("theme", THEMES)
def test_what_every_issue_pays_for_its_theme_is_little(theme: str) -> None:
    rendering = read(parse_issue("---\ntitle: Short\n---\nHello.", "a.md"), read_theme(theme), SITE)
    edition = rendering.edition()
    assert len(quoted_printable(fill(edition.html, evaluator(edition)(ZOE, LINKS)))) < 20_000
