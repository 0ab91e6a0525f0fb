"""The images of an issue: found where they lie, or fetched, and put where they go, or an error that helps."""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import replace
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

import pytest

from newsletter.edition import fill
from newsletter.errors import IssueError, Problem
from newsletter.issue import parse_issue
from newsletter.render import Site, read
from newsletter.sources.images import Cache, Desk, Prepared, Web, prepare
from newsletter.sources.themes import read_theme
from tests.support.images import animated, drawing, photo, saved
from tests.support.web import Page
from tests.support.web import Web as Server

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.render.pipeline import Rendering
    from newsletter.sources.images.make import Made

DOT = saved(drawing(20, 20))
WIDTH = 600
MOST = 2 * WIDTH
SITE = Site(title="The letter", base_url="https://letter.example.org")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
OUTSIDE = "lies outside of the newsletter's folder"
COPY_IT = "copy the image into issues/2026-11-hello/ and name it there"
PUT_IT = "put the image into issues/2026-11-hello/ and name it there; known are: cover.jpg, inner.png"


class Newsletter:
    """A newsletter in a folder, its issue, and the desk at which its images are prepared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "issues" / "2026-11-hello.md"
        self.file.parent.mkdir(parents=True)
        self.desk = Desk(folder, Cache(folder / ".cache" / "images"))

    def put(self, name: str, content: bytes = DOT) -> Path:
        """Put a file below the newsletter's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def _read(self, markdown: str, front: str) -> tuple[Issue, Rendering]:
        text = f"---\ntitle: A title\n{front}---\n{markdown}"
        issue = parse_issue(text, self.file.relative_to(self.folder).as_posix())
        return issue, read(issue, read_theme("letter"), SITE)

    def prepared(self, markdown: str, front: str = "", desk: Desk | None = None) -> Prepared:
        issue, reading = self._read(markdown, front)
        return prepare(reading.uses, issue, self.file, WIDTH, desk or self.desk)

    def edition(self, markdown: str, front: str = "") -> Edition:
        issue, reading = self._read(markdown, front)
        done = prepare(reading.uses, issue, self.file, WIDTH, self.desk)
        return reading.edition((), done.pictures)

    def problems(self, markdown: str, front: str = "", desk: Desk | None = None) -> tuple[Problem, ...]:
        with pytest.raises(IssueError) as refusal:
            self.prepared(markdown, front, desk)
        return refusal.value.problems

    def problem(self, markdown: str, front: str = "", desk: Desk | None = None) -> Problem:
        (found,) = self.problems(markdown, front, desk)
        assert found.fix
        return found


@pytest.fixture
def letter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path / "letter")


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "lies"),
    [
        ("a.png", "issues/a.png"),
        ("./a.png", "issues/a.png"),
        ("a.png", "issues/2026-11-hello/a.png"),
        ("2026-11-hello/a.png", "issues/2026-11-hello/a.png"),
        ("pictures/a.png", "issues/2026-11-hello/pictures/a.png"),
        ("../shared/a.png", "shared/a.png"),
        ("/a.png", "issues/a.png"),
        ("/a.png", "issues/2026-11-hello/a.png"),
        ("/images/a.png", "public/images/a.png"),
        ("/images/a.png", "static/images/a.png"),
        ("/assets/a.png", "assets/a.png"),
        ("<my dog.png>", "issues/my dog.png"),
        ("my%20dog.png", "issues/my dog.png"),
        ("my%20dog.png", "issues/my%20dog.png"),
        ("été.png", "issues/été.png"),
        ("été.png", "issues/" + unicodedata.normalize("NFD", "été.png")),
        (unicodedata.normalize("NFD", "été.png"), "issues/été.png"),
        ("a.png?v=2#top", "issues/a.png"),
        ("pictures\\a.png", "issues/pictures/a.png"),
        ("100%.png", "issues/100%.png"),
    ],
)
def test_an_image_is_found_where_an_author_would_look_for_it(letter: Newsletter, written: str, lies: str) -> None:
    letter.put(lies)
    (picture,) = letter.prepared(f"![A dot]({written})").pictures.values()
    assert (picture.width, picture.height) == (20, 20)


def test_the_image_beside_the_issue_goes_before_the_others(letter: Newsletter) -> None:
    letter.put("issues/a.png", saved(drawing(10, 10)))
    letter.put("issues/2026-11-hello/a.png", saved(drawing(30, 30)))
    letter.put("public/a.png", saved(drawing(40, 40)))
    pictures = letter.prepared("![](a.png) ![](/a.png)").pictures
    assert [picture.width for picture in pictures.values()] == [10, 10]


def test_an_issue_that_is_the_index_of_a_folder_has_its_images_there(letter: Newsletter) -> None:
    letter.file = letter.put("issues/hello/index.md", b"")
    letter.put("issues/hello/a.png")
    assert letter.prepared("![](a.png)").pictures
    assert (
        letter.problem("![](zebra.jpg)").fix == "put the image into issues/hello/ and name it there; known are: a.png"
    )


def test_the_image_on_top_is_found_like_the_others(letter: Newsletter) -> None:
    letter.put("src/assets/top of it.jpg", saved(photo(300, 200), "JPEG"))
    assert letter.prepared("Text.", "heroImage: '../src/assets/top of it.jpg'\n").pictures


def test_issues_may_lie_in_another_folder_than_the_settings(letter: Newsletter, tmp_path: Path) -> None:
    letter.put("issues/a.png")
    elsewhere = Desk(tmp_path / "settings", Cache(tmp_path / "cache"))
    assert letter.prepared("![](a.png)", desk=elsewhere).pictures


def test_an_image_can_stand_in_its_address(letter: Newsletter) -> None:
    (picture,) = letter.prepared(
        "![](data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7)"
    ).pictures.values()
    assert (picture.width, picture.height) == (1, 1)
    assert "cannot be read" in letter.problem('<img src="data:image/png;base64,*">').message


@pytest.mark.parametrize(
    ("written", "message", "fix"),
    [
        ("cover.jgp", "does not exist", "did you mean 'cover.jpg'?"),
        ("Cover.JPG", "does not exist", "did you mean 'cover.jpg'?"),
        ("/img/cover.jpeg", "does not exist", "did you mean 'cover.jpg'?"),
        ("x.png", "does not exist", PUT_IT),
        ("/etc/passwd", "does not exist", PUT_IT),
        ("2026-11-hello", "is a folder, not an image", "name one file in it"),
        ("../../etc/passwd", OUTSIDE, COPY_IT),
        ("..%2f..%2f..%2fetc/passwd", OUTSIDE, COPY_IT),
        ("/../../etc/passwd", OUTSIDE, COPY_IT),
        ("a" * 300, "cannot be the name of a file: File name too long", "name one that exists"),
        ("%00.png", "cannot be the name of a file: embedded null byte", "name one that exists"),
    ],
)
def test_a_missing_image_is_an_error_that_helps(letter: Newsletter, written: str, message: str, fix: str) -> None:
    letter.put("issues/cover.jpg")
    letter.put("issues/2026-11-hello/inner.png")
    letter.put("issues/notes.txt")
    said = letter.problem(f"Text.\n\n![A dog]({written})")
    assert said.message.startswith("the image '")
    assert (said.message.rpartition("' ")[2], said.fix) == (message, fix)
    assert (said.path, said.line) == ("issues/2026-11-hello.md", 6)


def test_no_link_leads_out_of_the_newsletters_folder(letter: Newsletter, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(DOT)
    (letter.file.parent / "a.png").symlink_to(tmp_path / "secret.png")
    (letter.folder / "public").symlink_to(tmp_path)
    for written in ("a.png", "/secret.png", "../public/secret.png"):
        assert "lies outside of the newsletter's folder" in letter.problem(f"![]({written})").message


def test_a_link_within_the_newsletters_folder_is_followed(letter: Newsletter) -> None:
    (letter.file.parent / "a.png").symlink_to(letter.put("pictures/one.png"))
    assert letter.prepared("![](a.png)").pictures


def test_a_file_too_large_to_be_read_is_refused_before_it_is(letter: Newsletter) -> None:
    with letter.put("issues/a.png").open("r+b") as file:
        os.truncate(file.fileno(), 51_000_000)
    assert letter.problem("![](a.png)").message == "the image 'a.png' has 51 MB, more than 50"


def test_each_mistake_is_told_with_its_place_and_all_at_once(letter: Newsletter) -> None:
    letter.put("issues/svg.svg", SVG)
    markdown = (
        "Text ![a][one] and\nmore.\n\n> ![b](b.png)\n\n<p>\n<img src=svg.svg>\n</p>\n\n"
        "[one]: a.png\n\n![no](ftp://example.org/a.png)"
    )
    found = letter.problems(markdown, "hero: top.jpg\n")
    assert [(each.place, each.message.partition("' ")[0]) for each in found] == [
        ("issues/2026-11-hello.md:3:7", "the image 'top.jpg"),
        ("issues/2026-11-hello.md:8:8", "the image 'b.png"),
        ("issues/2026-11-hello.md:11:10", "the image 'svg.svg"),
        ("issues/2026-11-hello.md:14:8", "the image 'a.png"),
        ("issues/2026-11-hello.md:16:7", "the image 'ftp://example.org/a.png"),
    ]


def test_an_image_that_the_message_holds_by_other_means_is_left_alone(letter: Newsletter) -> None:
    assert letter.prepared('<img src="cid:mine@example.org">').pictures == {}


# ── From the web ─────────────────────────────────────────────────────────────────────────────────────────────────────


def on_this_machine(letter: Newsletter, site: str = "") -> Desk:
    web = Web(look_up=lambda _: (ip_address("127.0.0.1"),), is_allowed=lambda _: True)
    return Desk(letter.folder, letter.desk.cache, site=site, web=web)


def test_an_image_of_the_web_is_fetched_and_made_like_any_other(letter: Newsletter) -> None:
    with Server() as server:
        server.pages["/a%20photo.webp"] = Page(saved(photo(), "WEBP"), "image/webp")
        (picture,) = letter.prepared(
            f"![]({server.url('/a%20photo.webp')})", desk=on_this_machine(letter)
        ).pictures.values()
    assert picture.enclosed is not None
    assert (picture.width, picture.enclosed.type) == (MOST, "image/jpeg")
    assert picture.enclosed.name.startswith("a-photo-")


def test_a_path_of_the_web_site_that_is_no_file_here_is_fetched_from_there(letter: Newsletter) -> None:
    with Server() as server:
        desk = on_this_machine(letter, server.url("/blog", "letter.site"))
        server.pages["/blog/a.png"] = Page(DOT)
        assert letter.prepared("![](/a.png)", desk=desk).pictures
        said = letter.problem("![](/b.png)", desk=desk)
    assert said.message == f"the image '/b.png' does not exist, and on {desk.site} it answers 404 Not Found"


def test_the_site_of_an_example_is_never_asked(letter: Newsletter) -> None:
    with Server() as server:
        for site in ("letter.example.org", "example.com", "localhost", "a.test"):
            said = letter.problem("![](/b.png)", desk=on_this_machine(letter, server.url("", site)))
            assert said.message == "the image '/b.png' does not exist"
        assert server.requests == []


def test_what_a_server_calls_an_image_has_to_be_one(letter: Newsletter) -> None:
    desk = on_this_machine(letter)
    with Server() as server:
        server.pages["/a.png"] = Page(b"<!doctype html><p>Please log in.")
        assert "is a web page, not an image" in letter.problem(f"![]({server.url('/a.png')})", desk=desk).message
        server.pages["/a.png"] = Page(SVG, "image/svg+xml")
        assert "is an SVG drawing" in letter.problem(f"![]({server.url('/a.png')})", desk=desk).message
        server.pages["/a.png"] = Page(DOT)
        assert letter.prepared(f"![]({server.url('/a.png')})", desk=desk).pictures


def test_an_error_of_the_web_stands_at_the_line_that_names_it(letter: Newsletter) -> None:
    said = letter.problem("Text.\n\n![](https://192.168.1.1/a.png)")
    assert said.place == "issues/2026-11-hello.md:6:5"
    assert said.message == (
        "the image 'https://192.168.1.1/a.png' leads to 192.168.1.1, which is no address of the public Internet"
    )


def test_a_copy_that_stands_in_for_its_server_is_told_of(letter: Newsletter) -> None:
    with Server() as server:
        server.pages["/a.png"] = Page(DOT)
        markdown = f"Text.\n\n![]({server.url('/a.png')})"
        letter.prepared(markdown, desk=on_this_machine(letter))
        server.pages["/a.png"] = Page(status=500)
        web = Web(look_up=lambda _: (ip_address("127.0.0.1"),), is_allowed=lambda _: True, clock=lambda: 4e9)
        done = letter.prepared(markdown, desk=Desk(letter.folder, letter.desk.cache, web=web))
    assert len(done.pictures) == 1
    (note,) = done.notes
    assert note.line == 6
    assert "answers 500 Internal Server Error; the copy of 20" in note.message


# ── Placing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_by_default_images_travel_inside_the_message_and_every_cid_leads_to_one(letter: Newsletter) -> None:
    letter.put("issues/Été à Nantes (2).jpg", saved(photo(), "JPEG"))
    letter.put("issues/b.png")
    edition = letter.edition("![](<Été à Nantes (2).jpg>)\n\nAnd ![](b.png), <img src=b.png>.", "hero: b.png\n")
    html = fill(edition.html, [""] * len(edition.expressions))
    assert {f"cid:{each.content_id}" for each in edition.pictures} == {
        part.partition('"')[0] for part in html.split('src="')[1:]
    }
    assert [each.name.rpartition("-")[0] for each in edition.pictures] == ["b", "ete-a-nantes-2"]


def test_into_a_folder_they_go_by_what_is_in_them(letter: Newsletter, tmp_path: Path) -> None:
    letter.put("issues/a.png")
    desk = Desk(letter.folder, letter.desk.cache, folder=tmp_path / "public" / "i", base_url="https://example.org/i")
    (picture,) = letter.prepared("![](a.png)", desk=desk).pictures.values()
    (file,) = (tmp_path / "public" / "i").iterdir()
    assert picture.enclosed is None
    assert picture.src == f"https://example.org/i/{file.name}"
    assert file.read_bytes() == DOT
    before = file.stat().st_mtime_ns
    letter.prepared("![](a.png)", desk=desk)
    assert file.stat().st_mtime_ns == before
    letter.put("issues/a.png", saved(drawing(30, 30)))
    letter.prepared("![](a.png)", desk=desk)
    assert len(list(file.parent.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_an_error(letter: Newsletter) -> None:
    letter.put("issues/a.png")
    letter.put("public", b"in the way")
    desk = Desk(letter.folder, letter.desk.cache, folder=letter.folder / "public", base_url="https://example.org")
    said = letter.problem("![](a.png)", desk=desk)
    assert "cannot be written" in said.message
    assert "[images]" in str(said.fix)


def test_the_same_image_is_the_same_picture_whatever_its_name(letter: Newsletter) -> None:
    letter.put("issues/a.png")
    letter.put("issues/b.png")
    edition = letter.edition("![](a.png)\n\n![](b.png)")
    assert len(edition.pictures) == 1


def test_an_image_that_is_shown_small_is_made_small(letter: Newsletter) -> None:
    letter.put("issues/a.jpg", saved(photo(), "JPEG"))
    (small,) = letter.prepared("![](a.jpg){width=100}").pictures.values()
    assert (small.width, small.height) == (200, 150)
    (large,) = letter.prepared("![](a.jpg){width=100}\n\n![](a.jpg)").pictures.values()
    assert large.width == MOST


def test_rendering_again_makes_nothing_anew_and_changes_nothing(
    letter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter.put("issues/a.jpg", saved(photo(), "JPEG"))
    letter.put("issues/b.gif", animated("GIF", frames=2) + b"\0" * 1_500_000)
    first = letter.prepared("![](a.jpg) ![](b.gif)")

    def unwanted(*_: object) -> Made:
        raise AssertionError("made anew")

    monkeypatch.setattr("newsletter.sources.images.make.make", unwanted)
    again = letter.prepared("![](a.jpg) ![](b.gif)")
    assert again == first
    assert len(again.notes) == 1


def test_without_a_cache_everything_is_made_again_to_the_same_bytes(letter: Newsletter, tmp_path: Path) -> None:
    letter.put("issues/a.jpg", saved(photo(), "JPEG"))
    other = Desk(letter.folder, Cache(tmp_path / "other"))
    assert letter.prepared("![](a.jpg)").pictures == letter.prepared("![](a.jpg)", desk=other).pictures


def test_an_edition_with_another_image_is_another_edition(letter: Newsletter) -> None:
    letter.put("issues/a.png")
    first = letter.edition("![](a.png)")
    assert letter.edition("![](a.png)").fingerprint == first.fingerprint
    letter.put("issues/a.png", saved(drawing(30, 30)))
    assert letter.edition("![](a.png)").fingerprint != first.fingerprint


def test_the_weight_of_a_message_is_told_and_limited(letter: Newsletter) -> None:
    chance = Random(7)
    for at in range(6):
        letter.put(f"issues/{at}.gif", animated() + chance.randbytes(1_300_000))
    (note,) = letter.prepared("![](0.gif) ![](1.gif)").notes
    assert note.message == "the images weigh 2.6 MB, in each message"
    said = letter.problem("\n".join(f"![]({at}.gif)" for at in range(6)))
    assert "many servers take no more than 10 MB" in said.message
    assert 'place = "folder"' in str(said.fix)


def test_what_stands_in_a_condition_travels_to_all(letter: Newsletter) -> None:
    letter.put("issues/a.png")
    letter.put("issues/b.png", saved(drawing(30, 30)))
    edition = letter.edition("{% if subscriber.tags %}\n\n![](a.png)\n\n{% else %}\n\n![](b.png)\n\n{% endif %}")
    assert len(edition.pictures) == 2


# ── Pictures that nobody named ───────────────────────────────────────────────────────────────────────────────────────

VIDEO = "https://youtu.be/aqz-KE-bpKQ"


@pytest.fixture
def offline(letter: Newsletter) -> Desk:
    def away(_: str) -> NoReturn:
        raise OSError("no network")

    return replace(letter.desk, web=Web(look_up=away))


def test_a_video_without_its_picture_is_a_card_of_words_and_its_author_is_told(
    letter: Newsletter, offline: Desk
) -> None:
    issue, reading = letter._read(f"Look:\n\n{VIDEO}", "")
    done = prepare(reading.uses, issue, letter.file, WIDTH, offline)
    (note,) = done.notes
    assert note.line == 6
    assert "i.ytimg.com" in note.message
    assert note.fix
    assert "poster=" in note.fix
    html = fill(reading.edition((), done.pictures).html, [""] * 9)
    assert "<img" not in html
    assert f'<a href="{VIDEO}"' in html
    assert "Watch on YouTube" in html


@pytest.mark.parametrize(
    "markdown",
    [
        "![A poster](https://i.ytimg.com/vi/aqz-KE-bpKQ/hqdefault.jpg)",
        f"::video[A film]{{href={VIDEO} poster=https://example.org/poster.jpg}}",
        f"{VIDEO}\n\n![A poster](https://i.ytimg.com/vi/aqz-KE-bpKQ/hqdefault.jpg)",
    ],
)
def test_an_image_that_the_author_named_is_needed(letter: Newsletter, offline: Desk, markdown: str) -> None:
    assert "no host of the name" in letter.problem(markdown, desk=offline).message


def test_a_service_is_asked_for_the_picture_of_its_video(letter: Newsletter) -> None:
    with Server() as server:
        video = server.url("/w/kkGMgK9ZtnKfYAgnEtQxbv")
        asked = f"/services/oembed?format=json&url={quote(video, safe='')}"
        server.pages["/still.jpg"] = Page(saved(photo(), "JPEG"), "image/jpeg")
        said = json.dumps({"type": "video", "thumbnail_url": server.url("/still.jpg")}).encode()
        server.pages[asked] = Page(said, "application/json; charset=utf-8")
        issue, reading = letter._read(f"Look:\n\n{video}", "")
        done = prepare(reading.uses, issue, letter.file, WIDTH, on_this_machine(letter))
    assert not done.notes
    edition = reading.edition((), done.pictures)
    (inside,) = edition.pictures
    html = fill(edition.html, [""] * 9)
    assert f'<a href="{video}"' in html
    assert f'src="cid:{inside.content_id}"' in html
    assert "Watch on PeerTube" in html


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(status=404), "answers 404"),
        (Page(b"<html>", "text/html"), "is not told of by its service, which answers text/html"),
        (Page(b"{", "application/json"), "has none that its service tells of"),
        (Page(b"[1]", "application/json"), "has none that its service tells of"),
        (Page(b"{}", "application/json"), "has none that its service tells of"),
        (Page(b'{"thumbnail_url": "file:///etc/passwd"}', "application/json"), "has none that its service tells of"),
    ],
)
def test_a_video_of_which_its_service_tells_nothing_is_a_card_of_words(
    letter: Newsletter, page: Page, told: str
) -> None:
    with Server() as server:
        video = server.url("/w/kkGMgK9ZtnKfYAgnEtQxbv")
        server.pages[f"/services/oembed?format=json&url={quote(video, safe='')}"] = page
        issue, reading = letter._read(f"Look:\n\n{video}", "")
        done = prepare(reading.uses, issue, letter.file, WIDTH, on_this_machine(letter))
    (note,) = done.notes
    assert note.message.startswith(f"the picture of the video '{video}' ")
    assert told in note.message
    assert note.line == 6
    assert "<img" not in fill(reading.edition((), done.pictures).html, [""] * 9)


def test_the_picture_that_a_service_names_is_fetched_through_the_guard(letter: Newsletter) -> None:
    with Server() as server:
        video = server.url("/w/kkGMgK9ZtnKfYAgnEtQxbv", "video.test")
        said = json.dumps({"thumbnail_url": "http://10.0.0.1/still.jpg"}).encode()
        asked = f"/services/oembed?format=json&url={quote(video, safe='')}"
        server.pages[asked] = Page(said, "application/json")
        web = Web(
            look_up=lambda host: (ip_address("127.0.0.1" if host == "video.test" else host),),
            is_allowed=lambda address: address.is_loopback,
        )
        done = letter.prepared(video, desk=replace(letter.desk, web=web))
    assert "leads to 10.0.0.1, which is no address of the public Internet" in done.notes[0].message


def test_left_as_it_is_a_video_without_a_known_picture_is_a_card_of_words(letter: Newsletter) -> None:
    _, reading = letter._read("https://vimeo.com/76979871", "")
    html = fill(reading.edition().html, [""] * 9)
    assert "<img" not in html
    assert "oembed" not in html
