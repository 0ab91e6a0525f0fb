"""What the pages and notices say: in both languages the same, and set as each language is set."""

from __future__ import annotations

import re
import string
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from newsletter.sources.issues import read_issue
from newsletter.sources.themes import shipped_templates
from newsletter.web.look import LANGUAGES
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTICES = ("confirm", "already", "goodbye", "data")


def words(language: str) -> dict[str, str]:
    text = files("newsletter.web").joinpath("phrases", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_and_fills_in_the_same(language: str) -> None:
    english, other = words("en"), words(language)
    assert set(other) == set(english)
    for name, text in other.items():
        assert holes(text) == holes(english[name]), name
        assert "<" not in text, name


def test_french_is_set_as_french_is() -> None:
    for name, text in words("fr").items():
        assert not re.search(r"[ \u00a0][;!?]", text), name
        assert not re.search(r"[ \u202f]:", text), name
        assert not re.search(r"\w[;!?]", text), name
        assert "'" not in text, name


def test_every_phrase_is_used_and_every_phrase_that_is_used_exists() -> None:
    pages = "".join(path.read_text("utf-8") for path in (shipped_templates() / "web").glob("*.j2"))
    code = "".join(each.read_text("utf-8") for each in files("newsletter.web").iterdir() if each.name.endswith(".py"))
    used = set(re.findall(r"said\.(\w+)", pages)) | set(re.findall(r"\bsay\(\"(\w+)\"", pages))
    assert {name for name in used if not name.endswith("_")} <= set(words("en"))
    made = r"^(field|leave|told)_|_(title|text)$"  # their names are put together
    unused = [
        name
        for name in words("en")
        if name not in used and not re.search(made, name) and f'"{name}"' not in code + pages
    ]
    assert unused == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NOTICES)
def test_there_is_every_notice_in_every_language(name: str, language: str, tmp_path: Path) -> None:
    issue = read_issue(shipped_templates() / "notices" / f"{name}.{language}.md", tmp_path)
    assert issue.subject
    assert issue.title
    assert ("confirm_url" in issue.body) == (name == "confirm")
    assert ("data_url" in issue.body) == (name == "data")


@pytest.mark.parametrize(
    ("asked", "path", "answered"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "/subscribe", "fr"),
        ("en;q=0.5, fr;q=0.6", "/subscribe", "fr"),
        ("de, nl;q=0.9", "/subscribe", "en"),
        ("fr;q=0, en", "/subscribe", "en"),
        ("fr;q=nonsense,,;;=,*", "/subscribe", "en"),
        ("de" * 4000, "/subscribe", "en"),
        ("", "/subscribe?lang=fr", "fr"),
        ("en", "/subscribe?lang=fr", "fr"),
        ("fr", "/subscribe?lang=../../etc/passwd", "fr"),
    ],
)
def test_a_visitor_is_answered_in_the_language_that_was_asked_for(
    served: Served, asked: str, path: str, answered: str
) -> None:
    answer = served.get(path, headers={"Accept-Language": asked})
    assert f'<html lang="{answered}"' in answer.text


def test_a_reader_is_answered_in_their_own_language_whatever_the_browser_says(served: Served) -> None:
    reader = served.reader(language="fr-CA")
    for page in ("unsubscribe", "preferences"):
        answer = served.get(served.path(page, reader), headers={"Accept-Language": "en"})
        assert '<html lang="fr"' in answer.text
