"""Issues: from the settings to what an issue is rendered with, and to what becomes of it on the web."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import Problem, ThemeError
from newsletter.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.actions.archive import Archive
    from newsletter.config import Config
    from newsletter.issue import Issue
    from newsletter.picture import Enclosed, Picture
    from newsletter.render.pictures import Use
    from newsletter.render.snippets import Snippet
    from newsletter.render.theme import Theme
    from newsletter.render.web_pages import Entry, Journal, Pages
    from newsletter.sources.images.cache import Cache
    from newsletter.store.database import Database

# Where no base_url is set yet, the links of a rendering lead here: nothing is ever sent with it.
NO_BASE_URL = "https://example.org"


def has_store(config: Config) -> bool:
    """Whether there is a list yet. Raises StoreError for an address that no store can have."""
    from newsletter.store.database import exists

    return exists(config.store_url)


def store(config: Config, *, create: bool = True) -> Database:
    """The list and the ledger, opened. Raises StoreError."""
    from newsletter.store.database import open_database

    return open_database(config.store_url, create=create)


def keys(database: Database) -> Mapping[int, bytes]:
    """The keys that sign links."""
    from newsletter.store.keys import load_keys

    return load_keys(database)


def theme(config: Config, issue: Issue, name: str | None = None) -> Theme:
    """The theme that an issue is set in: named here, by the issue, or by the settings. Raises ThemeError."""
    from newsletter.sources.themes import read_theme

    try:
        return read_theme(name or issue.theme or config.theme, config.templates)
    except ThemeError as error:
        if name or not issue.theme:
            raise
        # A theme that is not there has no place of its own: the issue that asks for it has.
        place = issue.place("theme")
        raise ThemeError(
            *(each if each.path else replace(each, path=issue.path, line=place.line, column=place.column)
              for each in error.problems)
        ) from error  # fmt: skip


def snippets(config: Config) -> Mapping[str, Snippet]:
    """What issues can include, by name. Raises IssueError."""
    from newsletter.sources.snippets import read_snippets

    return read_snippets(config.templates)


def site(config: Config) -> Site:
    """What every issue says of the newsletter. Raises ThemeError for a word of the author's that cannot be used."""
    from newsletter.sources.words import read_words

    return Site(
        title=config.title or config.sender.name or "Newsletter",
        language=config.language,
        base_url=config.base_url or NO_BASE_URL,
        postal_address=config.postal_address,
        sender_name=config.sender.name,
        sender_email=config.sender.email,
        timezone=config.timezone,
        words=read_words(config.templates),
    )


def image_cache(config: Config) -> Cache:
    """Where images are kept that were fetched and made."""
    from newsletter.sources.images.cache import Cache

    return Cache(config.folder / ".cache" / "images")


def link_cache(config: Config) -> Cache:
    """Where is kept what servers said to links."""
    from newsletter.sources.images.cache import Cache

    return Cache(config.folder / ".cache" / "links")


def pictures(
    config: Config, uses: Sequence[Use], issue: Issue, theme: Theme
) -> tuple[Mapping[str, Picture], Sequence[Problem]]:
    """What to show for the images that an issue names, and what its author should know. Raises IssueError."""
    if not uses or config.images.place == "link":
        return {}, ()
    from newsletter.sources.images import Desk, prepare

    desk = Desk(
        config.folder,
        image_cache(config),
        config.images.folder,
        config.images.base_url,
        config.base_url,
    )
    done = prepare(uses, issue, Path(issue.path), theme.width, desk)
    return done.pictures, done.notes


def addresses(config: Config, calendars: Sequence[Enclosed]) -> Mapping[str, str]:
    """Where readers find an issue's calendars, by their digests, when images go into a folder. Raises IssueError."""
    if not calendars or config.images.folder is None:
        return {}
    from newsletter.sources.images import put_files

    return put_files(calendars, config.images.folder, config.images.base_url)


def web_pages(config: Config, look: Theme | None = None) -> Pages:
    """The templates of the archive, in the newsletter's theme or in another one. Raises ThemeError."""
    from newsletter.render.web_pages import Pages
    from newsletter.sources.themes import read_theme
    from newsletter.sources.web_templates import read_web_templates

    return Pages(read_web_templates(config.templates), look or read_theme(config.theme, config.templates))


def journal(config: Config, base_url: str = "", entries: tuple[Entry, ...] = ()) -> Journal:
    """What the archive says of the newsletter, below the configured address or another one."""
    from newsletter.render.web_pages import Journal

    about = site(config)
    base_url = base_url.rstrip("/") or about.base_url
    # The page is served beside the archive, or else where the settings say.
    subscribe = "subscribe" if base_url == about.base_url else f"{about.base_url}/subscribe"
    publisher = about.sender_name or about.title
    in_full = config.feeds == "full"
    return Journal(about.title, about.language, base_url, subscribe, publisher, entries, in_full, about.words)


def archive(config: Config, database: Database, base_url: str = "") -> Archive:
    """The archive of what was sent. Raises ThemeError."""
    from newsletter.actions.archive import Archive

    made = Archive(database, web_pages(config), journal(config, base_url))
    made.refresh()
    return made
