"""From an issue to its readers through a provider's API, over HTTP: with faults, a kill in the middle, and a resume."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from newsletter.delivery import State
from newsletter.store.mailings import mailings_of, undelivered
from tests.support.api import Api, Call, Reply
from tests.support.author import HELLO, Author
from tests.support.images import drawing, saved

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

# What these tell of kills and pauses is the ledger's, which tests/contracts holds against both databases every time.
pytestmark = pytest.mark.soak_on_a_server


def through(author: Author, kind: str, url: str, more: str = "") -> None:
    """Let the author send through a provider of this name, whose API is here."""
    author.settings('use = "relay"', 'use = "api"')
    with author.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[transports.api]\nkind = "{kind}"\nendpoint = "{url}"\nbatch = 5\nconnections = 2\n{more}')


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "a-token")


def taken_by(api: Api, answered: Callable[[Call], bool] = lambda _: True) -> Counter[str]:
    """Who is in the requests, and how often."""
    return Counter(
        each["To"].rpartition("<")[2].strip("<>") for call in api.calls if answered(call) for each in call.json()
    )


def good(call: Call) -> Reply:
    return Reply(200, [{"ErrorCode": 0, "MessageID": "0-0"} for _ in call.json()])


def test_an_issue_goes_to_everybody_through_a_provider(author: Author) -> None:
    author.issue("Hello {{ subscriber.first_name }}.")
    everybody = author.readers(50)
    with Api(good) as api:
        through(author, "postmark", api.url)
        answer = author.run("publish", HELLO, "--yes", "--json")
    assert answer.code == 0, answer.err
    assert answer.report["accepted"] == answer.report["planned"] == 50
    assert taken_by(api) == dict.fromkeys(everybody, 1)
    assert "stream" in answer.err  # what Postmark wants to be known is told before the first message leaves
    headers = {header["Name"]: header["Value"] for header in api.calls[0].json()[0]["Headers"]}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert api.calls[0].headers["x-postmark-server-token"] == "a-token"
    assert "Hello Reader " in api.calls[0].json()[0]["TextBody"]


@pytest.mark.parametrize("kill_after", [1, 3, 6])
def test_a_kill_in_the_middle_doubles_nobody_and_names_who_is_uncertain(author: Author, kill_after: int) -> None:
    author.issue("Hello.")
    everybody = author.readers(50)
    process: subprocess.Popen[str] | None = None

    def answer(call: Call) -> Reply:
        if process is not None and len(api.calls) == kill_after:
            process.kill()
            process.wait()
        return good(call)

    with Api(answer) as api:
        through(author, "postmark", api.url)
        with author.start("publish", HELLO, "--yes") as process:
            process.communicate()
        process = None
        resumed = author.run("resume", HELLO, "--on-uncertain", "skip", "--json")
    counts = resumed.report
    assert counts["planned"] == 50 == counts["accepted"] + counts["uncertain"]
    assert 0 < counts["uncertain"] <= 2 * 5
    taken = taken_by(api)
    assert [who for who, times in taken.items() if times > 1] == []
    with author.database() as database:
        (mailing,) = mailings_of(database)
        doubtful = {who.email for who in undelivered(database, mailing.id) if who.state is State.UNCERTAIN}
    assert everybody - taken.keys() <= doubtful
    assert resumed.code == 1
    told = author.run("status", HELLO).out
    assert all(who in told for who in doubtful)


def test_a_test_copy_goes_through_it_too(author: Author) -> None:
    author.issue("Hello.")
    with Api(good) as api:
        through(author, "postmark", api.url)
        answer = author.run("test", HELLO, "--to", "me@example.org")
    assert answer.code == 0, answer.err
    assert api.calls[0].json()[0]["Subject"] == "[Test] Hello"


def test_several_processes_share_a_provider(author: Author) -> None:
    author.issue("Hello.")
    everybody = author.readers(30)
    with Api(good) as api:
        through(author, "postmark", api.url)
        answer = author.run("publish", HELLO, "--yes", "--json", "--jobs", "2")
    assert answer.report["accepted"] == 30
    assert taken_by(api) == dict.fromkeys(everybody, 1)


def test_without_its_key_nothing_is_planned(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTMARK_SERVER_TOKEN")
    author.issue("Hello.")
    author.readers(1)
    through(author, "postmark", "http://127.0.0.1:9")
    answer = author.run("publish", HELLO, "--yes")
    assert answer.code == 3
    assert "POSTMARK_SERVER_TOKEN" in answer.err
    assert author.tallies() == []


def test_amazon_is_asked_how_fast_the_account_may_send_and_is_sent_no_more(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(call: Call) -> Reply:
        if call.method == "GET":
            return Reply(200, {"SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 200.0, "SentLast24Hours": 0.0}})
        return Reply(200, {"MessageId": "1"})

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    author.issue("Hello.")
    author.readers(20)
    with Api(answer) as api:
        author.settings('use = "relay"', 'use = "api"')
        with author.config.open("a", encoding="utf-8") as file:
            file.write(f'\n[transports.api]\nkind = "ses"\nendpoint = "{api.url}"\n')
        done = author.run("publish", HELLO, "--yes")
    assert done.code == 0, done.err
    assert "200/s" in done.out + done.err
    assert [call.method for call in api.calls] == ["GET", *["POST"] * 20]
    assert {call.path for call in api.calls[1:]} == {"/v2/email/outbound-emails"}


def test_what_a_provider_cannot_carry_is_refused_before_anybody_gets_it(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCW_SECRET_KEY", "a-key")
    monkeypatch.setenv("SCW_DEFAULT_PROJECT_ID", "a-project")
    (author.folder / "issues" / "cat.png").write_bytes(saved(drawing(400, 300)))
    author.issue("![A cat](cat.png)\n")
    author.readers(3)
    with Api(good) as api:
        through(author, "scaleway", api.url)
        refused = author.run("publish", HELLO, "--yes")
    assert refused.code == 3
    assert "Scaleway takes no images inside a message, and this one has 1" in refused.err
    assert 'place = "folder"' in refused.err
    assert api.calls == []
    assert author.tallies() == []


def test_the_doctor_says_what_a_provider_lacks_and_does_otherwise(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(author, "resend", "http://127.0.0.1:9")
    lacking = author.run("doctor", "--offline")
    assert lacking.code == 3
    assert "RESEND_API_KEY, which is not set" in lacking.out
    monkeypatch.setenv("RESEND_API_KEY", "a-key")
    told = author.run("doctor", "--offline").out
    assert "Resend has its key and its settings" in told
    assert "Resend counts opens and clicks unless you switch that off in your account there." in told
