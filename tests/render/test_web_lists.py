"""The list of issues: whole on one page while they are few, by year when they are many, and never heavy."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from posixpath import normpath
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render import web_feeds as feeds
from newsletter.render.web import WebForm
from newsletter.render.web_lists import MOST, listings
from newsletter.render.web_pages import Entry, Journal, Pages
from newsletter.sources.themes import read_theme
from newsletter.sources.web_templates import read_web_templates

FIRST = datetime(2019, 1, 7, 6, 30, tzinfo=UTC)
TITLE = "Ce que disent les lettres que personne n’a écrites, et celles qui attendent"  # 76 characters
SUMMARY = "Un numéro sur la patience, le papier, les timbres et les gens qui répondent encore à la main, le dimanche."


def journal(number: int, days_apart: float = 7) -> Journal:
    """A newsletter with so many issues."""
    entries = [
        Entry(WebForm(f"{n:03}-une-lettre-de-plus", f"{n} {TITLE}", "fr", "", "", "", summary=SUMMARY, number=n), at)
        for n, at in ((n, FIRST + timedelta(days=days_apart * n)) for n in range(number))
    ]
    empty = Journal("Lettres & co", "fr", "https://lettres.example.org", "subscribe", "Camille")
    return empty.with_entries(entries)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(read_web_templates(Path("nowhere")), read_theme("letter"))


def listed(page: str) -> list[str]:
    """The issues that a page lists, as links from the archive's folder."""
    return [slug.rpartition("/")[2] for slug in re.findall(r'<h3[^>]*><a href="([^"]*)/"', page)]


def test_as_long_as_issues_are_few_one_page_has_them_all(pages: Pages) -> None:
    few = journal(MOST)
    assert [listing.path for listing in few.listings] == [""]
    page = pages.index(few).content.decode()
    assert len(listed(page)) == MOST
    assert 'href="#a-2019">2019</a>' in page


def test_of_many_the_newest_are_on_the_first_page_and_each_older_year_has_its_own(pages: Pages) -> None:
    many = journal(400)  # weekly, from January 2019 to August 2026
    assert [listing.path for listing in many.listings] == ["", *(f"-/{year}/" for year in range(2024, 2018, -1))]
    home = pages.index(many).content.decode()
    assert listed(home) == [f"{n:03}-une-lettre-de-plus" for n in range(399, 299, -1)]
    assert re.findall(r'<a href="([^"]*)">(20\d\d)</a>', home) == [
        ("#a-2026", "2026"), ("#a-2025", "2025"),
        *((f"-/{year}/", str(year)) for year in range(2024, 2018, -1)),
    ]  # fmt: skip
    old = pages.index(many, 3).content.decode()
    assert "<title>Lettres &amp; co\u202f: tous les numéros, 2022</title>" in old
    assert '<link rel="canonical" href="https://lettres.example.org/archive/-/2022/">' in old
    assert '<a href="../../-/2022/" aria-current="page">2022</a>' in old
    assert '<a href="../../">Tous les numéros</a>' in old
    assert 'href="../../../subscribe"' in old


@pytest.mark.parametrize("days_apart", [7, 1, 0.2])
def test_no_page_weighs_more_than_50_kilobytes(pages: Pages, days_apart: float) -> None:
    many = journal(400, days_apart)
    weights = {
        listing.path: len(pages.index(many, at).content) for at, listing in enumerate(many.listings)
    }  # fmt: skip
    assert max(weights.values()) < 50_000, weights


def test_a_very_full_year_goes_on_and_its_first_pages_stay_as_they_are() -> None:
    before, after = journal(230, 1), journal(280, 1)
    assert [(each.path, each.label) for each in before.listings[1:]] == [
        ("-/2019/3/", "2019 · 3"), ("-/2019/2/", "2019 · 2"), ("-/2019/", "2019 · 1"),
    ]  # fmt: skip
    assert before.listings[2:] == after.listings[2:]


def test_links_between_pages_of_the_list_lead_to_each_other(pages: Pages) -> None:
    many = journal(400, 2)
    addresses = {listing.path for listing in many.listings}
    slugs = {entry.folder for entry in many.entries}
    for at, listing in enumerate(many.listings):
        links = re.findall(r'<a href="([^"#]+)', pages.index(many, at).content.decode().partition("<main")[2])
        for link in links:
            path = normpath(f"/{listing.path}{link}").lstrip("/")
            assert f"{path}/" in slugs or path in {"feed.xml", "atom.xml", "feed.json"} or (
                f"{path}/" if path else ""
            ) in addresses, (listing.path, link)  # fmt: skip


def test_the_sitemap_names_every_page_of_the_list() -> None:
    many = journal(400)
    root = ET.fromstring(feeds.sitemap(many))
    places = [each.findtext("{http://www.sitemaps.org/schemas/sitemap/0.9}loc") for each in root]
    assert {f"{many.home}{listing.path}" for listing in many.listings} <= set(places)
    assert len(places) == len(set(places)) == 400 + len(many.listings)


@given(st.lists(st.integers(0, 3000), max_size=450))
def test_every_issue_is_listed_once_among_the_years_or_on_the_first_page(days: list[int]) -> None:
    form = WebForm("one", "One", "en", "", "", "")
    entries = Journal("One", "en", "", "", "").with_entries(Entry(form, FIRST + timedelta(days=day)) for day in days)
    home, *years = listings(entries.entries)
    assert max((len(listing.entries) for listing in (home, *years)), default=0) <= MOST
    apart = [entry for listing in years for entry in listing.entries]
    whole = [entry for entry in home.entries if not years or entry.day.year > years[0].entries[0].day.year]
    assert Counter(entry.published for entry in (*whole, *apart)) == Counter(
        entry.published for entry in entries.entries
    )
    assert apart == sorted(apart, key=lambda entry: entry.published, reverse=True)
