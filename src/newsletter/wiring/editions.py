"""Editions: from an issue that a person names to what its readers get, and to what the archive shows of it."""

from __future__ import annotations

import gc
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.errors import Problem
    from newsletter.issue import Issue
    from newsletter.render.pipeline import Rendering
    from newsletter.render.theme import Theme
    from newsletter.store.archive import Kept
    from newsletter.store.database import Database


def load(config: Config, name: str) -> tuple[Path, Issue]:
    """The issue that a person named, by its path or by its name in the issues folder. Raises IssueError."""
    from newsletter.sources.issues import find_issue, read_issue

    path = find_issue(name, config.issues)
    return path, read_issue(path, Path.cwd())


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for reference cycles a hundred times less often: a long issue is many small objects that all stay.

    Looking through them took a third of the time. Two threads that end in the wrong order only leave it rare.
    """
    before = gc.get_threshold()
    gc.set_threshold(70_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An issue that was read and laid out, in its theme."""

    theme: Theme
    reading: Rendering
    edition: Edition
    problems: tuple[Problem, ...] = ()  # what is wrong with its images, which it is shown without


@rare_collections()
def lay_out(
    config: Config,
    issue: Issue,
    database: Database | None = None,
    theme: str | None = None,
    *,
    warn: Callable[[Problem], None] = lambda _: None,
) -> Rendered:
    """The issue in its theme, with its images. What its author should know of them is handed to `warn`.

    With the list at hand, the fields that it prints are checked against those that exist. Raises IssueError and
    ThemeError.
    """
    from newsletter import wiring
    from newsletter.render import read

    look = wiring.theme(config, issue, theme)
    site, snippets = wiring.site(config), wiring.snippets(config)
    reading = read(issue, look, site, snippets)
    pictures, notes = wiring.pictures(config, reading.uses, issue, look)
    for note in notes:
        warn(note)
    online: dict[str, str] = {}
    if reading.calendars and issue.in_archive and config.base_url:
        from newsletter.render.web import file_address

        online = {each.digest: file_address(each, site) for each in read(issue, look, site, snippets, "web").calendars}
    edition = reading.edition(_fields(database), pictures, wiring.addresses(config, reading.calendars), online)
    return Rendered(look, reading, edition)


def rendered(
    config: Config,
    issue: Issue,
    database: Database | None = None,
    theme: str | None = None,
    *,
    warn: Callable[[Problem], None] = lambda _: None,
) -> Edition:
    """The edition alone of what `lay_out` makes."""
    return lay_out(config, issue, database, theme, warn=warn).edition


@rare_collections()
def draft(config: Config, issue: Issue, database: Database | None = None) -> Rendered:
    """The issue as far as it can be shown: an image that cannot be used hides nothing else. Raises as `lay_out`."""
    from newsletter import wiring
    from newsletter.errors import IssueError
    from newsletter.render import read

    look = wiring.theme(config, issue)
    reading = read(issue, look, wiring.site(config), wiring.snippets(config))
    try:
        pictures, _ = wiring.pictures(config, reading.uses, issue, look)
    except IssueError as error:
        return Rendered(look, reading, reading.edition(_fields(database)), error.problems)
    return Rendered(look, reading, reading.edition(_fields(database), pictures))


@rare_collections()
def for_archive(
    config: Config, issue: Issue, database: Database | None = None, theme: str | None = None
) -> Kept | None:
    """What the archive will show of the issue, and the files beside it; None when its author keeps it out."""
    from newsletter import wiring
    from newsletter.render import read
    from newsletter.render.web import file_address, web_form
    from newsletter.store.archive import Kept

    if not issue.in_archive:
        return None
    look, site = wiring.theme(config, issue, theme), wiring.site(config)
    reading = read(issue, look, site, wiring.snippets(config), "web")
    pictures, _ = wiring.pictures(config, reading.uses, issue, look)
    calendars = reading.calendars
    addresses = {**{each.digest: file_address(each, site) for each in calendars}, **wiring.addresses(config, calendars)}
    edition = reading.edition(_fields(database), pictures, addresses)
    return Kept(web_form(issue, edition, site, look, calendars), (*edition.pictures, *calendars))


def web_page(config: Config, issue: Issue, theme: str | None) -> str:
    """The issue's page in the archive, with its images in it."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.render.web import FILES, file_name
    from newsletter.render.web_pages import Entry

    with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
        # Shown also for an issue that its author keeps out of the archive.
        kept = for_archive(config, replace(issue, in_archive=True), database, theme)
    assert kept is not None
    entry = Entry(kept.form, datetime.now(UTC).replace(microsecond=0))
    page = wiring.web_pages(config).issue(wiring.journal(config, entries=(entry,)), 0).content.decode()
    for each in kept.files:
        page = page.replace(f"../{FILES}/{file_name(each.digest, each.type)}", each.data_uri)
    return page


def _fields(database: Database | None) -> set[str]:
    if database is None:
        return set()
    from newsletter.store.subscribers import Subscribers

    return Subscribers(database).field_names()
