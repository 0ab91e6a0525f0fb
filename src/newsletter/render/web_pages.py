"""The archive's pages: the list of issues, one page an issue, and one for what is not there. No I/O, no clock.

Each page carries its style sheets in it, known to its Content Security Policy by their hashes, and nothing that runs.
Addresses within the archive are relative, so that the pages lie as well in a folder of any host.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from jinja2 import DictLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from newsletter.errors import Problem, ThemeError
from newsletter.render.theme import made
from newsletter.render.typography import typeset
from newsletter.render.web import ARCHIVE, FEEDS
from newsletter.render.web_lists import listings
from newsletter.render.web_style import SHEET
from newsletter.render.words import archive_words, direction, joined, language_said, long_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from newsletter.render.theme import Theme
    from newsletter.render.web import WebForm
    from newsletter.render.web_lists import Listing

STYLE, INDEX, ISSUE, MISSING = "archive.css.j2", "archive.html.j2", "archive-issue.html.j2", "archive-missing.html.j2"
_SUMMED_UP = 50  # issues on a page of the list that say what they are about; of all, it would weigh too much


@dataclass(frozen=True, slots=True)
class Entry:
    """An issue in the archive."""

    form: WebForm
    published: datetime  # when its sending began, UTC

    @property
    def day(self) -> date:
        """The day that it bears."""
        return date.fromisoformat(self.form.date) if self.form.date else self.published.date()

    @property
    def folder(self) -> str:
        """Where it lies within the archive, as a part of an address."""
        return f"{quote(self.form.slug, safe='~')}/"


@dataclass(frozen=True, slots=True)
class Journal:
    """A newsletter's archive: what it says of itself, and its issues, the newest first."""

    title: str
    language: str
    base_url: str  # where the archive's folder lies, without a slash at its end
    subscribe_url: str  # a whole address, or one relative to `base_url`
    publisher: str
    entries: tuple[Entry, ...] = ()
    feeds_in_full: bool = True  # else they have each issue's summary, and lead to its page
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the author's own, by language

    def with_entries(self, entries: Iterable[Entry]) -> Journal:
        """The archive with these issues, by the day that each bears."""
        newest_first = sorted(entries, key=lambda entry: (entry.day, entry.published), reverse=True)
        return replace(self, entries=tuple(newest_first))

    def said(self, language: str = "") -> Mapping[str, str]:
        """What its pages say, in its own language or another one."""
        return archive_words(language or self.language, self.words)

    @property
    def home(self) -> str:
        """The whole address of the index."""
        return f"{self.base_url}/{ARCHIVE}/"

    def address(self, entry: Entry) -> str:
        """The whole address of an issue's page."""
        return f"{self.home}{entry.folder}"

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The pages of the list of issues; the first one is the archive's own."""
        return listings(self.entries)

    def list_address(self, listing: Listing) -> str:
        """The whole address of such a page."""
        return f"{self.home}{listing.path}"

    @property
    def updated(self) -> datetime | None:
        """When the last issue came."""
        return max((entry.published for entry in self.entries), default=None)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as bytes, and the policy that it comes with, which stands in it, too."""

    content: bytes
    policy: str


class Pages:
    """The templates of the archive, in a theme's colours."""

    def __init__(self, templates: Mapping[str, str], theme: Theme) -> None:
        """`templates` are the texts of templates/web/archive*.j2 by their names."""
        self._look = theme.look
        self._env = ImmutableSandboxedEnvironment(
            loader=DictLoader(dict(templates)),
            undefined=StrictUndefined,
            autoescape=lambda name: name is None or name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals.clear()

    def index(self, journal: Journal, at: int = 0) -> Page:
        """The page number `at` of the list of issues, by year. Raises ThemeError for a template that cannot be run."""
        listing = journal.listings[at]
        root, here = listing.root, journal.list_address(listing)
        summed_up = {entry.form.slug for entry in listing.entries[:_SUMMED_UP]}
        years = [
            (year, [self._listed(entry, journal, root, summary=entry.form.slug in summed_up) for entry in entries])
            for year, entries in listing.years
        ]
        # Read by search engines: what this page is, and what it lists.
        data = {
            "@context": "https://schema.org",
            "@type": "Blog",
            "name": journal.title,
            "url": here,
            "inLanguage": journal.language,
            "blogPost": [
                {"@type": "BlogPosting", "headline": each.form.title, "url": journal.address(each),
                 "datePublished": each.published.isoformat()}
                for each in listing.entries[:20]
            ],
        }  # fmt: skip
        title = typeset(journal.said()["title"].format(newsletter=journal.title), journal.language)
        return self._run(
            INDEX,
            journal,
            journal.language,
            root,
            title=f"{title}, {listing.label}" if listing.label else title,
            years=years,
            places=_places(journal.listings, listing),
            here=here,
            data=_json(data),
        )

    def issue(self, journal: Journal, at: int) -> Page:
        """The page of the issue number `at`, counted from the newest one. Raises ThemeError."""
        entry = journal.entries[at]
        form, here = entry.form, journal.address(entry)
        image = urljoin(here, form.image) if form.image else ""
        data: dict[str, object] = {
            "@context": "https://schema.org",
            "@type": "BlogPosting",
            "headline": form.title,
            "url": here,
            "mainEntityOfPage": form.canonical_url or here,
            "inLanguage": form.language,
            "datePublished": entry.published.isoformat(),
            "publisher": {"@type": "Organization", "name": journal.publisher},
            "author": [{"@type": "Person", "name": name} for name in form.authors]
            or [{"@type": "Organization", "name": journal.publisher}],
            "isPartOf": {"@type": "Blog", "name": journal.title, "url": journal.home},
        }
        data |= {"description": form.summary} if form.summary else {}
        data |= {"image": [image]} if image else {}
        data |= {"keywords": list(form.tags)} if form.tags else {}
        newer = journal.entries[at - 1] if at else None
        older = journal.entries[at + 1] if at + 1 < len(journal.entries) else None
        return self._run(
            ISSUE,
            journal,
            form.language,
            "../",
            look={"light": form.light, "dark": form.dark, "fonts": form.fonts},
            css=form.style,
            origins=form.origins,
            title=form.title,
            form=form,
            body=made(form.body),
            here=here,
            canonical=form.canonical_url or here,
            image=image,
            published=entry.published.isoformat(),
            newer=self._listed(newer, journal, "../") if newer else None,
            older=self._listed(older, journal, "../") if older else None,
            data=_json(data),
        )

    def missing(self, journal: Journal) -> Page:
        """What is shown for an address that nothing answers to, wherever it was asked for. Raises ThemeError."""
        title = journal.said()["missing"]
        return self._run(MISSING, journal, journal.language, journal.home, title=title)

    def _listed(self, entry: Entry, journal: Journal, root: str = "", *, summary: bool = True) -> dict[str, object]:
        form = entry.form
        number = journal.said()["number"].format(number=form.number) if form.number is not None else ""
        return {
            "title": form.title,
            "href": f"{root}{entry.folder}",
            "date": long_date(entry.day, journal.language),
            "day": entry.day.isoformat(),
            "number": typeset(number, journal.language),
            "summary": form.summary if summary else "",
            "authors": joined(list(form.authors), journal.language),
            "language": form.language,
            "direction": direction(form.language),
        }

    def _run(
        self,
        template: str,
        journal: Journal,
        language: str,
        root: str,
        *,
        look: Mapping[str, Any] | None = None,
        css: str = "",
        origins: Sequence[str] = (),
        **values: object,
    ) -> Page:
        theme = {**self._look, **{name: {**self._look[name], **table} for name, table in (look or {}).items()}}
        words = {name: typeset(text, language) for name, text in journal.said(language).items()}
        # What the page says in another language than its own tells so.
        said_in = language_said(language, journal.words)
        foreign = "" if said_in == language else f' lang="{said_in}" dir="{direction(said_in)}"'
        try:
            frame = self._env.get_template(STYLE).render(theme=theme)
            sheets = [text.strip() for text in (css, frame) if text.strip()]
            policy = _policy(sheets, origins)
            # `root` leads to the archive; from a page that may be asked for from anywhere, it is a whole address.
            from_root = "" if journal.subscribe_url.startswith(("https://", "http://")) else f"{root}../"
            from_root = f"{journal.base_url}/" if from_root and root == journal.home else from_root
            text = self._env.get_template(template).render(
                newsletter={"title": journal.title, "language": journal.language},
                theme=theme,
                language=language,
                direction=direction(language),
                words=words,
                foreign=made(foreign),
                root=root,
                home=root or "./",
                subscribe=f"{from_root}{journal.subscribe_url}",
                feeds=[(f"{root}{name}", kind, label) for name, (kind, label) in FEEDS.items()],
                address=journal.home,
                styles=[made(sheet) for sheet in sheets],
                policy=policy,
                sheet=SHEET,
                **values,
            )
        except TemplateNotFound as error:
            raise ThemeError(Problem(f"there is no template {error.name}", f"web/{template}")) from None
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            raise ThemeError(Problem(str(error), f"web/{template}", line)) from None
        return Page(text.encode(), f"{policy}; frame-ancestors 'none'")


def _places(all_listings: Sequence[Listing], here: Listing) -> list[dict[str, object]]:
    """Where a page of the list leads: to the years that are whole on the archive's own page, and to the other pages."""
    home, *others = all_listings
    paged = {year for listing in others for year, _ in listing.years}
    whole = [(f"{year}", f"{here.root}#a-{year}", False) for year, _ in home.years if year not in paged]
    apart = [(listing.label, f"{here.root}{listing.path}", listing.path == here.path) for listing in others]
    return [{"label": label, "href": href, "is_here": is_here} for label, href, is_here in (*whole, *apart)]


def _policy(sheets: Sequence[str], origins: Sequence[str]) -> str:
    """Only images, and only these style sheets (Content Security Policy Level 3)."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(sheet.encode()).digest()).decode()}'" for sheet in sheets)
    images = " ".join(("'self'", "data:", *origins))
    return f"default-src 'none'; img-src {images}; style-src {hashes}; base-uri 'none'; form-action 'none'"


def _json(data: object) -> object:
    """Data for a script element, which nothing in it can end."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True)
    for sign, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, code)
    return made(text)
