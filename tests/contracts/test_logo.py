"""The logo of a theme: prepared like the images of an issue, by day and by night, or an error that helps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.edition import fill
from newsletter.errors import IssueError, Problem
from newsletter.issue import parse_issue
from newsletter.render import Site, read
from newsletter.sources.images import Cache, Desk, prepare
from newsletter.sources.themes import read_theme
from tests.support.images import drawing, saved

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.edition import Edition
    from newsletter.picture import Picture
    from newsletter.render.pictures import Use

SITE = Site(title="The letter", base_url="https://letter.example.org")
LOGO = saved(drawing(480, 160))
NIGHT = saved(drawing(480, 120))
THEME = '[theme]\ninherits = "letter"\n\n[logo]\nsrc = "logo.png"\n'


class Newsletter:
    """A newsletter in a folder, with a theme of its own that has a logo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk(folder, Cache(folder / ".cache" / "images"))
        self.put("issues/hello.md", b"")

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def rendered(
        self, theme: str, markdown: str = "Text.", desk: Desk | None = None
    ) -> tuple[Edition, dict[str, Use], dict[str, Picture]]:
        self.put("templates/mine/theme.toml", theme.encode())
        issue = parse_issue(f"---\ntitle: A title\n---\n{markdown}", "issues/hello.md")
        reading = read(issue, read_theme("mine", self.folder / "templates"), SITE)
        found = prepare(reading.uses, issue, self.folder / "issues" / "hello.md", 600, desk or self.desk).pictures
        return reading.edition((), found), {use.src: use for use in reading.uses}, dict(found)


@pytest.fixture
def letter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path)


def logos(edition: Edition) -> list[dict[str, str]]:
    html = fill(edition.html, [""] * len(edition.expressions))
    return [
        dict(re.findall(r'(src|alt|width|height|class)="([^"]*)"', tag)) for tag in re.findall(r"<img\b[^>]*>", html)
    ]


def test_a_file_in_the_themes_folder_travels_inside_the_message(letter: Newsletter) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    edition, _, _ = letter.rendered(THEME)
    (inside,) = edition.pictures
    (logo,) = logos(edition)
    assert logo == {
        "src": f"cid:{inside.content_id}",
        "alt": "The letter",
        "width": "120",
        "height": "40",
        "class": "",
    }


def test_a_logo_is_made_twice_as_wide_as_it_is_shown(letter: Newsletter) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    _, uses, pictures = letter.rendered(f"{THEME}width = 100")
    assert pictures[uses["logo.png"].key].width == 200


def test_the_one_for_the_night_has_its_own_height(letter: Newsletter) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    letter.put("templates/mine/night.png", NIGHT)
    edition, _, _ = letter.rendered(f'{THEME}dark = "night.png"\nalt = "Lilacs"')
    day, night = logos(edition)
    assert len(edition.pictures) == 2
    assert (day["height"], night["height"]) == ("40", "30")
    assert (day["alt"], night["alt"]) == ("Lilacs", "Lilacs")
    assert day["src"] != night["src"]


def test_into_a_folder_it_goes_with_the_images_of_the_issue(letter: Newsletter, tmp_path: Path) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    desk = Desk(tmp_path, letter.desk.cache, tmp_path / "public", "https://img.example.org")
    edition, _, _ = letter.rendered(THEME, desk=desk)
    (logo,) = logos(edition)
    assert not edition.pictures
    assert (tmp_path / "public" / logo["src"].removeprefix("https://img.example.org/")).is_file()


def test_an_image_of_the_issue_may_have_the_same_name(letter: Newsletter) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    letter.put("issues/logo.png", NIGHT)
    edition, _, _ = letter.rendered(THEME, "![Another](logo.png)")
    logo, image = logos(edition)
    assert logo["src"] != image["src"]
    assert image["height"] == "120"


def test_a_theme_that_goes_on_from_another_has_its_logo_from_that_ones_folder(letter: Newsletter) -> None:
    letter.put("templates/base/theme.toml", THEME.encode())
    letter.put("templates/base/logo.png", LOGO)
    letter.put("templates/mine/night.png", NIGHT)
    edition, _, _ = letter.rendered('[theme]\ninherits = "base"\n\n[logo]\ndark = "night.png"\n')
    assert len(logos(edition)) == 2


@pytest.mark.parametrize(
    ("src", "message"),
    [
        ("lgo.png", "the image 'lgo.png' does not exist"),
        ("drawing.svg", "is an SVG drawing"),
        ("../../../logo.png", "lies outside of the newsletter's folder"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_the_themes_line(letter: Newsletter, src: str, message: str) -> None:
    letter.put("templates/mine/logo.png", LOGO)
    letter.put("templates/mine/drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    with pytest.raises(IssueError) as refusal:
        letter.rendered(THEME.replace("logo.png", src))
    (problem,) = refusal.value.problems
    assert isinstance(problem, Problem)
    assert message in problem.message
    assert (problem.path or "").endswith("templates/mine/theme.toml")
    assert problem.line == 5


def test_where_images_are_left_as_they_are_a_file_gives_way_to_the_newsletters_name(letter: Newsletter) -> None:
    letter.put("templates/mine/theme.toml", THEME.encode())
    issue = parse_issue("---\ntitle: A title\n---\nText.", "issues/hello.md")
    edition = read(issue, read_theme("mine", letter.folder / "templates"), SITE).edition()
    assert logos(edition) == []
    assert "The letter</div>" in fill(edition.html, [""] * len(edition.expressions))
