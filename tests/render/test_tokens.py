"""Tokens: a theme that cannot be read, or not be used, is refused when it loads, with a word that helps."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.contrast import READABLE, colour, nearest_readable, ratio, written
from newsletter.errors import Problem, ThemeError
from newsletter.render.tokens import pairs
from newsletter.sources.themes import read_theme, shipped_templates, theme_names

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def problems(folder: Path, tokens: str, **files: str) -> tuple[Problem, ...]:
    """What is wrong with the theme `mine`, which inherits from the letter."""
    mine = folder / "mine"
    mine.mkdir(exist_ok=True)
    (mine / "theme.toml").write_text(f'[theme]\ninherits = "letter"\n{tokens}', "utf-8")
    for name, text in files.items():
        (mine / name).write_text(text, "utf-8")
    try:
        read_theme("mine", folder)
    except ThemeError as error:
        return error.problems
    return ()


# ── Contrast ──


def test_black_on_white_is_21_to_1_and_a_colour_on_itself_1_to_1() -> None:
    assert ratio(colour("#000"), colour("#ffffff")) == pytest.approx(21)
    assert ratio(colour("#94391f"), colour("#94391F")) == 1


# As computed by the formula of WCAG, and published in its examples.
@pytest.mark.parametrize(("one", "other", "found"), [("#777777", "#ffffff", 4.48), ("#767676", "#fff", 4.54)])
def test_the_border_of_what_can_be_read_is_where_wcag_puts_it(one: str, other: str, found: float) -> None:
    assert ratio(colour(one), colour(other)) == pytest.approx(found, abs=0.005)


@given(COLOURS, COLOURS)
def test_a_readable_neighbour_can_be_read_and_exists_on_every_ground(
    text: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    near = nearest_readable(text, [ground])
    assert near is not None
    assert ratio(near, ground) >= READABLE
    assert colour(written(near)) == near


def test_a_readable_neighbour_keeps_the_hue() -> None:
    red, green, blue = nearest_readable(colour("#e76f51"), [colour("#ffffff")]) or (0, 0, 0)
    assert red > green > blue


# ── What is refused ──


def test_a_text_that_cannot_be_read_is_told_with_its_ratio_and_a_colour_that_can(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[light]\naccent = "#e76f51"\n')
    assert problem.path is not None
    assert problem.path.endswith("mine/theme.toml")
    assert (problem.line, problem.column) == (4, 1)
    assert "`accent` on `shade` (#e76f51 on #f6f1e7) has a contrast of 2.7 to 1; text needs 4.5" in problem.message
    assert problem.fix is not None
    proposed = problem.fix.split('"')[1]
    assert problems(tmp_path, f'[light]\naccent = "{proposed}"\n') == ()


def test_the_dark_is_held_to_the_same(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[dark]\naccent = "#94391f"\n')
    assert problem.message.startswith("[dark] `accent` on ")


def test_a_ground_of_ones_own_is_at_fault_when_the_text_on_it_is_inherited(tmp_path: Path) -> None:
    found = problems(tmp_path, '[light]\nsheet = "#888888"\n')
    assert found
    for problem in found:
        assert problem.line == 4
        assert problem.fix is not None
        assert problem.fix.startswith('sheet = "')


def test_a_button_is_text_on_a_ground(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[light]\nbutton = "#f2a488"\n')
    assert "`button_ink` on `button`" in problem.message


def test_an_ink_of_ones_own_stands_on_the_ground_of_its_name(tmp_path: Path) -> None:
    style = (
        '{% include "inherited/style.css.j2" %}.x{color:{{ theme.light.band_ink }};background:{{ theme.light.band }}}'
    )
    (problem,) = problems(tmp_path, '[light]\nband = "#446688"\nband_ink = "#223344"\n', **{"style.css.j2": style})
    assert "`band_ink` on `band`" in problem.message


# what stands in theme.toml, a part of the message, a part of the fix
WRONG = [
    ('[light]\nacent = "#94391f"', "no template reads `acent` of [light]", "did you mean 'accent'?"),
    ("[sizes]\nwidht = 600", "no template reads `widht` of [sizes]", "did you mean 'width'?"),
    ('[lihgt]\naccent = "#94391f"', "no template reads [lihgt]", "did you mean 'light'?"),
    ('[light]\naccent = "darkred"', 'accent = "darkred" cannot be used', '"#94391f"'),
    ('[light]\naccent = "rgb(1 2 3)"', "cannot be used", '"#94391f"'),
    ("[light]\naccent = 94391", "accent = 94391 cannot be used", '"#94391f"'),
    ('[sizes]\ntext = "18px"', 'text = "18px" cannot be used', "a whole number from 14 to 24"),
    ("[sizes]\ntext = 8", "text = 8 cannot be used", "smaller is hard to read"),
    ("[sizes]\nwidth = 1200", "width = 1200", "320 to 800"),
    ("[sizes]\ncorner = true", "corner = true", "0 to 48"),
    ('[fonts]\nbody = "Georgia"', 'body = "Georgia"', "serif, sans-serif, monospace"),
    ('[fonts]\nbody = "Times New Roman, serif"', "cannot be used", "single quotes"),
    ('[fonts]\nbody = "Georgia;color:red, serif"', "cannot be used", "single quotes"),
    ('[logo]\nsrc = "http://example.org/logo.png"', 'src = "http://example.org/logo.png"', "https://"),
    ('[logo]\nsrc = "file:///etc/logo.png"', "cannot be used", 'src = "logo.png"'),
    ('[logo]\ndark = "//example.org/logo.png"', "cannot be used", 'dark = "logo.png"'),
    ("[logo]\nwidth = 4", "width = 4", "16 to 800"),
]


@pytest.mark.parametrize(("tokens", "message", "fix"), WRONG)
def test_a_wrong_token_is_told_with_its_line_and_how_to_write_it(
    tmp_path: Path, tokens: str, message: str, fix: str
) -> None:
    (problem,) = problems(tmp_path, tokens)
    assert problem.line == (3 if "no template reads [" in message else 4)
    assert message in problem.message
    assert problem.fix is not None
    assert fix in problem.fix


def test_a_key_of_the_theme_itself_is_not_a_token(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'descripton = "Mine"\n')
    assert problem.fix == "did you mean 'description'?"


def test_a_token_outside_of_a_section_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "theme.toml").write_text('accent = "#94391f"\n[theme]\ninherits = "letter"\n', "utf-8")
    with pytest.raises(ThemeError, match=r"theme\.toml:1:1: `accent` stands in no section\n  → .*\[light\]"):
        read_theme("mine", tmp_path)


def test_all_mistakes_of_a_theme_are_told_together(tmp_path: Path) -> None:
    assert len(problems(tmp_path, '[light]\nink = "black"\nacent = "#123456"\n[sizes]\ntext = 1\n')) == 3


def test_a_token_of_ones_own_is_known_by_the_template_that_reads_it(tmp_path: Path) -> None:
    style = '{% include "inherited/style.css.j2" %}.x { color: {{ theme.light.gold }}; }'
    assert problems(tmp_path, '[light]\ngold = "#b8860b"\n', **{"style.css.j2": style}) == ()
    assert problems(tmp_path, '[light]\ngodl = "#b8860b"\n', **{"style.css.j2": style})


def test_mistakes_of_a_parent_are_told_with_the_parents_file(tmp_path: Path) -> None:
    problems(tmp_path, '[light]\naccent = "#e76f51"\n')
    (tmp_path / "child").mkdir()
    (tmp_path / "child" / "theme.toml").write_text('[theme]\ninherits = "mine"\n', "utf-8")
    with pytest.raises(ThemeError) as caught:
        read_theme("child", tmp_path)
    assert {problem.path for problem in caught.value.problems} == {str(tmp_path / "mine" / "theme.toml")}


# ── What ships ──


@pytest.mark.parametrize("name", theme_names(shipped_templates()))
def test_every_text_of_a_shipped_theme_has_a_ground_that_is_checked(name: str) -> None:
    tokens = read_theme(name).tokens
    checked = {text for text, _ in pairs(tokens["light"])}
    assert {"ink", "soft", "accent", "button_ink"} <= checked
    assert set(tokens["light"]) == set(tokens["dark"])


@pytest.mark.parametrize("name", theme_names(shipped_templates()))
def test_a_shipped_theme_has_a_description_and_no_pure_black_or_white_ink(name: str) -> None:
    text = (shipped_templates() / name / "theme.toml").read_text("utf-8")
    tokens = tomllib.loads(text)
    assert len(tokens["theme"]["description"]) > 20
    for scheme in ("light", "dark"):
        merged = read_theme(name).tokens[scheme]
        assert "#000000" not in merged.values()
        assert merged["ink"] != "#ffffff"


def test_a_contrast_that_just_does_not_do_is_not_told_as_one_that_does(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '[dark]\nink = "#bbbbbb"')
    assert "has a contrast of 4.4 to 1; text needs 4.5" in problem.message
