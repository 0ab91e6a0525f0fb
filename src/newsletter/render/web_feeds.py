"""Feeds: the archive for those who read without mail. RSS 2.0, Atom (RFC 4287), JSON Feed 1.1, and a sitemap.

Each entry has the whole issue in it, as plain HTML with whole addresses; or its summary, if the author wants people to
come to the page. Nothing in them depends on when they are
written: the same archive, the same bytes.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import escape, unescape
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from newsletter.render.raw import TAG
from newsletter.render.typography import typeset

if TYPE_CHECKING:
    from newsletter.render.web_pages import Entry, Journal

MOST = 50  # issues in a feed; the index has them all
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
# What no XML document can hold (XML 1.0 section 2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def absolute(markup: str, base: str) -> str:
    """Cleaned markup with its addresses made whole."""

    def tag(found: re.Match[str]) -> str:
        def address(attribute: re.Match[str]) -> str:
            return f'{attribute[1]}="{escape(urljoin(base, unescape(attribute[2])))}"'

        return re.sub(r'(\s(?:href|src|cite))="([^"]*)"', address, found[0]) if "=" in found[3] else found[0]

    return _NOT_XML.sub("", TAG.sub(tag, markup))


def rss(journal: Journal) -> bytes:
    """RSS 2.0, the whole issue in content:encoded."""
    from feedgenerator import Rss201rev2Feed  # type: ignore[import-untyped]

    class Rss(Rss201rev2Feed):  # type: ignore[misc]
        def rss_attributes(self) -> dict[str, str]:
            return {**super().rss_attributes(), "xmlns:content": _CONTENT}

        def add_item_elements(self, handler: Any, item: Any) -> None:
            super().add_item_elements(handler, item)
            if item["content"]:
                handler.addQuickElement("content:encoded", item["content"])

        def latest_post_date(self) -> datetime:
            return _updated(journal)

    return _written(Rss, journal, "feed.xml")


def atom(journal: Journal) -> bytes:
    """Atom, with summary and content."""
    from feedgenerator import Atom1Feed

    class Atom(Atom1Feed):  # type: ignore[misc]
        def latest_post_date(self) -> datetime:
            return _updated(journal)

    return _written(Atom, journal, "atom.xml")


def json_feed(journal: Journal) -> bytes:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    data: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": journal.title,
        "home_page_url": journal.home,
        "feed_url": f"{journal.home}feed.json",
        "description": _about(journal),
        "language": journal.language,
        "items": [_json_item(entry, journal) for entry in _latest(journal)],
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def _json_item(entry: Entry, journal: Journal) -> dict[str, object]:
    form, here = entry.form, journal.address(entry)
    item: dict[str, object] = {
        "id": here,
        "url": here,
        "title": form.title,
        "content_html": _content(entry, journal) or escape(_summary(entry)),
        "date_published": entry.published.isoformat(),
        "language": form.language,
    }
    more: dict[str, object] = {
        "summary": form.summary,
        "external_url": form.canonical_url,
        "image": urljoin(here, form.image) if form.image else "",
        "authors": [{"name": name} for name in form.authors],
        "tags": list(form.tags),
    }
    return item | {name: value for name, value in more.items() if value}


def sitemap(journal: Journal) -> bytes:
    """All pages, for search engines (https://www.sitemaps.org/protocol.html)."""
    rows = [(journal.home, _updated(journal) if journal.entries else None)]
    rows += [(journal.address(entry), entry.published) for entry in journal.entries]
    rows += [
        (journal.list_address(listing), max(entry.published for entry in listing.entries))
        for listing in journal.listings[1:]
    ]
    urls = "".join(
        f"<url><loc>{escape(address)}</loc>{f'<lastmod>{at.isoformat()}</lastmod>' if at else ''}</url>\n"
        for address, at in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    ).encode()


def robots(base_url: str) -> bytes:
    """What search engines are to leave alone, and where the list of pages is (RFC 9309)."""
    path = urlsplit(base_url).path
    private = "".join(f"Disallow: {path}/{page}/\n" for page in ("confirm", "unsubscribe", "preferences", "data"))
    return f"User-agent: *\n{private}Sitemap: {base_url}/sitemap.xml\n".encode()


def _latest(journal: Journal) -> list[Entry]:
    """What was published last: one that bears an older day is new to who follows."""
    return sorted(journal.entries, key=lambda entry: entry.published, reverse=True)[:MOST]


def _content(entry: Entry, journal: Journal) -> str:
    """The whole issue; "" where the author wants its summary alone."""
    return absolute(entry.form.feed, journal.address(entry)) if journal.feeds_in_full else ""


def _summary(entry: Entry) -> str:
    return _clean(entry.form.summary or entry.form.title)


def _updated(journal: Journal) -> datetime:
    return journal.updated or datetime.fromtimestamp(0, UTC)


def _about(journal: Journal) -> str:
    return _clean(typeset(journal.said()["about"].format(newsletter=journal.title), journal.language))


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _written(kind: Any, journal: Journal, name: str) -> bytes:
    feed = kind(
        title=_clean(journal.title),
        link=journal.home,
        description=_about(journal),
        subtitle=_about(journal),
        language=journal.language,
        feed_url=f"{journal.home}{name}",
        author_name=_clean(journal.publisher),
    )
    for entry in _latest(journal):
        form, here = entry.form, journal.address(entry)
        feed.add_item(
            title=_clean(form.title),
            link=here,
            description=escape(_summary(entry), quote=False),
            content=_content(entry, journal) or None,
            author_name=_clean(", ".join(form.authors) or journal.publisher),
            pubdate=entry.published,
            updateddate=entry.published,
            unique_id=here,
            unique_id_is_permalink=True,
            categories=[_clean(tag) for tag in form.tags],
        )
    out = StringIO()
    feed.write(out, "utf-8")
    return out.getvalue().encode()
