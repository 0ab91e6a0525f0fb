"""Servers are asked whether links still lead somewhere: seldom, politely, and never inside a private network."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from newsletter.manuscript import Answer
from newsletter.sources.images.cache import Cache
from newsletter.sources.link_answers import Asking, link_answers
from tests.support.web import Page, Web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = Asking(seconds=5, is_allowed=lambda _: True)


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        yield web


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_a_page_that_is_there_one_that_is_gone_and_one_that_has_moved(web: Web, cache: Cache) -> None:
    web.pages["/there"] = Page(b"hello", "text/html")
    web.pages["/old"] = Page(status=301, headers={"Location": "/there"})
    there, gone, old = (f"http://127.0.0.1:{web.port}/{name}" for name in ("there", "gone", "old"))
    assert link_answers([there, gone, old], cache, HERE) == {
        there: Answer(200),
        gone: Answer(404),
        old: Answer(200, moved_to=there),
    }


def test_an_answer_is_kept_for_a_day_and_that_of_a_dead_link_for_two_hours(web: Web, cache: Cache) -> None:
    web.pages["/there"] = Page(b"hello", "text/html")
    there, gone = (f"http://127.0.0.1:{web.port}/{name}" for name in ("there", "gone"))
    now = 1_000_000.0
    link_answers([there, gone], cache, replace(HERE, clock=lambda: now))
    asked = len(web.requests)
    web.pages["/gone"] = Page(b"back", "text/html")
    hour = replace(HERE, clock=lambda: now + 3600)
    assert link_answers([f"{there}#part", gone], cache, hour)[gone] == Answer(404)
    assert len(web.requests) == asked
    later = replace(HERE, clock=lambda: now + 3 * 3600)
    assert link_answers([there, gone], cache, later)[gone] == Answer(200)
    assert {request.path for request in web.requests[asked:]} == {"/gone"}


def test_redirections_without_an_end_are_given_up(web: Web, cache: Cache) -> None:
    web.pages["/round"] = Page(status=302, headers={"Location": "/round"})
    url = f"http://127.0.0.1:{web.port}/round"
    assert link_answers([url], cache, HERE)[url].error == "it leads on more than 8 times"


def test_nobody_inside_a_private_network_is_asked_not_even_by_a_redirection(web: Web, cache: Cache) -> None:
    url = f"http://127.0.0.1:{web.port}/secret"
    assert link_answers([url], cache)[url].error == "it leads to 127.0.0.1, which is no address of the public Internet"
    assert web.requests == []
    web.pages["/out"] = Page(status=302, headers={"Location": f"http://localhost:{web.port}/secret"})
    first = f"http://127.0.0.1:{web.port}/out"
    names = {"127.0.0.1": (ip_address("198.51.100.1"),), "localhost": (ip_address("10.0.0.1"),)}
    guarded = replace(HERE, look_up=names.__getitem__, is_allowed=lambda address: str(address) != "10.0.0.1")
    assert "no address of the public Internet" in link_answers([first], cache, guarded)[first].error
    assert all(request.path != "/secret" for request in web.requests)


def test_a_server_that_says_nothing_costs_no_more_than_the_time_given(web: Web, cache: Cache) -> None:
    web.pages["/silent"] = Page(silent=True)
    url = f"http://127.0.0.1:{web.port}/silent"
    assert link_answers([url], cache, replace(HERE, seconds=0.3))[url] == Answer(0, error="no answer within 0.3 s")


@pytest.mark.parametrize(
    "href", ["mailto:ana@example.org", "#top", "", "/about", "https://example.org/{{ issue.slug }}"]
)
def test_what_is_no_page_of_the_web_is_not_asked(href: str, cache: Cache) -> None:
    assert link_answers([href], cache, HERE) == {}


@pytest.mark.parametrize(
    "href", ["http://", "https://[::1", "http://a b/", "https://ex ample.org:99999/", "http://\x00/"]
)
def test_what_is_no_address_is_answered_without_an_exception(href: str, cache: Cache) -> None:
    assert link_answers([href], cache, HERE)[href].status == 0
