"""What some mail programs make of a message, as far as a browser can show it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.checks.simulations import as_outlook, dark, inbox_lines, inverted, without_images

PAGE = """<!doctype html><html><head><style>
p { color: red }
@media (prefers-color-scheme: dark) { p { color: white } }
@media only screen and (max-width:480px) { p { width: 100% } }
</style></head><body>
<!--[if mso]><p class="outlook">For Word</p><![endif]-->
<!--[if !mso]><!--><p class="others">For others</p><!--<![endif]-->
<p style="border-radius:4px;padding:4px;background-color:#fff">x</p>
<img src="https://example.org/a.png" alt="A tree"><td style="background:url(https://example.org/b.png)">
</body></html>"""


def test_the_dark_is_in_force_or_out_of_it_whatever_the_screen_is_set_to() -> None:
    assert "@media all { p { color: white }" in dark(PAGE)
    assert "@media not all { p { color: white }" in dark(PAGE, on=False)
    assert "max-width:480px" in dark(PAGE)


def test_without_images_no_address_of_one_is_left_and_the_texts_stay() -> None:
    shown = without_images(PAGE)
    assert "example.org" not in shown
    assert 'alt="A tree"' in shown


def test_outlook_reads_what_is_written_for_it_and_loses_what_it_does_not_know() -> None:
    shown = as_outlook(PAGE)
    assert "For Word" in shown
    assert "For others" not in shown
    assert "border-radius" not in shown
    assert "@media" not in shown
    assert "padding:4px" in shown


def test_turned_round_means_everything_but_the_images() -> None:
    shown = inverted(PAGE)
    assert shown.count("invert(1)") == 2
    assert re.search(r"img[^{]*\{filter", shown)


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_line_is_never_longer_than_the_program_shows(subject: str, preheader: str) -> None:
    for line in inbox_lines("La lettre", subject, preheader):
        assert len(line.subject) <= 70
        assert len(line.preheader) <= 110


@pytest.mark.parametrize("html", ["", "<p>", "<style>@media (prefers-color-scheme: dark) {", "<!--[if mso]>", "a{b"])
def test_broken_markup_is_no_reason_to_fail(html: str) -> None:
    for simulate in (dark, without_images, inverted, as_outlook):
        assert isinstance(simulate(html), str)
