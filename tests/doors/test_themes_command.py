"""`newsletter themes`: which themes there are, and what each of them is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.sources.themes import shipped_templates, theme_names

if TYPE_CHECKING:
    import pytest

    from tests.support.author import Author

ROOT = Path(__file__).parents[2]
SHIPPED = theme_names(shipped_templates())


def own_theme(folder: Path, tokens: str = "", **files: str) -> Path:
    """A theme `mine` of the author's."""
    mine = folder / "templates" / "mine"
    mine.mkdir(parents=True)
    head = '[theme]\ndescription = "My own, in green."\ninherits = "interview"\n'
    (mine / "theme.toml").write_text(head + tokens, "utf-8")
    for name, text in files.items():
        (mine / name).write_text(text, "utf-8")
    return mine


def listed(author: Author) -> dict[str, dict[str, Any]]:
    answer = author.run("themes", "--json")
    assert answer.code == 0
    return {each["name"]: each for each in json.loads(answer.out)}


def test_all_themes_are_listed_with_what_they_are_for_and_how_wide_they_are(author: Author) -> None:
    answer = author.run("themes")
    assert answer.code == 0
    for name in SHIPPED:
        assert f"\n{name} " in f"\n{answer.out}"
    assert answer.out.count(" pixels wide, ") == answer.out.count("shipped") == len(SHIPPED)


def test_an_own_theme_is_listed_with_its_folder(author: Author) -> None:
    own_theme(author.folder)
    answer = author.run("themes")
    assert "My own, in green." in answer.out
    assert "templates/mine" in answer.out
    theme = listed(author)["mine"]
    assert (theme["shipped"], theme["inherits"], theme["width"]) == (False, "interview", 620)
    assert theme["folder"] == str(author.folder / "templates" / "mine")


def test_what_the_parent_says_about_itself_is_not_said_of_the_child(author: Author) -> None:
    (own_theme(author.folder) / "theme.toml").write_text('[theme]\ninherits = "interview"\n', "utf-8")
    assert listed(author)["mine"]["description"] == ""


def test_a_theme_is_shown_with_its_tokens_and_the_files_that_it_changes(author: Author) -> None:
    own_theme(
        author.folder,
        '[light]\naccent = "#1f5f3a"\n',
        **{"style.css.j2": '{% include "inherited/style.css.j2" %}', "text.j2": "{{ body }}", "extra.j2": ""},
    )
    answer = author.run("themes", "mine")
    assert answer.code == 0
    assert "inherits from interview" in answer.out
    lines = [line.split() for line in answer.out.splitlines()]
    assert ["accent", "#1f5f3a", "#ff8e75"] in lines
    assert ["width", "620", "px"] in lines
    shown = answer.out[answer.out.index("3 files of its own") :].splitlines()[1:]
    assert shown == ["  adds          extra.j2", "  goes on from  style.css.j2", "  replaces      text.j2"]


def test_a_theme_is_shown_to_scripts(author: Author) -> None:
    answer = author.run("themes", "report", "--json")
    shown = json.loads(answer.out)
    assert shown["tokens"]["sizes"]["width"] == shown["width"] == 640
    assert shown["text_width"] == 640 - 2 * shown["tokens"]["sizes"]["margin"]
    assert shown["files"]["layout.mjml.j2"] == "goes on from"


def test_the_reference_tells_of_every_key(author: Author) -> None:
    page = (ROOT / "docs" / "reference" / "json.md").read_text("utf-8").partition("## themes")[2]
    shown = json.loads(author.run("themes", "report", "--json").out)
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", page, re.MULTILINE) == list(shown)
    assert set(listed(author)["report"]) == set(shown) - {"tokens", "files"}


def test_an_unknown_theme_is_refused_with_the_nearest_one(author: Author) -> None:
    answer = author.run("themes", "portrat")
    assert answer.code == 3
    assert "did you mean 'portrait'?" in answer.err


def test_a_broken_theme_is_told_and_the_others_are_listed(author: Author) -> None:
    own_theme(author.folder, '[light]\naccent = "green"\n')
    answer = author.run("themes")
    assert answer.code == 3
    assert "templates/mine/theme.toml:5:1" in answer.err
    assert all(name in answer.out for name in SHIPPED)


def test_outside_of_a_newsletter_the_shipped_ones_are_listed(
    author: Author, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert tuple(listed(author)) == SHIPPED


def test_a_broken_configuration_is_told(author: Author) -> None:
    (author.folder / "newsletter.toml").write_text("[newsletter]\ntitel = 'x'\n")
    assert author.run("themes").code == 3
