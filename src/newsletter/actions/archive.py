"""The archive: what was sent, as pages and feeds that anybody may read. One list of files, for a server and for a disk.

archive/                    the newest issues; archive/-/<year>/, the others
archive/<slug>/             an issue
archive/feed.xml            RSS; archive/atom.xml, archive/feed.json
archive/-/files/<name>      an image or a calendar, called by its content
sitemap.xml  404.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.errors import LedgerError, Problem, did_you_mean
from newsletter.render import web_feeds as feeds
from newsletter.render.web import ARCHIVE, FEEDS, FILES
from newsletter.render.web_pages import Entry
from newsletter.store.archive import file_content, file_types, form_of, published

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from newsletter.render.web import WebForm
    from newsletter.render.web_pages import Journal, Page, Pages
    from newsletter.store.archive import Published
    from newsletter.store.database import Database

MISSING = "404.html"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"
MOST_KEPT = 32_000_000  # octets of images that a server keeps in memory
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class File:
    """A file of the archive: what a server answers, and what a folder holds."""

    content: bytes
    type: str
    changed: datetime | None  # when the archive last changed; None: never
    policy: str = ""  # the page's Content Security Policy
    caching: str = FOR_A_WHILE

    @cached_property
    def etag(self) -> str:
        """What a browser knows it by (RFC 9110 section 8.8.3)."""
        return f'"{sha256(self.content).hexdigest()[:32]}"'


@dataclass
class Archive:
    """The archive as it stands; its files are made when they are asked for, and kept."""

    database: Database
    pages: Pages
    journal: Journal  # without its entries
    _shown: Journal = field(init=False)
    _rows: tuple[Published, ...] | None = None
    _forms: dict[tuple[int, str], WebForm] = field(default_factory=dict)
    _makers: Mapping[str, Callable[[], File]] = field(default_factory=dict)
    _made: dict[str, File] = field(default_factory=dict)
    _weight: int = 0  # octets of the images among them

    def __post_init__(self) -> None:
        self._shown = self.journal

    def refresh(self) -> bool:
        """Look whether something was published since; answers whether it was."""
        rows = tuple(published(self.database))
        if rows == self._rows:
            return False
        forms = {(row.mailing, row.fingerprint): self._form(row) for row in rows}
        journal = self.journal.with_entries(Entry(forms[row.mailing, row.fingerprint], row.at) for row in rows)
        makers = self._all(journal)
        # Each is put in its place whole: another thread may be reading.
        self._forms, self._makers, self._made, self._rows, self._shown = forms, makers, {}, rows, journal
        self._weight = 0
        return True

    @property
    def paths(self) -> tuple[str, ...]:
        """The addresses of all files, below the base address; one that ends with a slash is an index.html there."""
        return tuple(self._makers)

    def kept(self, path: str) -> File | None:
        """The file at an address, if it was made already."""
        return self._made.get(path)

    def file(self, path: str) -> File | None:
        """The file at an address, or None. Raises ThemeError for a template that cannot be run."""
        made = self._made
        if path not in made:
            make = self._makers.get(path)
            if make is None:
                return None
            file = make()
            # Files are many and heavy, and the store has them at hand; pages are made anew at some cost.
            if file.caching == FOR_EVER and self._weight + len(file.content) > MOST_KEPT:
                return file
            self._weight += len(file.content) if file.caching == FOR_EVER else 0
            made[path] = file
        return made[path]

    @property
    def issues(self) -> tuple[Entry, ...]:
        """What it shows, the newest first."""
        return self._shown.entries

    def _form(self, row: Published) -> WebForm:
        return self._forms.get((row.mailing, row.fingerprint)) or form_of(self.database, row.mailing)

    def _all(self, journal: Journal) -> dict[str, Callable[[], File]]:
        changed = journal.updated
        digests = {digest for entry in journal.entries for digest in entry.form.files}
        kept = file_types(self.database, digests) if digests else {}

        def page(make: Callable[[], Page]) -> File:
            done = make()
            return File(done.content, HTML, changed, done.policy)

        def feed(make: Callable[[Journal], bytes], kind: str) -> File:
            return File(make(journal), kind, changed)

        def file(digest: str, kind: str) -> File:
            return File(file_content(self.database, digest), kind, None, caching=FOR_EVER)

        found: dict[str, Callable[[], File]] = {
            f"{ARCHIVE}/{listing.path}": partial(page, partial(self.pages.index, journal, at))
            for at, listing in enumerate(journal.listings)
        }
        for at, entry in enumerate(journal.entries):
            found[f"{ARCHIVE}/{entry.form.slug}/"] = partial(page, partial(self.pages.issue, journal, at))
        for name, make in (("feed.xml", feeds.rss), ("atom.xml", feeds.atom), ("feed.json", feeds.json_feed)):
            found[f"{ARCHIVE}/{name}"] = partial(feed, make, f"{FEEDS[name][0]}; charset=utf-8")
        for name, (digest, kind) in kept.items():
            found[f"{ARCHIVE}/{FILES}/{name}"] = partial(file, digest, kind)
        found["sitemap.xml"] = partial(feed, feeds.sitemap, "application/xml; charset=utf-8")
        found["robots.txt"] = partial(feed, lambda journal: feeds.robots(journal.base_url), "text/plain; charset=utf-8")
        found[MISSING] = partial(page, partial(self.pages.missing, journal))
        return found


def shown(database: Database, issue: str) -> Published:
    """The issue's place in the archive. Raises LedgerError when it has none."""
    rows = {row.issue: row for row in published(database)}
    if issue not in rows:
        fix = did_you_mean(issue, rows) if rows else "an issue is there once its sending has begun"
        raise LedgerError(Problem(f"the issue {issue!r} is not in the archive", fix=fix))
    return rows[issue]
