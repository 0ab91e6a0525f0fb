"""The door of the pages: sizes, headers, proxies, faults, counts; and whatever a stranger may send."""

from __future__ import annotations

import logging
import socket
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from newsletter.consent import network_of
from newsletter.web import app as app_module
from newsletter.web.door import HEADERS, LARGEST_BODY
from newsletter.web.limits import MOST_NETWORKS, Turnstile
from tests.support.served import SETTINGS, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = 'fields = ["first_name", "city"]\ntopics = ["walks"]\nper_network = 1000000\nper_hour = 1000000'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), WEB) as served:
        yield served


def every_path(served: Served, email: str) -> list[str]:
    """The path of every route, with tokens of this reader, and with others that open nothing."""
    reader = served.people.get(email) or served.reader(email)
    leave, own = (served.path(page, reader).rpartition("/")[2] for page in ("unsubscribe", "preferences"))
    data = served.own_data(reader).rpartition("/")[2]
    found = []
    for template in _templates(served):
        for token in (leave, own, data, "x", "%00", "%ff", "a" * 300):
            found.append("/".join(token if part.startswith("{") else part for part in template.split("/")))
            if "{" not in template:
                break
    return found


@cache
def _templates(served: Served) -> list[str]:
    modules = [import_module(name) for name in app_module.MODULES]
    found = {route.path for each in modules for route in each.routes(served.parts) if isinstance(route, Route)}
    return sorted(found, key=lambda path: (path.endswith("/forget"), path))  # the reader is needed for the others


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "BREW"])
def test_every_path_answers_every_method_without_a_fault_and_with_all_headers(served: Served, method: str) -> None:
    for path in every_path(served, f"{method}@example.org"):
        answer = served.ask(method, path)
        assert answer.status_code < 500, path
        for name in HEADERS:
            assert name in answer.headers or (name == "X-Frame-Options" and "embed" in path), (path, name)
        assert "set-cookie" not in answer.headers
        assert "'unsafe" not in answer.headers["Content-Security-Policy"] or "/archive" in path
        assert "server" not in answer.headers
        assert leads_here(path, answer.headers.get("Location", ""))


def leads_here(path: str, address: str) -> bool:
    """Whether a redirect from a path stays on these pages; browsers take a backslash for a slash."""
    return urlsplit(urljoin(f"http://here{path}", address.replace("\\", "/"))).netloc == "here"


@pytest.mark.parametrize(
    "path",
    ["//evil.example.com", "/archive//evil.example.com", "/archive/%2f%2fevil.example.com", "/%5cevil.example.com/",
     "/archive/..%2f..%2f%2fevil.example.com", "/subscribe/?next=//evil.example.com", "/https://evil.example.com/"],
)  # fmt: skip
def test_no_address_leads_away(served: Served, path: str) -> None:
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[0].decode()
    location = next((line[10:] for line in head.splitlines() if line.lower().startswith("location: ")), "")
    assert leads_here(path, location), location


def test_get_and_head_change_nothing_on_any_path(served: Served) -> None:
    ways = every_path(served, "visited@example.org")
    before = served.snapshot()
    for path in ways:
        for query in ("", "?do=pause&page=yes&reason=never&email=a@example.org&List-Unsubscribe=One-Click"):
            served.get(f"{path}{query}", headers={"Content-Type": "application/x-www-form-urlencoded"})
            served.ask("HEAD", f"{path}{query}")
    assert served.snapshot() == before


KEYS = st.sampled_from(
    [
        "email",
        "first_name",
        "city",
        "language",
        "website",
        "do",
        "topic",
        "topics",
        "reason",
        "page",
        "List-Unsubscribe",
    ]
) | st.text(max_size=20)
VALUES = st.one_of(
    st.text(max_size=100),
    st.sampled_from(
        ["=1+1", "+cmd|' /C calc'!A0", "@SUM(1)", "a@example.org\r\nBcc: b@example.org", "<script>alert(1)</script>",
         "{{7*7}}", "${7*7}", "'; DROP TABLE subscribers; --", "\0", "\u202eevil",
         "a" * 5000, "🙂@example.org", "save", "pause"]
    ),
)  # fmt: skip
HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200).map(str.strip)
NAMES = ["Accept-Language", "X-Forwarded-For", "X-Forwarded-Proto", "Cookie", "Referer", "Content-Type", "Accept"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_to_whatever_route_is_answered_and_is_no_fault(served: Served, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(every_path(served, "fuzz@example.org")))
    method = data.draw(st.sampled_from(["GET", "POST", "HEAD", "DELETE"]))
    if path.endswith("/forget"):
        method = "GET"  # the reader is still needed
    headers = data.draw(st.dictionaries(st.sampled_from(NAMES), HEADER_VALUES, max_size=3))
    form = data.draw(st.dictionaries(KEYS, VALUES, max_size=5))
    query = data.draw(st.dictionaries(st.sampled_from(["lang", "page", "x"]), VALUES.filter(lambda t: len(t) < 200)))
    parts = {key: (None, text) for key, text in form.items() if key} or None
    raw = data.draw(st.binary(max_size=2000))
    body: dict[str, Any] = data.draw(st.sampled_from([{"data": form}, {"files": parts}, {"data": raw}]))
    answer = served.ask(method, path, headers=headers, params=query, **body)
    assert answer.status_code < 500
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", b"413"),
        (b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70000, b"413"),
        (b"POST /subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"a" * 0x8000
         + b"\r\n8001\r\n" + b"a" * 0x8001 + b"\r\n0\r\n\r\n", b"413"),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
    ids=["told too long", "too long", "too long in chunks", "long address", "no length", "tls"],
)  # fmt: skip
def test_what_is_too_long_or_no_http_is_refused(served: Served, request_bytes: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(100).split(b" ")[1] == status


@pytest.mark.parametrize(
    "host", ["[", "[::1", "a/b", "x y", "evil.example.com:port", "\u00e9.example.org", "", "@", "::::"]
)
@pytest.mark.parametrize("path", ["/subscribe", "/embed", "/sitemap.xml", "/archive", "/nowhere"])
def test_whatever_the_host_is_said_to_be_it_is_no_fault_and_is_not_repeated(
    served: Served, host: str, path: str
) -> None:
    body = b"email=host@example.org"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    for start in (head.encode() + body, head.replace("POST", "GET").encode() + body):
        with socket.create_connection(("127.0.0.1", served.server.port), timeout=10) as connection:
            connection.sendall(start)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert int(answer.split(b" ")[1]) < 500
        assert b"evil.example.com" not in answer


def test_a_body_of_the_largest_size_is_taken(served: Served) -> None:
    body = {"email": "zoe@example.org", "city": "a" * (LARGEST_BODY - 50)}
    assert served.post("/subscribe", body).status_code == 200


def test_a_fault_is_told_without_whose_it_was(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("zoe@example.org broke it")

    monkeypatch.setattr(served.parts.look, "page", broken)
    with caplog.at_level(logging.DEBUG):
        answer = served.get("/subscribe")
    assert answer.status_code == 500
    assert "zoe" not in answer.text
    told = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert "a page failed: RuntimeError" in told
    assert "zoe@example.org" not in told


def test_no_address_and_no_token_is_logged_or_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Served(tmp_path) as served:
        reader = served.reader()
        path = served.path("unsubscribe", reader)
        served.post("/subscribe", {"email": "ana@example.org"})
        served.post(path, {"List-Unsubscribe": "One-Click"})
        served.get("/confirm/zoe@example.org")
        metrics = served.get("/metrics").text
    told = "\n".join(record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool")
    for text in (told, metrics):
        assert "example.org" not in text
        assert path.rpartition("/")[2] not in text
    assert 'newsletter_people_total{what="left"} 1.0' in metrics
    assert 'newsletter_web_requests_total{method="POST",page="leave",status="200"} 1.0' in metrics


def test_metrics_are_for_this_machine_or_for_who_has_the_token(tmp_path: Path) -> None:
    with Served(tmp_path, 'metrics_token_env = "METRICS"\nproxies = ["127.0.0.1"]') as served:
        assert served.get("/metrics").status_code == 200
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert served.get("/metrics", headers={name: "203.0.113.9"}).status_code == 404
        away = {"X-Forwarded-For": "203.0.113.9"}
        assert served.get("/metrics", headers={**away, "Authorization": "Bearer a-token"}).status_code == 200
        assert served.get("/metrics", headers={**away, "Authorization": "Bearer other"}).status_code == 404
        assert served.get("/metrics", headers={**away, "Authorization": "Bearer "}).status_code == 404


def test_health_is_ok_while_the_list_can_be_read(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        assert served.get("/healthz").text == "ok\n"
        served.database.close()
        assert served.get("/healthz").status_code == 503


def test_forwarded_headers_count_from_our_proxies_only(tmp_path: Path) -> None:
    away = {"X-Forwarded-For": "198.51.100.66, 203.0.113.9, 10.1.2.3", "X-Forwarded-Proto": "https"}
    with Served(tmp_path, "per_network = 1") as served:
        assert "Strict-Transport-Security" not in served.get("/", headers=away).headers
        # Whatever is forged, it is one and the same network.
        assert served.post("/subscribe", {"email": "a@example.org"}, headers=away).status_code == 200
        other = {"X-Forwarded-For": "192.0.2.1"}
        assert served.post("/subscribe", {"email": "a@example.org"}, headers=other).status_code == 429
    (tmp_path / "b").mkdir()
    with Served(tmp_path / "b", 'per_network = 1\nproxies = ["127.0.0.1", "10.0.0.0/8"]') as served:
        assert "Strict-Transport-Security" in served.get("/", headers=away).headers
        assert served.post("/subscribe", {"email": "a@example.org"}, headers=away).status_code == 200
        # What a visitor writes before the last address that our proxy saw is not believed.
        same = {"X-Forwarded-For": "192.0.2.1, 203.0.113.200, 10.1.2.3"}
        assert served.post("/subscribe", {"email": "a@example.org"}, headers=same).status_code == 429
        other = {"X-Forwarded-For": "192.0.2.1"}
        assert served.post("/subscribe", {"email": "a@example.org"}, headers=other).status_code == 200


def test_the_pages_live_below_a_larger_site(tmp_path: Path) -> None:
    text = SETTINGS.replace("https://letter.example.org", "https://example.org/letter")
    with Served(tmp_path, settings=text) as served:
        reader = served.reader()
        for start in ("", "/letter"):  # the proxy may take the path off or leave it
            page = served.get(f"{start}/subscribe").text
            assert 'action="/letter/subscribe"' in page
            assert 'href="/letter/style.css"' in page
            assert served.get(f"{start}{served.path('unsubscribe', reader)}").status_code == 200
        assert served.get("/letter").status_code == 200
        assert served.get("/letters/subscribe").status_code == 404


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_network_is_what_one_household_or_office_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_turnstile_remembers_no_more_networks_than_it_says() -> None:
    turnstile = Turnstile(1, 10**9)
    for number in range(MOST_NETWORKS + 1000):
        assert turnstile.let_in(str(number), 0)
    assert len(turnstile._networks) == MOST_NETWORKS
    assert not turnstile.let_in("5", 3599)
    assert turnstile.let_in("5", 3600)
    assert len(turnstile._networks) == 1


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo"])
def test_who_connects_and_asks_nothing_is_hung_up_on(tmp_path: Path, said: bytes) -> None:
    served = Served(tmp_path, WEB)
    served.server.patience = 0.2
    with served, socket.create_connection((served.server.host, served.server.port), timeout=10) as line:
        line.sendall(said)
        while line.recv(65536):
            pass
        assert served.get("/healthz").status_code == 200
