"""docs/reference/clients.md keeps in step with the themes, and says what a reader sees where a feature is missing."""

from __future__ import annotations

import re

import pytest

from newsletter.checks.mail_programs import DATA, read, used
from scripts.caniemail import GONE, reduced, written
from scripts.clients import PAGE, THEN, page


def test_the_page_is_what_the_themes_and_the_data_give() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make golden"


def test_each_row_has_a_program_a_consequence_and_the_day_of_the_test() -> None:
    rows = re.findall(r"^\| \[.+?\]\(https://www\.caniemail\.com/.+$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 40
    for row in rows:
        _, themes, missing, partly, then, tested = row.strip("| ").split(" | ")
        assert themes
        assert missing.strip() or partly.strip(), row
        assert len(then) > 10
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", tested), row


def test_nothing_is_told_of_features_that_no_theme_uses() -> None:
    told = [slug for sentences in THEN.values() for slug in sentences]
    assert sorted(re.findall(r"caniemail\.com/features/([\w-]+)/", PAGE.read_text("utf-8"))) == sorted(told)


def test_only_the_newest_version_of_a_program_counts() -> None:
    names = {"family": {"outlook": "Outlook"}, "platform": {"windows": "Windows"}}
    stats = {"outlook": {"windows": {"2013": "n", "2016": "a #1", "2019": "y"}, "windows-mail": {"2019-10": "n"}}}
    feature = {"slug": "css-x", "title": "x", "last_test_date": "2024-01-02", "category": "css", "stats": stats}
    document = {"nicenames": names, "last_update_date": "2026-05-13 14:45", "data": [feature]}
    kept = reduced(document, "2.0.2")
    assert kept["clients"] == {"outlook.windows": "Outlook, Windows"}
    assert kept["features"] == {"css-x": ["x", "2024-01-02", "y"]}
    assert "outlook.windows-mail" in GONE


def test_the_data_is_small_and_names_its_source_and_licence() -> None:
    data, features = read()
    assert DATA.stat().st_size < 40_000
    assert written(data) == DATA.read_text("utf-8")
    assert re.search(r"npm's caniemail \d+\.\d+\.\d+$", data["source"])
    assert "MIT" in data["license"]
    assert "Copyright (c) 2019" in (DATA.parent / "caniemail-license.txt").read_text("utf-8")
    assert all(len(feature.support) == len(data["clients"]) for feature in features.values())


# a message, and a feature that it uses
USES = [
    ("<p style='border-left:1px solid #123456'>x</p>", "css-border"),
    ("<p style='border-radius:4px'>x</p>", "css-border-radius"),
    ("<p style='display:none'>x</p>", "css-display-none"),
    ("<p style='margin:0 2em'>x</p>", "css-unit-em"),
    ("<td valign=top>x</td>", "html-valign"),
    ("<a href='#notes'>x</a>", "html-anchor-links"),
    ("<img src='https://example.org/a.png' alt=''>", "image-png"),
    ("<style>@media (prefers-color-scheme:dark){p{color:red}}</style>", "css-at-media-prefers-color-scheme"),
    ("<style>.a > .b{color:red !important}</style>", "css-selector-child"),
    ("<style>[data-ogsc] .b{color:red}</style>", "css-selector-attribute"),
]


@pytest.mark.parametrize(("html", "feature"), USES)
def test_what_a_message_uses_is_found(html: str, feature: str) -> None:
    html = html.replace("<td", "<table><tr><td")
    assert feature in used(f"<!doctype html><html><body>{html}</body></html>")


def test_a_property_that_nobody_tested_is_told_by_its_name() -> None:
    assert "css-?text-wobble" in used("<p style='text-wobble:3px'>x</p>")


def test_the_features_that_themes_know_how_to_do_without_are_those_of_the_page() -> None:
    assert read()[0]["handled"] == sorted(slug for sentences in THEN.values() for slug in sentences)
