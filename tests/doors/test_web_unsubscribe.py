"""Leaving by the address that every message carries (RFC 8058), whoever calls it."""

from __future__ import annotations

import hmac
from itertools import cycle, islice
from secrets import token_bytes
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.examine import examine_pages
from newsletter.diagnosis import Health
from newsletter.links import Links, Purpose, Signer, Ticket
from newsletter.store.keys import add_key, load_keys
from newsletter.subscriber import Status
from newsletter.web.parts import Together
from newsletter.wiring import posting
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
# How link scanners of mail providers and security products present themselves, and what they send along.
SCANNERS = (
    {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"},
    {"User-Agent": "python-requests/2.32", "Accept": "*/*"},
    {"User-Agent": "Barracuda Sentinel (EE)", "X-Forwarded-For": "203.0.113.9"},
    {"User-Agent": "Mozilla/5.0 (compatible; GoogleImageProxy)", "Purpose": "prefetch", "Sec-Purpose": "prefetch"},
    {"User-Agent": "Microsoft Office/16.0 SafeLinks", "Cookie": "a=b", "Referer": "https://mail.example.com/"},
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as served:
        yield served


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": ONE_CLICK}, id="urlencoded"),
        pytest.param({"files": {"List-Unsubscribe": (None, "One-Click")}}, id="multipart"),
        pytest.param({}, id="without a body"),
    ],
)
def test_one_post_is_enough_without_cookie_redirect_or_login(served: Served, body: dict[str, object]) -> None:
    reader = served.reader()
    answer = served.ask("POST", served.path("unsubscribe", reader, 7), **body)
    assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
    assert "set-cookie" not in answer.headers
    assert served.status() is Status.UNSUBSCRIBED
    assert served.people.suppression("ZOE@example.org") is not None
    [(_, at, mailing, reason)] = served.rows("departures")
    assert (at, mailing, reason) == (served.parts.now, 7, "")


def test_a_second_click_is_as_good_as_the_first(served: Served) -> None:
    path = served.path("unsubscribe", served.reader())
    assert [served.post(path, ONE_CLICK).status_code for _ in range(3)] == [200, 200, 200]
    assert len(served.rows("departures")) == 1


def test_a_link_works_after_years_and_after_the_keys_were_changed_twice(served: Served) -> None:
    old = served.path("unsubscribe", served.reader())
    new = served.reader("new@example.org")
    # Another process adds keys, while this server runs.
    assert [add_key(served.database), add_key(served.database)] == [2, 3]
    served.clock.pass_by(days=3650)
    assert served.post(old, ONE_CLICK).status_code == 200
    assert served.status() is Status.UNSUBSCRIBED
    assert served.post(served.path("unsubscribe", new, keys=load_keys(served.database)), ONE_CLICK).status_code == 200
    assert served.status("new@example.org") is Status.UNSUBSCRIBED


def test_a_thousand_visits_by_scanners_change_nothing(served: Served) -> None:
    reader = served.reader()
    paths = [served.path("unsubscribe", reader, 1), f"{served.path('unsubscribe', reader)}?reason=never&page=yes"]
    before = served.snapshot()
    visits = zip(cycle(("GET", "HEAD")), cycle(paths), cycle(SCANNERS), strict=False)
    for method, path, headers in islice(visits, 1000):
        assert served.ask(method, path, headers=headers).status_code == 200
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH"):
        assert served.ask(method, paths[0]).status_code == 405
    assert served.snapshot() == before
    assert served.status() is Status.ACTIVE


def test_the_page_has_one_button_and_one_question_and_the_answer_names_nobody(served: Served) -> None:
    path = served.path("unsubscribe", served.reader(language="fr"), 3)
    page = served.get(path).text
    assert '<html lang="fr"' in page
    assert page.count("<button") == 1
    assert "zoe" not in page
    answer = served.post(path, {**ONE_CLICK, "page": "yes", "reason": "often"})
    assert "Votre abonnement a pris fin" in answer.text
    assert [row[2:] for row in served.rows("departures")] == [(3, "often")]


def test_an_answer_that_was_not_offered_is_not_kept(served: Served) -> None:
    served.post(served.path("unsubscribe", served.reader()), {"page": "yes", "reason": "<script>=1+1"})
    assert [row[3] for row in served.rows("departures")] == [""]


def test_a_link_of_a_test_copy_or_of_somebody_who_is_gone_is_answered_and_does_nothing(served: Served) -> None:
    before = served.snapshot()
    for number in (0, 12345):
        path = f"/unsubscribe/{served.parts.signer.token(Ticket(Purpose.UNSUBSCRIBE, number, 0))}"
        assert served.post(path, ONE_CLICK).status_code == 200
    assert served.snapshot() == before


def forgeries(reader: int, real: str) -> Iterator[str]:
    """Tokens that are not ours: other keys, other purposes, changed letters, cut, lengthened, noise."""
    foreign = Signer({1: b"not the key"})
    yield foreign.token(Ticket(Purpose.UNSUBSCRIBE, reader, 0))
    for at in range(len(real)):
        for letter in "Aq-_9":
            if real[at] != letter:
                yield f"{real[:at]}{letter}{real[at + 1 :]}"
    yield from (real[:at] for at in range(1, len(real)))
    yield from (f"{real}{real[:at]}" for at in range(4, len(real), 4))
    yield from ("%00", "a" * 36, "é" * 12, "..%2f..", "%ff%fe", "-" * 2000)
    while True:
        yield Signer({1: token_bytes(32)}).token(Ticket(Purpose.UNSUBSCRIBE, reader, 0))


def test_ten_thousand_forged_tokens_are_refused(served: Served) -> None:
    reader = served.reader()
    real = served.parts.signer.token(Ticket(Purpose.UNSUBSCRIBE, reader.id, 0))
    tried = list(islice(forgeries(reader.id, real), 10_000))
    assert all(served.parts.signer.read(token, Purpose.UNSUBSCRIBE) is None for token in tried)
    before = served.snapshot()
    for token in tried[:300]:
        assert served.post(f"/unsubscribe/{token}", ONE_CLICK).status_code == 404
    assert served.snapshot() == before


def test_a_token_for_one_purpose_opens_nothing_else(served: Served) -> None:
    reader = served.reader()
    token = served.path("preferences", reader).rpartition("/")[2]
    assert served.post(f"/unsubscribe/{token}", ONE_CLICK).status_code == 404
    assert served.status() is Status.ACTIVE


def test_every_forgery_is_compared_whole_and_answered_alike(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    real = served.path("unsubscribe", served.reader()).rpartition("/")[2]
    compared: list[int] = []
    compare = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return compare(one, other)

    monkeypatch.setattr("newsletter.links.hmac.compare_digest", counted)
    answers = set()
    for at in range(2, len(real)):  # the first octet names the key
        forged = f"{real[:at]}{'A' if real[at] != 'A' else 'B'}{real[at + 1 :]}"
        answer = served.post(f"/unsubscribe/{forged}", ONE_CLICK)
        answers.add((answer.status_code, answer.text))
    # One comparison each, over the whole code and in constant time, wherever the first wrong letter stands.
    assert compared == [16] * (len(real) - 2)
    assert len(answers) == 1


def test_the_doctor_is_answered_and_nobody_is_taken_off(served: Served) -> None:
    served.reader()
    links = Links(Signer(load_keys(served.database)), served.server.url, "doctor", 0, 0)
    (found,) = examine_pages(links.unsubscribe, posting())
    assert found.health is Health.GOOD
    assert served.status() is Status.ACTIVE
    assert served.rows("departures") == []


def test_who_asks_while_the_disk_is_written_is_not_content_with_what_had_begun_before() -> None:
    together, begun, may_end, done = Together(), Event(), Event(), []

    def work() -> None:
        begun.set()
        assert may_end.wait(10)
        done.append("once")

    first = Thread(target=together.do, args=(work,))
    first.start()
    assert begun.wait(10)
    second = Thread(target=together.do, args=(work,))
    second.start()
    may_end.set()
    first.join()
    second.join()
    assert len(done) == 2
