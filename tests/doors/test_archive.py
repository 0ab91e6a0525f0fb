"""The archive as browsers and feed readers find it: on the server, and as files on any host, the same to the octet."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import html5lib
import pytest

from newsletter import wiring
from newsletter.cli import main
from newsletter.cli.console import Console
from newsletter.cli.shell import Session
from newsletter.mailing import MailingState
from newsletter.render import web_feeds as feeds
from newsletter.render.web import WebForm
from newsletter.render.web_pages import Entry, Journal
from newsletter.sources.themes import read_theme
from newsletter.store.keys import load_keys
from newsletter.web.parts import Parts
from newsletter.web.server import Server
from tests.support.archived import BEGAN, Archived
from tests.support.served import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HOME = "https://lettres.example.org/archive/"


class Site:
    """An archive, its server, and a browser."""

    def __init__(self, archived: Archived, session: requests.Session) -> None:
        self.archived, self._session, self.clock = archived, session, Clock()
        config = archived.config
        keys = load_keys(archived.database)
        self.parts = Parts(config, archived.database, keys, read_theme(config.theme), clock=self.clock)
        self.server = Server()

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        address = f"{self.server.url}{path}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._session.request(method, address, headers=headers, allow_redirects=False, timeout=10)


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsletter that has sent three issues, to be copied: rendering them takes longer than most of these tests."""
    folder = tmp_path_factory.mktemp("sent")
    with Archived(folder) as archived:
        archived.three()
    return folder


@pytest.fixture
def site(tmp_path: Path, sent: Path) -> Iterator[Site]:
    import requests

    shutil.copytree(sent, tmp_path, dirs_exist_ok=True)
    with Archived(tmp_path) as archived, requests.Session() as session:
        session.trust_env = False
        made = Site(archived, session)
        made.server.start(made.parts)
        yield made
        made.server.stop()


class Links(HTMLParser):
    """The addresses and the anchors of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value and not value.startswith("data:"):
                self.addresses.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


def build(site: Site, *arguments: str) -> tuple[int, Path]:
    folder = site.archived.folder / "public"
    config = site.archived.folder / "newsletter.toml"
    code = main(["--config", str(config), "archive", "build", str(folder), *arguments], Session(Console()))
    return code, folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ── One archive, two doors ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_page_of_the_server_is_the_static_file_to_the_octet(site: Site) -> None:
    code, folder = build(site)
    assert code == 0
    found = files_in(folder)
    found.pop("archive/.written.json")
    assert b"Sitemap: https://lettres.example.org/sitemap.xml" in found["robots.txt"]
    missing = site.get("/archive/nothing-here/")
    assert (missing.status_code, missing.content) == (404, found.pop("404.html"))
    assert len(found) == 1 + 3 + 3 + 2 + 2  # the index, issues, feeds, image and calendar, sitemap and robots.txt
    for path, content in found.items():
        answer = site.get(f"/{path.removesuffix('index.html')}")
        assert (answer.status_code, answer.content) == (200, content), path


@pytest.mark.parametrize("base", ["https://lettres.example.org", "https://example.org/some/where"])
def test_every_link_within_it_leads_somewhere_wherever_it_lies(site: Site, base: str) -> None:
    _, folder = build(site, "--base-url", base)
    pages = {f"{base}/{path.removesuffix('index.html')}": content for path, content in files_in(folder).items()}
    known = {unquote(address): content for address, content in pages.items()}
    checked = 0
    for here, content in pages.items():
        if not here.endswith(("/", ".html")):
            continue
        page = Links(content.decode())
        for address in page.addresses:
            parts = urlsplit(urljoin(here, address))
            target = unquote(f"{parts.scheme}://{parts.netloc}{parts.path}")
            if target == f"{base}/subscribe":
                continue
            if not target.startswith(f"{base}/"):
                assert urlsplit(address).scheme in ("https", "http", "mailto"), address
                continue
            assert target in known, f"{here}: {address}"
            if parts.fragment:
                assert unquote(parts.fragment) in Links(known[target].decode()).anchors
            checked += 1
    assert checked > 40


def test_a_page_elsewhere_leads_to_where_one_subscribes(site: Site) -> None:
    _, folder = build(site, "--base-url", "https://example.org/letters/")
    page = (folder / "archive/index.html").read_text()
    assert 'href="https://lettres.example.org/subscribe"' in page
    assert '<link rel="canonical" href="https://example.org/letters/archive/">' in page
    here = (folder / "archive/2026-10-hello/index.html").read_text()
    assert '<link rel="canonical" href="https://example.org/letters/archive/2026-10-hello/">' in here


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_address_that_a_mail_has_leads_to_the_issue(site: Site) -> None:
    for path, target in (
        ("/archive", "archive/"),
        ("/archive/2026-10-hello", "2026-10-hello/"),
        ("/archive/2026-11-%C3%A9t%C3%A9", "2026-11-%C3%A9t%C3%A9/"),
    ):
        answer = site.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (308, target)
        assert site.get(urlsplit(urljoin(answer.url, target)).path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/archive/x", "/archive//evil.example.org", "/archive/%2f%2fevil.example.org/", "/archive/../etc",
     "/archive/-/files/x", "/archive/2026-10-hello/x", "/archive/.written.json", "/archive/%00", "/archive/-/files/"],
)  # fmt: skip
def test_what_is_not_there_is_a_page_that_leads_on(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert "Ce numéro n’existe pas" in answer.text or "Il n’y a rien ici" in answer.text
    assert "Location" not in answer.headers


def test_a_mailing_that_is_planned_cannot_be_read(site: Site) -> None:
    mailing = site.archived.planned("secret", "---\ntitle: A secret\n---\nNot yet.")
    site.clock.pass_by(seconds=2)
    assert site.get("/archive/secret/").status_code == 404
    assert "secret" not in site.get("/archive/").text
    site.archived.set(mailing, MailingState.SENDING.value)
    site.clock.pass_by(seconds=2)
    assert site.get("/archive/secret/").status_code == 200
    assert "A secret" in site.get("/archive/").text


def test_the_index_lists_issues_by_year_in_each_ones_language(site: Site) -> None:
    page = site.get("/archive/").text
    assert re.findall(r'<h2 id="a-(\d+)">', page) == ["2026", "2025"]
    assert re.findall(r"<time[^>]*>([^<]*)", page) == ["4 novembre 2026", "3 octobre 2026", "30 décembre 2025"]
    assert '<h3 lang="en" dir="ltr"><a href="2026-10-hello/">Hello &amp; &lt;welcome&gt;</a></h3>' in page
    assert "<title>Lettres &amp; co\u202f: tous les numéros</title>" in page
    assert '<html lang="fr" dir="ltr">' in page


def test_of_many_issues_the_older_ones_have_pages_by_year_in_the_server_and_on_disk(site: Site) -> None:
    site.archived.many(120)
    site.clock.pass_by(seconds=2)
    assert 'href="-/2024/">2024</a>' in site.get("/archive/").text
    answer = site.get("/archive/-/2024")
    assert (answer.status_code, answer.headers["Location"]) == (308, "2024/")
    old = site.get("/archive/-/2024/")
    assert old.status_code == 200
    assert 'href="../../2026-11-%C3%A9t%C3%A9-119/"' in old.text
    assert site.get("/archive/-/2023/").status_code == site.get("/archive/-/2026/").status_code == 404
    _, folder = build(site)
    assert (folder / "archive/-/2024/index.html").read_bytes() == old.content


def test_an_issue_tells_machines_what_it_is_and_people_what_stands_beside_it(site: Site) -> None:
    page = site.get("/archive/2025-12-ecrire/").text
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    told = {meta.get("property") or meta.get("name"): meta.get("content") or "" for meta in tree.iter("meta")}
    assert told["og:title"] == "Écrire à une personne"
    assert told["og:url"] == f"{HOME}2025-12-ecrire/"
    assert told["og:image"].startswith(f"{HOME}-/files/")
    assert told["og:locale"] == "fr"
    assert told["description"] == "Un seul lecteur à la fois\u202f: pourquoi\u202f?"
    (script,) = tree.iter("script")
    assert script.get("type") == "application/ld+json"
    data = json.loads(script.text or "")
    assert (data["@type"], data["headline"]) == ("BlogPosting", "Écrire à une personne")
    assert [each["name"] for each in data["author"]] == ["Ana Lima", "Bo Ek"]
    assert datetime.fromisoformat(data["datePublished"]) == datetime.fromisoformat(told["article:published_time"])
    links = {link.get("rel"): link.get("href") for link in tree.iter("link")}
    assert (links["canonical"], links["next"]) == (f"{HOME}2025-12-ecrire/", "../2026-10-hello/")
    assert "prev" not in links
    assert re.search(r'class="a-next" href="../2026-10-hello/" rel="next"><span>Suivant</span>', page)
    assert 'href="../../subscribe">S’abonner</a>' in page


def test_an_issue_that_was_published_elsewhere_first_names_that_place(site: Site) -> None:
    site.archived.sent("copy", "---\ntitle: Copy\ncanonical_url: https://example.org/first\n---\nText.")
    site.clock.pass_by(seconds=2)
    assert '<link rel="canonical" href="https://example.org/first">' in site.get("/archive/copy/").text


def test_what_a_title_says_ends_no_script_and_no_attribute(site: Site) -> None:
    evil = """</script><script>alert(1)</script>" onload="x' & <!--"""
    site.archived.sent(
        "evil", f"---\ntitle: '{evil.replace(chr(39), chr(39) * 2)}'\ndescription: '</title>\"><b>'\n---\nText."
    )
    site.clock.pass_by(seconds=2)
    for path in ("/archive/evil/", "/archive/"):
        tree = html5lib.parse(site.get(path).text, treebuilder="etree", namespaceHTMLElements=False)
        (script,) = tree.iter("script")
        json.loads(script.text or "")
        assert not [name for element in tree.iter() for name in element.attrib if str(name).startswith("on")]
    assert site.get("/archive/feed.xml").status_code == 200
    ET.fromstring(site.get("/archive/feed.xml").content)


def test_pages_come_with_a_policy_that_lets_in_their_own_style_and_nothing_that_runs(site: Site) -> None:
    for path in ("/archive/", "/archive/2025-12-ecrire/", "/archive/nothing/"):
        answer = site.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; img-src 'self' data:; style-src 'sha256-")
        assert "unsafe" not in policy
        assert policy.endswith("frame-ancestors 'none'")
        assert policy.removesuffix("; frame-ancestors 'none'").replace("'", "&#39;") in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert " style=" not in answer.text
        assert len(answer.content) < 50_000


def test_an_image_from_elsewhere_may_be_shown_and_no_other(site: Site) -> None:
    text = '---\ntitle: Elsewhere\n---\n<img src="https://images.example.org/a.png" alt="x">\n'
    config = site.archived.config
    from dataclasses import replace

    site.archived.config = replace(config, images=replace(config.images, place="link"))
    site.archived.sent("elsewhere", text)
    site.clock.pass_by(seconds=2)
    policy = site.get("/archive/elsewhere/").headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://images.example.org;" in policy


# ── Caching ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_a_page_already_is_told_so(site: Site) -> None:
    first = site.get("/archive/2026-10-hello/", Accept_Encoding="identity")
    tag, day = first.headers["ETag"], first.headers["Last-Modified"]
    assert first.headers["Cache-Control"] == "public, max-age=300"
    for headers in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"other", W/{tag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": day},
    ):
        again = site.get("/archive/2026-10-hello/", Accept_Encoding="identity", **headers)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for headers in ({"If_None_Match": '"other"', "If_Modified_Since": day}, {"If_Modified_Since": "yesterday"}):
        assert site.get("/archive/2026-10-hello/", **headers).status_code == 200
    assert parsedate_to_datetime(day).tzinfo is not None


def test_images_may_be_kept_for_ever_under_the_name_of_their_content(site: Site) -> None:
    (path,) = set(re.findall(r"\.\./(-/files/[0-9a-f]{32}\.png)", site.get("/archive/2025-12-ecrire/").text))
    answer = site.get(f"/archive/{path}")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert site.get(f"/archive/{path}", If_None_Match=answer.headers["ETag"]).status_code == 304


def test_a_page_is_packed_for_those_who_can_unpack_it(site: Site) -> None:
    packed = site.get("/archive/", Accept_Encoding="gzip")
    plain = site.get("/archive/", Accept_Encoding="identity")
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for tag in (packed.headers["ETag"], plain.headers["ETag"]):
        assert site.get("/archive/", Accept_Encoding="gzip", If_None_Match=tag).status_code == 304
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])


@pytest.mark.parametrize("path", ["/archive/", "/archive/2026-10-hello/", "/archive/feed.xml", "/sitemap.xml"])
def test_head_answers_as_get_without_the_page_and_nothing_else_is_answered(site: Site, path: str) -> None:
    head = site.get(path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for method in ("POST", "PUT", "DELETE"):
        assert site.get(path, method).status_code == 405


# ── Feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def whole(content: str) -> None:
    """Each address in a feed's content is whole, and leads to a page of the archive or to the web."""
    for address in Links(content).addresses:
        assert urlsplit(address).scheme == "https", address


def test_the_rss_feed_has_what_readers_ask_for(site: Site) -> None:
    answer = site.get("/archive/feed.xml")
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    root = ET.fromstring(answer.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    texts = {child.tag: child.text for child in channel if child.tag != "item"}
    assert (texts["title"], texts["link"], texts["language"]) == ("Lettres & co", HOME, "fr")
    assert texts["description"]
    assert channel.find(f"{ATOM}link").attrib == {"rel": "self", "href": f"{HOME}feed.xml"}  # type: ignore[union-attr]
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == ["L’été", "Hello & <welcome>", "Écrire à une personne"]
    for item in items:
        assert item.findtext("link") == item.findtext("guid")
        assert parsedate_to_datetime(item.findtext("pubDate") or "")
        assert item.findtext("description")
        whole(item.findtext(CONTENT) or "")
    assert "<em>begins</em>" in (items[1].findtext(CONTENT) or "")
    assert [each.text for each in items[2].findall("category")] == ["lettres", "métier"]
    dates = [parsedate_to_datetime(item.findtext("pubDate") or "") for item in items]
    assert parsedate_to_datetime(texts["lastBuildDate"] or "") == max(dates)


def test_the_atom_feed_has_what_readers_ask_for(site: Site) -> None:
    answer = site.get("/archive/atom.xml")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ET.fromstring(answer.content)
    assert root.tag == f"{ATOM}feed"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"
    for name in ("title", "id", "updated"):
        assert root.findtext(f"{ATOM}{name}")
    assert {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")} == {
        "alternate": HOME,
        "self": f"{HOME}atom.xml",
    }
    entries = root.findall(f"{ATOM}entry")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 3
    for entry in entries:
        for name in ("title", "id", "updated", "published", "summary"):
            assert entry.findtext(f"{ATOM}{name}")
        datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or "")
        assert entry.find(f"{ATOM}author/{ATOM}name") is not None
        content = entry.find(f"{ATOM}content")
        assert content is not None
        assert content.get("type") == "html"
        whole(content.text or "")


def test_the_json_feed_has_what_readers_ask_for(site: Site) -> None:
    answer = site.get("/archive/feed.json")
    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = answer.json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["home_page_url"], feed["feed_url"]) == (HOME, f"{HOME}feed.json")
    last = feed["items"][2]
    assert last["url"] == f"{HOME}2025-12-ecrire/"
    assert last["authors"] == [{"name": "Ana Lima"}, {"name": "Bo Ek"}]
    assert last["image"].startswith(f"{HOME}-/files/")
    for item in feed["items"]:
        datetime.fromisoformat(item["date_published"])
        whole(item["content_html"])


def test_feeds_have_summaries_alone_where_the_settings_say_so(site: Site) -> None:
    config = replace(site.archived.config, feeds="summary")
    archive = wiring.archive(config, site.archived.database)
    written = {name: archive.file(f"archive/{name}") for name in ("feed.xml", "atom.xml", "feed.json")}
    for name, file in written.items():
        assert file is not None
        assert "Cette page est pour tout le monde" not in file.content.decode(), name
        assert "Un seul lecteur" in file.content.decode(), name
    assert b"content:encoded" not in written["feed.xml"].content  # type: ignore[union-attr]
    assert not ET.fromstring(written["atom.xml"].content).findall(f".//{ATOM}content")  # type: ignore[union-attr]
    items = json.loads(written["feed.json"].content)["items"]  # type: ignore[union-attr]
    assert all(item["content_html"] for item in items)


def test_the_sitemap_names_every_page(site: Site) -> None:
    root = ET.fromstring(site.get("/sitemap.xml").content)
    places = [each.findtext(f"{SITEMAP}loc") for each in root]
    assert places == [HOME, f"{HOME}2026-11-%C3%A9t%C3%A9/", f"{HOME}2026-10-hello/", f"{HOME}2025-12-ecrire/"]


def test_signs_that_xml_cannot_hold_end_no_feed() -> None:
    odd = "Odd \x0b \ud800 \uffff"
    form = WebForm("odd", odd, "en", f"<p>{odd}</p>", "", f"<p>{odd}</p>", summary=odd, authors=(odd,), tags=(odd,))
    journal = Journal(odd, "en", "https://example.org", "subscribe", odd, (Entry(form, BEGAN),))
    for written in (feeds.rss(journal), feeds.atom(journal)):
        assert b"Odd" in ET.tostring(ET.fromstring(written))


def test_an_archive_without_issues_has_pages_and_feeds_all_the_same(tmp_path: Path) -> None:
    with Archived(tmp_path) as archived:
        archive = archived.archive
        contents = {path: archive.file(path) for path in archive.paths}
        again = archived.archive
        for path, file in contents.items():
            assert file is not None
            assert again.file(path) == file
        assert "encore rien" in contents["archive/"].content.decode()  # type: ignore[union-attr]
        ET.fromstring(contents["archive/feed.xml"].content)  # type: ignore[union-attr]
        ET.fromstring(contents["archive/atom.xml"].content)  # type: ignore[union-attr]


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "says", "marked"),
    [("ar", "الاشتراك", False), ("he", "הרשמה", False), ("de", "Subscribe", True), ("fr-CA", "S’abonner", False)],
)
def test_what_a_page_says_in_another_language_than_its_own_is_marked(
    tmp_path: Path, language: str, says: str, marked: bool
) -> None:
    with Archived(tmp_path, language=language) as archived:
        file = archived.archive.file("archive/")
        assert file is not None
        page = file.content.decode()
    assert f'<html lang="{language}"' in page
    assert f">{says}</a>" in page
    assert ('lang="en" dir="ltr"' in page) == marked


def test_an_authors_own_words_are_said_in_the_archive_and_in_its_feeds(tmp_path: Path) -> None:
    (tmp_path / "templates" / "words").mkdir(parents=True)
    said = 'archive_subscribe = "Abonnieren"\narchive_about = "Alles von {newsletter}."\nissue = "Nr. {number}"\n'
    (tmp_path / "templates" / "words" / "de.toml").write_text(said, "utf-8")
    with Archived(tmp_path, language="de") as archived:
        archived.sent("eins", "---\ntitle: Eins\nnumber: 1\n---\nText.")
        pages = {path: archived.archive.file(path) for path in ("archive/", "archive/atom.xml")}
    index = pages["archive/"].content.decode()  # type: ignore[union-attr]
    assert ">Abonnieren</a>" in index
    assert "· Nr. 1</span>" in index
    assert 'lang="en" dir="ltr"' not in index
    assert "Alles von Lettres &amp; co." in pages["archive/atom.xml"].content.decode()  # type: ignore[union-attr]


def test_a_second_build_writes_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    _, folder = build(site)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    code, _ = build(site, "--check")
    assert code == 0
    capsys.readouterr()
    code, _ = build(site, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (code, told["issues"], told["new"], told["changed"], told["gone"]) == (0, 3, [], [], [])
    assert told["unchanged"] == len(before) - 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("option", "wanted"), [("--check", 1), ("--dry-run", 0)])
def test_looking_writes_nothing_and_says_what_would_change(
    site: Site, capsys: pytest.CaptureFixture[str], option: str, wanted: int
) -> None:
    code, folder = build(site, option)
    assert code == wanted
    assert not folder.exists()
    assert "Would write" in "".join(capsys.readouterr())


def test_a_new_issue_changes_its_neighbours_and_one_that_is_gone_is_taken_away(site: Site) -> None:
    build(site)
    mailing = site.archived.sent("later", "---\ntitle: Later\n---\nText.")
    _, folder = build(site)
    assert (folder / "archive/later/index.html").is_file()
    assert "Later" in (folder / "archive/2026-11-été/index.html").read_text("utf-8")
    site.archived.set(mailing, "cancelled")
    build(site)
    assert not (folder / "archive/later").exists()
    assert "Later" not in (folder / "archive/2026-11-été/index.html").read_text("utf-8")


def test_files_of_others_are_left_alone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder = site.archived.folder / "public"
    (folder / "archive/2026-10-hello").mkdir(parents=True)
    (folder / "robots.txt").write_text("mine")
    (folder / "archive/notes.txt").write_text("mine")
    (folder / "archive/2026-10-hello/picture.png").write_text("mine")
    build(site)
    assert "robots.txt is not this program's" in capsys.readouterr().out
    index = folder / "archive/2026-11-été/index.html"
    index.write_text("changed by hand")
    build(site)
    assert index.read_text() == "changed by hand"
    for path in ("robots.txt", "archive/notes.txt", "archive/2026-10-hello/picture.png"):
        assert (folder / path).read_text() == "mine"


def test_a_list_of_what_was_written_that_names_files_elsewhere_removes_nothing(site: Site) -> None:
    _, folder = build(site)
    outside = site.archived.folder / "precious.txt"
    outside.write_text("precious")
    written = folder / "archive/.written.json"
    from hashlib import sha256

    data = json.loads(written.read_text()) | {"../precious.txt": sha256(b"precious").hexdigest()}
    written.write_text(json.dumps(data))
    build(site)
    assert outside.read_text() == "precious"


def test_a_build_that_was_broken_off_can_go_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsletter.sources import static

    real, left = static._put, [4]

    def put(path: Path, content: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(static, "_put", put)
    assert build(site)[0] != 0
    monkeypatch.undo()
    code, folder = build(site)
    assert code == 0
    again, _ = build(site, "--check")
    assert again == 0
    assert (folder / "sitemap.xml").is_file()


def test_an_issue_can_be_withdrawn_from_the_server_and_from_the_folder(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder = build(site)
    config = str(site.archived.folder / "newsletter.toml")

    def withdraw(*arguments: str) -> int:
        return main(["--config", config, "archive", "withdraw", *arguments], Session(Console()))

    assert withdraw("2026-10-helo", "--yes") == 3
    assert "2026-10-hello" in capsys.readouterr().err
    assert withdraw("2026-10-hello", "--dry-run") == 0
    assert site.get("/archive/2026-10-hello/").status_code == 200
    capsys.readouterr()
    assert withdraw("2026-10-hello", "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"issue": "2026-10-hello", "slug": "2026-10-hello", "withdrawn": True}
    site.clock.pass_by(seconds=2)
    assert site.get("/archive/2026-10-hello/").status_code == 404
    assert "Hello &amp;" not in site.get("/archive/").text
    build(site)
    assert not (folder / "archive/2026-10-hello").exists()


@pytest.mark.parametrize("address", ["example.org", "https://", "ftp://example.org", "https://example.org/?a=b"])
def test_an_address_that_is_none_is_refused(site: Site, capsys: pytest.CaptureFixture[str], address: str) -> None:
    code, folder = build(site, "--base-url", address)
    assert code == 2
    assert not folder.exists()
    assert "such as https://example.org/letters" in " ".join(capsys.readouterr().err.split())


def test_without_any_address_nothing_is_built(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    settings = site.archived.folder / "newsletter.toml"
    settings.write_text("\n".join(line for line in settings.read_text().splitlines() if "base_url" not in line))
    code, folder = build(site)
    assert (code, folder.exists()) == (3, False)
    assert "--base-url" in capsys.readouterr().err


def test_a_server_keeps_few_images_in_memory_and_all_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from newsletter.actions import archive as actions

    monkeypatch.setattr(actions, "MOST_KEPT", 0)
    archive = site.archived.archive
    for path in archive.paths:
        file = archive.file(path)
        assert file is not None
        assert (archive.kept(path) is file) is ("/-/" not in path)


def test_the_authors_own_templates_come_first(site: Site) -> None:
    own = site.archived.config.templates / "web"
    own.mkdir(parents=True)
    (own / "archive-missing.html.j2").write_text(
        '{% extends "archive-frame.html.j2" %}{% block content %}Mine{% endblock %}'
    )
    _, folder = build(site)
    assert "Mine" in (folder / "404.html").read_text()
    (own / "archive-missing.html.j2").write_text("{{ nonsense }}")
    assert build(site)[0] == 3


def test_render_shows_the_page_before_anything_is_sent(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(site.archived.folder / "newsletter.toml")
    capsys.readouterr()
    assert main(["--config", config, "render", "2025-12-ecrire", "--format", "web"], Session(Console())) == 0
    page = capsys.readouterr().out
    assert "data:image/png;base64," in page
    assert "pour tout le monde" in page
    assert "Content-Security-Policy" in page
    assert main(["--config", config, "render", "2025-12-ecrire", "--format", "web", "--as", "a@example.org"]) == 2
