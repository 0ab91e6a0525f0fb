"""What the commands that take an ISSUE share: finding, reading and rendering it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.edition import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.config import Config
    from newsletter.edition import Edition, Pattern
    from newsletter.errors import Problem
    from newsletter.issue import Issue
    from newsletter.store.archive import Kept
    from newsletter.store.database import Database


def load(config: Config, name: str) -> tuple[Path, Issue]:
    """The issue that a person named, by its path or by its name in the issues folder. Raises IssueError."""
    from newsletter.sources.issues import find_issue, read_issue

    path = find_issue(name, config.issues)
    return path, read_issue(path, Path.cwd())


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for reference cycles a hundred times less often: a long issue is many small objects that all stay.

    Looking through them took a third of the time. Two threads that end in the wrong order only leave it rare.
    """
    before = gc.get_threshold()
    gc.set_threshold(70_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_rare_collections()
def rendered(
    config: Config,
    issue: Issue,
    database: Database | None = None,
    theme: str | None = None,
    *,
    warn: Callable[[Problem], None] = lambda _: None,
) -> Edition:
    """The issue's edition, with its images. What its author should know of them is handed to `warn`.

    With the list at hand, the fields that it prints are checked against those that exist.
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
    return reading.edition(_fields(database), pictures, wiring.addresses(config, reading.calendars), online)


@_rare_collections()
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


def _fields(database: Database | None) -> set[str]:
    if database is None:
        return set()
    from newsletter.store.subscribers import Subscribers

    return Subscribers(database).field_names()


def readable(pattern: Pattern, edition: Edition) -> str:
    """A pattern for a person to read, with its slots as the author wrote them."""
    out = []
    for part in pattern:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Slot):
            out.append(f"{{{{ {edition.expressions[part.index].sources[0]} }}}}")
        else:
            out.append("".join(f"[{readable(branch, edition)}]" for branch in part.branches))
    return "".join(out)
