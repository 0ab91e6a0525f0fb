"""A provider that knows repeats: what has no answer is asked again with its key, to the octet, and delivered once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.outcome import Accepted, Uncertain
from newsletter.providers import Account, provider
from newsletter.transports.http import HttpTransport
from tests.contracts.test_http_transport import messages, told
from tests.support.api import Api, Call, Reply
from tests.support.author import HELLO, Author

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

# What these tell of kills and pauses is the ledger's, which tests/contracts holds against both databases every time.
pytestmark = pytest.mark.soak_on_a_server
BATCH = 5


@dataclass
class Resend:
    """What the provider does: a key that it has seen is answered as before, and nothing is sent for it."""

    delivered: Counter[str] = field(default_factory=Counter)
    seen: dict[str, bytes] = field(default_factory=dict)
    before_answer: Callable[[int], Reply | None] = lambda _: None

    def __call__(self, call: Call) -> Reply:
        key = call.headers["idempotency-key"]
        if key in self.seen and self.seen[key] != call.body:
            return Reply(409, {"name": "invalid_idempotent_request", "message": "another body with the same key"})
        if key not in self.seen:
            self.seen[key] = call.body
            self.delivered.update(each["to"][0].rpartition("<")[2].strip("<>") for each in call.json())
        return self.before_answer(len(self.seen)) or Reply(200, {"data": [{"id": "x"} for _ in call.json()]})


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEND_API_KEY", "a-key")
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "a-key")


def through_resend(author: Author, url: str) -> None:
    author.settings('use = "relay"', 'use = "api"')
    section = f'kind = "resend"\nendpoint = "{url}"\nbatch = {BATCH}\nconnections = 2\ntimeout = 5\n'
    with author.config.open("a", encoding="utf-8") as file:
        file.write(f"\n[transports.api]\n{section}")


def killed(author: Author, resend: Resend, api: Api, at: int) -> None:
    """Publish, and be killed once the provider has taken so many batches, before it answers the last of them."""
    running: list[subprocess.Popen[str]] = []

    def kill_in_time(taken: int) -> None:
        if running and taken == at:
            running[0].kill()
            running[0].wait()

    resend.before_answer = kill_in_time
    through_resend(author, api.url)
    with author.start("publish", HELLO, "--yes") as process:
        running.append(process)
        process.communicate()
    resend.before_answer = lambda _: None


@pytest.mark.parametrize("at", [1, 3, 6])
def test_after_a_kill_nobody_is_uncertain_and_nobody_gets_it_twice(author: Author, at: int) -> None:
    author.issue("Hello {{ subscriber.first_name }}.")
    everybody = author.readers(40)
    resend = Resend()
    with Api(resend) as api:
        killed(author, resend, api, at)
        resumed = author.run("resume", HELLO, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.report["accepted"] == 40
    assert resend.delivered == dict.fromkeys(everybody, 1)
    assert len(api.calls) > len(resend.seen)  # something did come again


def test_where_somebody_has_left_since_the_batch_does_not_go_again(author: Author) -> None:
    author.issue("Hello.")
    author.readers(20)
    resend = Resend()
    with Api(resend) as api:
        killed(author, resend, api, 1)
        first = next(iter(resend.delivered))
        author.unsubscribes(first)
        asked = len(api.calls)
        resumed = author.run("resume", HELLO, "--json")
    counts = resumed.report
    assert counts["uncertain"] >= BATCH
    assert counts["accepted"] + counts["uncertain"] == 20
    assert not any(first in call.body.decode() for call in api.calls[asked:])
    assert set(resend.delivered.values()) == {1}


@pytest.mark.parametrize("why", ["too late", "another provider"])
def test_what_cannot_be_asked_again_is_uncertain(author: Author, why: str) -> None:
    author.issue("Hello.")
    author.readers(20)
    resend = Resend()
    with (
        Api(resend) as api,
        Api(lambda call: Reply(200, [{"ErrorCode": 0, "MessageID": "1"} for _ in call.json()])) as postmark,
    ):
        killed(author, resend, api, 1)
        taken = set(resend.delivered)
        asked = len(api.calls)
        if why == "too late":
            with author.database() as database, database.transaction() as connection:
                connection.execute("UPDATE batches SET until = 1")
        else:
            author.settings('kind = "resend"', 'kind = "postmark"')
            author.settings(f'endpoint = "{api.url}"', f'endpoint = "{postmark.url}"')
        counts = author.run("resume", HELLO, "--json").report
    assert counts["uncertain"] >= BATCH
    assert counts["accepted"] + counts["uncertain"] == 20
    again = "".join(call.body.decode() for call in [*api.calls[asked:], *postmark.calls])
    assert not any(f"<{who}>" in again for who in taken)


def test_who_cancels_wants_nothing_to_go_again(author: Author) -> None:
    author.issue("Hello.")
    author.readers(20)
    resend = Resend()
    with Api(resend) as api:
        killed(author, resend, api, 1)
        cancelled = author.run("cancel", HELLO, "--yes")
        assert cancelled.code == 0, cancelled.err
    (tally,) = author.tallies()
    assert (tally.pending, tally.skipped + tally.uncertain) == (0, 20)
    assert tally.uncertain >= BATCH
    assert len(api.calls) == len(resend.seen)  # none came again


def test_a_timeout_is_asked_again_with_the_same_key_and_the_same_octets() -> None:
    replies = [Reply(silent=True)]

    def answer(call: Call) -> Reply:
        return replies.pop() if replies else Reply(200, {"data": [{"id": "1"}, {"id": "2"}]})

    with Api(answer) as api:
        transport = HttpTransport(provider("resend"), Account("key", endpoint=api.url), timeout=2)
        found, why = told(transport, 2)
    assert ([type(each) for each in found], why) == ([Accepted, Accepted], "")
    first, second = api.calls
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])


REFUSALS: list[Any] = [
    Reply(429, {}, {"Retry-After": "0"}),
    Reply(401, {"message": "API key is invalid"}),
    Reply(422, {"name": "validation_error", "message": "no"}),
]


@pytest.mark.parametrize("later", REFUSALS, ids=lambda reply: str(reply.status))
def test_what_a_repeat_is_answered_proves_nothing_of_the_first_request(later: Reply) -> None:
    replies = [Reply(silent=True)]
    with Api(lambda _: replies.pop() if replies else later) as api:
        account = Account("key", endpoint=api.url)
        transport = HttpTransport(provider("resend"), account, timeout=0.2, patience=1.5, connections=1)
        found, why = told(transport, 2)
    assert [type(each) for each in found] == [Uncertain, Uncertain]
    assert why


def test_a_batch_that_goes_again_is_never_filled_up_nor_cut() -> None:

    asked: list[list[str]] = []

    def answer(call: Call) -> Reply:
        asked.append([each["to"][0] for each in call.json()])
        return Reply(200, {"data": [{"id": "1"} for _ in call.json()]})

    marks = [1, 1, 1, 2, 2, 0, 0, 0]
    sent = [message._replace(again=mark) for message, mark in zip(messages(8), marks, strict=True)]
    with Api(answer) as api:
        transport = HttpTransport(provider("resend"), Account("key", endpoint=api.url), batch=2, connections=1)
        list(transport.deliver(iter(sent), lambda _: None))
        transport.close()
    assert [len(each) for each in asked] == [3, 2, 2, 1]
