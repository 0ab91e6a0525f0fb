"""Fetching an image from the web: what is taken, what is refused and why, and what is kept."""

from __future__ import annotations

import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import IssueError, Problem
from newsletter.sources.images.cache import Cache
from newsletter.sources.images.fetch import LARGEST, Fetched, Web, fetch, forget
from newsletter.sources.images.guard import is_public, look_up
from tests.support.images import drawing, saved
from tests.support.web import Page
from tests.support.web import Web as Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.sources.images.guard import Address

DOT = saved(drawing(20, 20))
HERE = ip_address("127.0.0.1")
CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"


def here_is_public(address: Address) -> bool:
    """The guard, with the one address that a test's server has let through."""
    return address == HERE or is_public(address)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / ".cache" / "images")


def web(
    names: Callable[[str], tuple[Address, ...]] = lambda _: (HERE,), at: float = 1_800_000_000, seconds: float = 5.0
) -> Web:
    return Web(look_up=names, is_allowed=here_is_public, clock=lambda: at, seconds=seconds)


def problem(url: str, cache: Cache, way: Web | None = None) -> Problem:
    with pytest.raises(IssueError) as refusal:
        fetch(url, cache, way or web())
    (found,) = refusal.value.problems
    assert found.fix
    return found


# ── What is taken ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_image_is_fetched_from_the_address_that_its_name_led_to(server: Server, cache: Cache) -> None:
    server.pages["/a%20b.png?x=1"] = Page(DOT)
    assert fetch(server.url("/a b.png?x=1#top"), cache, web()) == Fetched(DOT)
    (request,) = server.requests
    assert request.headers["Host"] == f"img.example.org:{server.port}"
    assert request.headers["User-Agent"].startswith("newsletter/")
    assert "Cookie" not in request.headers


def test_three_redirects_are_followed_and_a_fourth_is_not(server: Server, cache: Cache) -> None:
    server.pages["/4.png"] = Page(DOT)
    for at, to in enumerate(("/1.png", "2.png", "//other.example.org:{port}/3.png", "/4.png")):
        server.pages[f"/{at}.png"] = Page(status=301, headers={"Location": to.format(port=server.port)})
    assert fetch(server.url("/1.png"), cache, web()).content == DOT
    assert problem(server.url("/0.png"), cache).message == "leads on more than 3 times"


def test_the_certificate_must_be_the_hosts_and_not_the_addresss(cache: Cache) -> None:
    trusting = Web(look_up=lambda _: (HERE,), is_allowed=here_is_public, authorities=str(CERTIFICATE))
    with Server(CERTIFICATE) as server:
        server.pages["/a.png"] = Page(DOT)
        assert fetch(server.url("/a.png", "localhost"), cache, trusting).content == DOT
        assert "cannot be fetched" in problem(server.url("/a.png", "img.example.org"), cache, trusting).message
        assert "certificate" in problem(server.url("/a.png", "localhost"), Cache(Path("/nowhere")), web()).message


def test_the_next_address_is_tried_when_nobody_is_at_the_first(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT)
    both = Web(look_up=lambda _: (ip_address("::1"), HERE), is_allowed=lambda _: True)
    assert fetch(server.url("/a.png"), cache, both).content == DOT


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.100.100.200",
    "169.254.169.254", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "4000::1",
)  # fmt: skip
PUBLIC = (
    "93.184.215.14",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700::1111",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
)


@pytest.mark.parametrize(("address", "public"), [*((a, False) for a in PRIVATE), *((a, True) for a in PUBLIC)])
def test_only_what_the_whole_internet_can_reach_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize("address", ["127.0.0.9", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "224.0.0.1"])
def test_no_private_address_is_asked_under_any_name(server: Server, cache: Cache, address: str) -> None:
    said = problem(server.url("/a.png"), cache, web(lambda _: (ip_address(address),)))
    assert said.message == f"leads to {address}, which is no address of the public Internet"
    assert server.requests == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
def test_no_way_to_write_loopback_leads_there(server: Server, cache: Cache, host: str) -> None:
    server.pages["/a.png"] = Page(DOT)
    said = problem(server.url("/a.png", host), cache, Web(look_up=look_up))
    assert "no address of the public Internet" in said.message
    assert server.requests == []


def test_a_name_that_has_a_private_address_beside_a_public_one_is_refused(server: Server, cache: Cache) -> None:
    both = web(lambda _: (HERE, ip_address("10.0.0.1")))
    assert "leads to 10.0.0.1" in problem(server.url("/a.png"), cache, both).message
    assert server.requests == []


def test_a_name_that_means_something_else_a_moment_later_gains_nothing(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT)
    answers = [(HERE,), (ip_address("10.0.0.1"),)]
    assert fetch(server.url("/a.png"), cache, web(lambda _: answers.pop(0))).content == DOT
    assert len(answers) == 1  # looked up once, and connected to what was found


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("http://127.0.0.9/a.png", "leads to 127.0.0.9"),
        ("http://169.254.169.254/latest/meta-data/", "leads to 169.254.169.254"),
        ("http://[::1]/", "leads to ::1"),
        ("http://metadata.example.org/", "leads to 10.0.0.1"),
        ("file:///etc/passwd", "leads to file:"),
        ("ftp://example.org/a.png", "leads to ftp:"),
        ("gopher://127.0.0.1:25/", "leads to gopher:"),
        ("http://user:secret@img.example.org/", "user name"),
        ("https:///a.png", "names no host"),
        ("http://[", "is no web address"),
        ("http://" + "a" * 64 + ".example.org/", "is no web address"),
    ],
)
def test_each_redirect_is_judged_like_the_first_address(server: Server, cache: Cache, to: str, said: str) -> None:
    server.pages["/a.png"] = Page(status=302, headers={"Location": to})

    def names(host: str) -> tuple[Address, ...]:
        if host == "metadata.example.org":
            return (ip_address("10.0.0.1"),)
        return (HERE,) if host == "img.example.org" else look_up(host)

    assert said in problem(server.url("/a.png"), cache, web(names)).message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(b"<p>", "text/html; charset=utf-8"), "is a web page, not an image"),
        (Page(b"{}", "application/json"), "is called application/json by its server"),
        (Page(DOT, ""), "is called nothing by its server"),
        (Page(DOT, status=404), "answers 404 Not Found"),
        (Page(DOT, status=403), "answers 403 Forbidden"),
        (Page(DOT, status=206), "answers 206 Partial Content"),
        (Page(DOT, status=304), "answers 304 Not Modified"),
        (Page(status=302), "answers 302 Found"),
        (Page(DOT, headers={"Content-Encoding": "gzip"}), "comes compressed"),
        (Page(b"x" * (LARGEST + 1)), "is larger than 5 MB"),
        (Page(b"x" * (LARGEST + 1), length=-1), "is larger than 5 MB"),
        (Page(b"x", length=LARGEST + 1), "is larger than 5 MB"),
    ],
)  # fmt: skip
def test_what_is_no_image_or_too_large_is_refused(server: Server, cache: Cache, page: Page, said: str) -> None:
    server.pages["/a.png"] = page
    assert said in problem(server.url("/a.png"), cache).message


@pytest.mark.parametrize("page", [Page(slow=True, length=1000), Page(slow=True, length=-1), Page(silent=True)])
def test_a_server_that_takes_its_time_is_left(server: Server, cache: Cache, page: Page) -> None:
    server.pages["/a.png"] = page
    began = time.monotonic()
    said = problem(server.url("/a.png"), cache, web(seconds=0.3)).message
    assert time.monotonic() - began < 3
    assert said == "did not arrive within 0.3 seconds"


def test_a_name_server_that_is_silent_is_left(server: Server, cache: Cache) -> None:
    def never(_: str) -> tuple[Address, ...]:
        server.over.wait()
        return (HERE,)

    assert problem(server.url("/"), cache, web(never, seconds=0.1)).message == "did not arrive within 0.1 seconds"


def test_what_breaks_off_is_not_taken_for_whole(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT, length=len(DOT) + 10)
    assert "cannot be fetched" in problem(server.url("/a.png"), cache).message


# ── What is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_within_an_hour_a_server_is_asked_once(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT)
    for at in (0, 60, 3599):
        assert fetch(server.url("/a.png"), cache, web(at=1_800_000_000 + at)).content == DOT
    assert len(server.requests) == 1


def test_after_an_hour_it_is_asked_whether_the_image_has_changed(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT, headers={"ETag": '"one"', "Last-Modified": "Sat, 21 Nov 2026 08:00:00 GMT"})
    fetch(server.url("/a.png"), cache, web())
    assert fetch(server.url("/a.png"), cache, web(at=1_800_010_000)).content == DOT
    _, second = server.requests
    assert second.headers["If-None-Match"] == '"one"'
    assert second.headers["If-Modified-Since"] == "Sat, 21 Nov 2026 08:00:00 GMT"
    fetch(server.url("/a.png"), cache, web(at=1_800_010_001))
    assert len(server.requests) == 2  # "not modified" makes it fresh again
    fetch(server.url("/a.png"), cache, web(at=1_800_020_000))
    assert server.requests[-1].headers["If-None-Match"] == '"one"'  # which that answer did not repeat


def test_a_new_version_takes_the_place_of_the_old_one(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT, headers={"ETag": '"one"'})
    fetch(server.url("/a.png"), cache, web())
    server.pages["/a.png"] = Page(DOT + b"!", headers={"ETag": '"two"'})
    assert fetch(server.url("/a.png"), cache, web(at=1_800_010_000)).content == DOT + b"!"


@pytest.mark.parametrize("trouble", ["offline", "no answer", "busy"])
def test_while_the_server_is_away_the_copy_is_used_and_the_author_told(
    server: Server, cache: Cache, trouble: str
) -> None:
    server.pages["/a.png"] = Page(DOT)
    fetch(server.url("/a.png"), cache, web())

    def away(_: str) -> tuple[Address, ...]:
        raise OSError(-3, "Temporary failure in name resolution")

    server.pages["/a.png"] = Page(status=503) if trouble == "busy" else Page(silent=True)
    later = web(away, at=1_800_010_000) if trouble == "offline" else web(at=1_800_010_000, seconds=0.2)
    fetched = fetch(server.url("/a.png"), cache, later)
    assert fetched.content == DOT
    assert fetched.note.endswith("; the copy of 2027-01-15 is used")


def test_offline_and_without_a_copy_it_is_said_what_to_do(cache: Cache) -> None:
    def away(_: str) -> tuple[Address, ...]:
        raise OSError(-2, "Name or service not known")

    said = problem("https://img.example.org/a.png", cache, web(away))
    assert said.message == "cannot be fetched: no host of the name img.example.org is found (name or service not known)"
    assert said.fix is not None
    assert "online" in said.fix
    assert "beside the issue" in said.fix


def test_an_image_that_is_gone_is_an_error_whatever_was_kept(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(DOT)
    fetch(server.url("/a.png"), cache, web())
    del server.pages["/a.png"]
    with pytest.raises(IssueError, match="answers 404"):
        fetch(server.url("/a.png"), cache, web(at=1_800_010_000))


def test_what_turned_out_to_be_none_is_asked_for_again(server: Server, cache: Cache) -> None:
    server.pages["/a.png"] = Page(b"no image")
    fetch(server.url("/a.png"), cache, web())
    forget(server.url("/a.png"), cache)
    server.pages["/a.png"] = Page(DOT)
    assert fetch(server.url("/a.png"), cache, web()).content == DOT


def test_a_damaged_copy_counts_as_none(server: Server, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    server.pages["/a.png"] = Page(DOT)
    fetch(server.url("/a.png"), cache, web())
    (kept,) = (tmp_path / "fetched").iterdir()
    for damage in (kept.read_bytes()[:-1], b"", b"[]\n", b"{}\nx", b"\xff\n"):
        kept.write_bytes(damage)
        assert fetch(server.url("/a.png"), cache, web()).content == DOT


def test_the_cache_keeps_itself_out_of_git(server: Server, tmp_path: Path) -> None:
    server.pages["/a.png"] = Page(DOT)
    fetch(server.url("/a.png"), Cache(tmp_path / ".cache" / "images"), web())
    assert (tmp_path / ".cache" / "images" / ".gitignore").read_text().endswith("\n*\n")


def test_a_cache_that_cannot_be_written_is_none(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    server.pages["/a.png"] = Page(DOT)
    assert fetch(server.url("/a.png"), Cache(tmp_path / "file"), web()).content == DOT
