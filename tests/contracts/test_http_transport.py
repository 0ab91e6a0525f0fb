"""The HTTP transport: every message has an outcome, nothing is sent twice, and whoever must wait waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.bounce import BounceClass, classify
from newsletter.edition import Edition
from newsletter.errors import TransportError
from newsletter.letter import Letters
from newsletter.message import Frame, Mailbox
from newsletter.outcome import Accepted, Rejected, Uncertain
from newsletter.providers import Account, provider
from newsletter.transports.http import HttpTransport
from tests.support.api import Api, Call, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.message import Message
    from newsletter.outcome import Outcome

FRAME = Frame(
    sender=Mailbox("letter@example.org", "Élodie, la lettre"),
    reply_to="bonjour@example.org",
    list_title="La lettre",
    list_id="letter.example.org",
    unsubscribe_email="bonjour@example.org",
    return_path="letter@example.org",
)
EDITION = Edition(("Hello",), ("",), ("<p>Hello</p>",), ("Hello",), (), "en", "Hello")


def messages(number: int) -> Iterator[Message]:
    letters = Letters(EDITION, FRAME, "2026-11-hello")
    for key in range(1, number + 1):
        yield letters.compose(
            key,
            Mailbox(f"reader{key}@example.org", "Zoé"),
            (),
            message_id=f"<7.{key}.0123456789abcdef@example.org>",
            date=datetime(2026, 11, 21, tzinfo=UTC),
            unsubscribe_url=f"https://example.org/unsubscribe/token{key}",
        )


def good(call: Call) -> Reply:
    return Reply(200, [{"ErrorCode": 0, "MessageID": f"id-{each['To']}"} for each in call.json()])


def sent(api: Api, number: int, **settings: Any) -> tuple[dict[int, Outcome | None], list[int]]:
    """The outcomes by key, and the keys in the order in which they were offered."""
    transport = HttpTransport(provider("postmark"), Account("key", endpoint=api.url), **settings)
    offered: list[int] = []
    found: dict[int, Outcome | None] = {}
    try:
        for results in transport.deliver(
            messages(number), lambda batch: offered.extend(message.key for message in batch)
        ):
            for message, outcome in results:
                assert message.key in offered
                assert message.key not in found
                found[message.key] = outcome
    finally:
        transport.close()
    return found, offered


def test_a_list_goes_out_in_batches_and_everybody_has_an_outcome() -> None:
    with Api(good) as api:
        found, offered = sent(api, 25, batch=10)
    assert sorted(len(call.json()) for call in api.calls) == [5, 10, 10]
    assert sorted(offered) == sorted(found) == [*range(1, 26)]
    assert all(isinstance(outcome, Accepted) for outcome in found.values())


def test_what_is_refused_within_a_good_answer_is_refused_alone() -> None:
    def answer(call: Call) -> Reply:
        return Reply(
            200,
            [
                {"ErrorCode": 406, "Message": "inactive"} if "reader2@" in each["To"] else {"ErrorCode": 0}
                for each in call.json()
            ],
        )

    with Api(answer) as api:
        found, _ = sent(api, 3)
    assert isinstance(found[2], Rejected)
    assert found[2].reply.text == "406 inactive"
    assert classify(found[2].reply) is BounceClass.SOFT, "it does not say whether it bounced or was put there by hand"
    assert [type(found[key]) for key in (1, 3)] == [Accepted, Accepted]


def test_a_batch_that_is_refused_because_of_one_message_goes_again_in_halves() -> None:
    def answer(call: Call) -> Reply:
        batch = call.json()
        if any("reader3@" in each["To"] for each in batch):
            return Reply(422, {"ErrorCode": 402, "Message": "invalid"})
        return good(call)

    with Api(answer) as api:
        found, _ = sent(api, 8)
    assert [key for key, outcome in found.items() if isinstance(outcome, Rejected)] == [3]
    taken = [each["To"] for call in api.calls for each in call.json() if call.json()]
    assert sum("reader5@" in to for to in taken) >= 1
    assert sorted(found) == [*range(1, 9)]


def test_who_is_told_to_come_later_comes_later_and_sends_nothing_twice() -> None:
    replies = [Reply(429, {}, {"Retry-After": "0"}), Reply(503, {}, {"Retry-After": "0"})]

    def answer(call: Call) -> Reply:
        return replies.pop() if replies else good(call)

    with Api(answer) as api:
        found, _ = sent(api, 2)
    assert len(api.calls) == 3
    assert {type(outcome) for outcome in found.values()} == {Accepted}


def told(transport: HttpTransport, number: int) -> tuple[list[Outcome | None], str]:
    """The outcomes of a delivery, and why it ended before its time."""
    outcomes: list[Outcome | None] = []
    try:
        for part in transport.deliver(messages(number), lambda _: None):
            outcomes += [outcome for _, outcome in part]
    except TransportError as error:
        return outcomes, str(error)
    finally:
        transport.close()
    return outcomes, ""


def test_a_timeout_behind_the_request_is_uncertain_and_ends_the_delivery() -> None:
    with Api(lambda _: Reply(silent=True)) as api:
        account = Account("key", endpoint=api.url)
        transport = HttpTransport(provider("postmark"), account, connections=1, timeout=2, batch=2)
        outcomes, why = told(transport, 6)
    assert len(api.calls) == 1
    assert [type(outcome) for outcome in outcomes] == [Uncertain, Uncertain]
    assert "Postmark does not answer" in why


def test_a_server_that_is_not_there_has_certainly_taken_nothing() -> None:
    with Api(good) as api:
        url = api.url
    transport = HttpTransport(provider("postmark"), Account("key", endpoint=url), batch=2, patience=0.5)
    outcomes, why = told(transport, 2)
    assert outcomes == [None, None]
    assert "takes nothing now" in why


def test_a_key_that_is_refused_ends_the_delivery_and_is_never_shown() -> None:
    with Api(lambda _: Reply(401, {"ErrorCode": 10, "Message": "No valid token"})) as api:
        transport = HttpTransport(provider("postmark"), Account("s3cret-key", endpoint=api.url), connections=1)
        with pytest.raises(TransportError) as refused:
            list(transport.deliver(messages(3), lambda _: None))
    assert "POSTMARK_SERVER_TOKEN" in str(refused.value)
    assert "s3cret-key" not in f"{refused.value}{transport.__dict__}"


def test_with_nothing_to_send_for_now_it_waits_for_what_is_under_way() -> None:
    def slowly() -> Iterator[Message | None]:
        first, second = messages(2)
        yield first
        yield None
        yield None
        yield second

    with Api(good) as api:
        transport = HttpTransport(provider("postmark"), Account("key", endpoint=api.url))
        keys = [message.key for part in transport.deliver(slowly(), lambda _: None) for message, _ in part]
        transport.close()
    assert sorted(keys) == [1, 2]


def test_an_answer_that_breaks_off_in_its_middle_is_uncertain() -> None:
    with Api(lambda _: Reply(200, b"[", {"Content-Length": "100"})) as api:
        account = Account("key", endpoint=api.url)
        transport = HttpTransport(provider("postmark"), account, connections=1, timeout=2, batch=2)
        outcomes, why = told(transport, 2)
    assert [type(outcome) for outcome in outcomes] == [Uncertain, Uncertain]
    assert "Postmark does not answer" in why


def test_what_goes_alone_is_offered_by_halves_and_no_more_is_in_doubt_than_there_are_connections() -> None:
    with Api(lambda _: Reply(202)) as api:
        transport = HttpTransport(provider("sendgrid"), Account("key", endpoint=api.url), connections=4)
        offers: list[int] = []
        list(transport.deliver(messages(10), lambda batch: offers.append(len(batch))))
        transport.close()
        assert offers == [2, 2, 2, 2, 2]
        assert len(api.calls) == 10
    with Api(lambda _: Reply(500)) as api:
        transport = HttpTransport(provider("sendgrid"), Account("key", endpoint=api.url), connections=4)
        outcomes, why = told(transport, 100)
        assert "SendGrid does not answer" in why
        assert len(api.calls) == sum(isinstance(outcome, Uncertain) for outcome in outcomes)
        assert len(api.calls) <= 4
        assert len(outcomes) <= 4


def test_connections_are_kept_open_and_no_more_than_told() -> None:
    opened: set[int] = set()

    def answer(call: Call) -> Reply:
        opened.add(call.port)
        return good(call)

    with Api(answer) as api:
        found, _ = sent(api, 40, batch=2, connections=3)
    assert len(found) == 40
    assert len(opened) <= 3
