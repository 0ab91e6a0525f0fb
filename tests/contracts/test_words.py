"""What the program says in an issue: complete in each language that ships, and an author's own words before them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Formatter

import pytest

from newsletter.edition import fill
from newsletter.errors import ThemeError
from newsletter.issue import parse_issue
from newsletter.render import Site, read
from newsletter.render.words import joined, words
from newsletter.sources.themes import read_theme
from newsletter.sources.words import read_words

SHIPPED = Path(__file__).parents[2] / "src" / "newsletter" / "render" / "words"
LANGUAGES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def put(templates: Path, name: str, text: str) -> None:
    path = templates / "words" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def text_of(language: str, site: Site) -> str:
    issue = parse_issue(f"---\ntitle: A title\nlang: {language}\nnumber: 3\n---\nText.", "issues/hello.md")
    edition = read(issue, read_theme("letter"), site).edition()
    return fill(edition.text, [""] * len(edition.expressions))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_that_ships_is_complete_and_fills_in_what_english_does(language: str) -> None:
    said = tomllib.loads((SHIPPED / f"{language}.toml").read_text("utf-8"))
    assert said.keys() == words("en").keys()
    for name, text in said.items():
        places = [{each[1] for each in Formatter().parse(one)} - {None} for one in (text, words("en")[name])]
        assert places[0] == places[1], name


def test_english_french_arabic_and_hebrew_ship() -> None:
    assert {"ar", "en", "fr", "he"} <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "Ana, Bo, and Chloé"),
        ("en-GB", "Ana, Bo and Chloé"),
        ("fr", "Ana, Bo et Chloé"),
        ("de", "Ana, Bo und Chloé"),
        ("ar", "Ana وBo وChloé"),
        ("he", "Ana, Bo וChloé"),
    ],
)
def test_names_are_joined_as_the_language_joins_them(language: str, shown: str) -> None:
    assert joined(["Ana", "Bo", "Chloé"], language) == shown
    assert joined(["Ana"], language) == "Ana"


def test_a_file_of_the_authors_gives_another_language_its_words(tmp_path: Path) -> None:
    put(tmp_path, "de.toml", 'unsubscribe = "Abbestellen"\nissue = "Nr. {number}"\n')
    text = text_of("de-AT", Site(title="Der Brief", words=read_words(tmp_path)))
    assert "Nr. 3" in text
    assert "Abbestellen: " in text
    assert "Read it online" in text, "what it leaves out stays English"


def test_a_file_of_the_authors_goes_before_the_one_that_ships(tmp_path: Path) -> None:
    put(tmp_path, "fr.toml", 'unsubscribe = "Vous partez ?"\n')
    text = text_of("fr", Site(title="La lettre", words=read_words(tmp_path)))
    assert "Vous partez\u202f?" in text
    assert "Lire en ligne" in text


def test_the_words_of_a_region_go_before_those_of_the_language(tmp_path: Path) -> None:
    put(tmp_path, "pt.toml", 'unsubscribe = "Cancelar"\nonline = "Ler no sítio"\n')
    put(tmp_path, "pt-br.toml", 'online = "Ler no site"\n')
    site = Site(title="A carta", words=read_words(tmp_path))
    assert "Ler no site" in text_of("pt-BR", site)
    assert "Cancelar" in text_of("pt-BR", site)
    assert "Ler no sítio" in text_of("pt", site)


def test_without_a_folder_there_are_no_words(tmp_path: Path) -> None:
    assert read_words(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "text", "message", "fix"),
    [
        ("german words.toml", 'by = "x"', "'german words' is no language", "de.toml"),
        ("de.toml", '\nunsubscibe = "x"', "the program never says 'unsubscibe'", "did you mean 'unsubscribe'?"),
        ("de.toml", "\nby = 3", "`by` is a text", 'by = "…"'),
        ("de.toml", '\nby = "Von {author}"', "nothing is filled in for {author} of `by`", "it can hold {authors}"),
        ("de.toml", '\nby = "Von {authors!r}"', "nothing is filled in", "{authors}"),
        ("de.toml", '\nby = "Von {authors.__class__}"', "nothing is filled in", "{authors}"),
        ("de.toml", '\nby = "Von {"', "nothing is filled in", "{authors}"),
        ("de.toml", '\nnote = "{x}"', "nothing is filled in for {x} of `note`", "without braces"),
        ("de.toml", "\nby = ", "", ""),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, name: str, text: str, message: str, fix: str) -> None:
    put(tmp_path, name, text)
    with pytest.raises(ThemeError) as refusal:
        read_words(tmp_path)
    (problem,) = refusal.value.problems
    assert (problem.path or "").endswith(name)
    assert problem.line == (2 if name == "de.toml" else None)
    assert message in problem.message
    assert fix in (problem.fix or "")
