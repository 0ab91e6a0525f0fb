"""A provider tells a running `newsletter serve` what became of an issue, and `newsletter status` knows."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest
import requests

from tests.doors.test_web_serve import serving, stopped
from tests.support.api import Api, Call, Reply
from tests.support.author import HELLO

if TYPE_CHECKING:
    from tests.support.author import Author

SECRET = "a-secret-of-ours"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "a-token")
    monkeypatch.setenv("POSTMARK_HOOK", SECRET)


def through_postmark(author: Author, url: str, more: str = "") -> None:
    author.settings('use = "relay"', 'use = "api"')
    with author.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[transports.api]\nkind = "postmark"\nendpoint = "{url}"\ntimeout = 1\n{more}')


def test_what_no_answer_came_for_is_settled_by_what_the_provider_tells(author: Author) -> None:
    author.issue("Hello.")
    readers = sorted(author.readers(3))
    with Api(lambda _: Reply(silent=True)) as api:
        through_postmark(author, api.url, 'webhook_secret_env = "POSTMARK_HOOK"\n')
        done = author.run("publish", HELLO, "--yes", "--json")
        sent = {each["To"].rpartition("<")[2].strip("<>"): each for each in api.calls[0].json()}
    assert done.report["uncertain"] == 3
    with serving(author, "--no-inbox") as (url, process):
        for address, word in zip(readers, ("Delivery", "Bounce", "SpamComplaint"), strict=True):
            told = {
                "RecordType": word,
                "ID": readers.index(address) + 1,
                "Type": {"Bounce": "HardBounce"}.get(word, word),
                "Details": "smtp;550 5.1.1 no such user" if word == "Bounce" else "",
                "Metadata": sent[address]["Metadata"],
                "Email": address,
            }
            for secret, status in (("another", 401), (SECRET, 200), (SECRET, 200)):
                answer = requests.post(f"{url}/webhooks/api", json.dumps(told), auth=("postmark", secret), timeout=10)
                assert answer.status_code == status
        code, out, err = stopped(process)
    assert code == 0
    assert "Postmark is heard at https://letter.example.org/webhooks/api" in out
    assert (err.count("was refused"), SECRET in err + out) == (3, False)
    counts = author.run("status", HELLO, "--json").report
    assert (counts["accepted"], counts["rejected"], counts["uncertain"]) == (2, 1, 0)
    assert "nothing to resume" in author.run("resume", HELLO).err
    listed = author.run("subscribers", "show", readers[2]).out
    assert "complained" in listed


def test_who_has_no_secret_yet_is_told_at_the_start(author: Author) -> None:
    through_postmark(author, "http://127.0.0.1:9")
    with serving(author, "--no-inbox") as (url, process):
        assert requests.post(f"{url}/webhooks/api", "{}", timeout=10).status_code == 401
        _, out, _ = stopped(process)
    assert "Postmark is not heard at https://letter.example.org/webhooks/api: name a secret" in out


def test_who_asks_to_join_gets_the_confirmation_through_the_provider(author: Author) -> None:
    came = Event()

    def good(call: Call) -> Reply:
        came.set()
        return Reply(200, [{"ErrorCode": 0, "MessageID": "x"} for _ in call.json()])

    with Api(good) as api:
        through_postmark(author, api.url)
        with serving(author, "--no-inbox") as (url, process):
            joined = requests.post(f"{url}/subscribe", {"email": "ana@example.org"}, timeout=10)
            assert joined.status_code in (200, 303)
            assert came.wait(20)
            stopped(process)
    (letter,) = api.calls[0].json()
    assert letter["To"] == "ana@example.org"
    assert "https://letter.example.org/confirm/" in letter["TextBody"]
