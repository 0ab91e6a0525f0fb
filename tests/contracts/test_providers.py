"""One suite for every provider: what it is asked, what its answers mean, what it tells, and what it cannot do.

A row in PROVIDERS is a provider here. It needs a file in `providers/`, with answers and calls after its documentation,
and a function in tests/support/provider_requests.py that reads its requests back.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.edition import Edition
from newsletter.event import Event
from newsletter.letter import Letters
from newsletter.message import Compiled, Frame, Mailbox, Message
from newsletter.outcome import Accepted, Deferred, Outcome, Rejected, Uncertain
from newsletter.providers import PROVIDERS, Account, Forged, Hook, Provider, Response, Trouble, What, provider
from newsletter.providers.fitting import fit
from newsletter.transports.http import HttpTransport
from tests.support import provider_hooks as hooks
from tests.support.api import Api, Call, Reply
from tests.support.provider_requests import READERS, header

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent / "providers"
EVERY = pytest.mark.parametrize("name", PROVIDERS)
# What no template language may touch, and no header may lose.
HOSTILE = 'Zoé, "Zo" {{7*7}} {% if x %} %recipient.x% -x- *|FNAME|* ${x} <%= 7 %> [[x]] 🌱'
SUBJECT = "Déjà décembre : l’été 🌱, {{7*7}} %recipient.x%"
FRAME = Frame(
    sender=Mailbox("letter@example.org", "Élodie, la lettre"),
    reply_to="bonjour@example.org",
    list_title="La lettre d’été",
    list_id="letter.example.org",
    unsubscribe_email="bonjour@example.org",
    return_path="bounces@example.org",
)
EDITION = Edition(
    (SUBJECT,),
    ("",),
    ("<p>Déjà {{7*7}} %recipient.x% -x- 🌱</p>",),
    ("Déjà {{7*7}} %recipient.x% -x- 🌱\n",),
    (),
    "fr",
    "x",
)


class Case(NamedTuple):
    """One provider with its examples."""

    module: Provider
    account: Account
    told: dict[str, Any]


def case(name: str) -> Case:
    """What is known of a provider, and our account there."""
    file = HERE / f"{name}.toml"
    assert file.exists(), f"write {file.name}, after the provider's documentation"
    told = tomllib.loads(file.read_text("utf-8"))
    known = told.get("account", {})
    account = Account(
        key="a-key",
        settings=known.get("settings", {}),
        endpoint=known.get("endpoint", ""),
        webhook_secret=known.get("webhook_secret") or hooks.SECRETS.get(name, lambda: hooks.SECRET)(),
        fetch=lambda _: hooks.certificate(),
        read_reference=hooks.SIGNER.read_message_id,
    )
    return Case(provider(name), account, told)


def messages(module: Provider, number: int, *, name: str = HOSTILE, edition: Edition = EDITION) -> list[Message]:
    """Messages in the form that the provider takes."""
    made: Any = Letters if module.CAPABILITIES.form == "letter" else Compiled
    composer = made(edition, FRAME, "2026-11-hello")
    return [
        composer.compose(
            key,
            Mailbox(f"reader{key}@example.org", name),
            (),
            message_id=hooks.SIGNER.message_id(7, key, "example.org"),
            date=datetime(2026, 11, 21, tzinfo=UTC),
            unsubscribe_url=f"https://example.org/unsubscribe/token{key}",
        )
        for key in range(1, number + 1)
    ]


def good(told: dict[str, Any], number: int) -> bytes:
    """The body of an answer that takes them all."""
    each = told["good"].get("each", "")
    body: str = told["good"]["body"].replace("EACH", ", ".join([each] * number))
    return body.encode()


def examples(kind: str) -> list[Any]:
    """All examples of a kind, of all providers."""
    return [
        pytest.param(name, each, id=f"{name}: {each['what']}")
        for name in PROVIDERS
        if (HERE / f"{name}.toml").exists()
        for each in case(name).told.get(kind, [])
    ]


# ── What it is asked ─────────────────────────────────────────────────────────────────────────────────────────────────


@EVERY
def test_a_request_says_all_that_smtp_says_and_no_text_of_a_readers_is_a_template(name: str) -> None:
    module, account, told = case(name)
    number = min(2, module.CAPABILITIES.batch)
    request = module.request(account, messages(module, number), "a-batch")
    assert request.url == told["request"]["url"]
    for key, value in told["request"].get("headers", {}).items():
        assert header(request, key) == value
    for piece in told["request"].get("body", []):
        assert piece.replace(": ", ":") in request.body.decode().replace('": ', '":'), piece
    seen = READERS[name](request)
    assert [each.to for each in seen] == [(HOSTILE, f"reader{key}@example.org") for key in range(1, number + 1)]
    for key, each in enumerate(seen, 1):
        assert each.sender == ("Élodie, la lettre", "letter@example.org")
        assert each.reply_to == "bonjour@example.org"
        assert each.subject == SUBJECT
        assert each.html.strip() == "<p>Déjà {{7*7}} %recipient.x% -x- 🌱</p>"
        assert each.text.strip() == "Déjà {{7*7}} %recipient.x% -x- 🌱"
        assert hooks.SIGNER.read_message_id(each.reference) == (7, key)
        assert each.tag.startswith("2026-11-hello") == module.CAPABILITIES.tags
        if module.CAPABILITIES.custom_headers:
            assert f"https://example.org/unsubscribe/token{key}" in each.headers["list-unsubscribe"]
            assert each.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
            if module.CAPABILITIES.list_id:
                assert "<letter.example.org>" in each.headers["list-id"]


# What stands in a request that counts neither opens nor clicks.
UNTRACKED: dict[str, tuple[str, ...]] = {
    "mailgun": ('name="o:tracking"\r\n\r\nno', 'o:tracking-opens"\r\n\r\nno', 'o:tracking-clicks"\r\n\r\nno'),
    "sendgrid": ('"click_tracking":{"enable":false', '"open_tracking":{"enable":false', '"ganalytics":{"enable":false'),
    "postmark": ('"TrackOpens":false', '"TrackLinks":"None"'),
    "mailjet": ('"TrackOpens":"disabled"', '"TrackClicks":"disabled"'),
    "sparkpost": ('"open_tracking":false', '"click_tracking":false'),
    "mailersend": ('"track_clicks":false', '"track_opens":false', '"track_content":false'),
}


@EVERY
def test_what_would_count_opens_and_clicks_is_off_in_each_request_or_told_to_the_author(name: str) -> None:
    module, account, _ = case(name)
    can = module.CAPABILITIES
    number = min(2, can.batch)
    asked = module.request(account, messages(module, number), "a-batch").body.decode()
    assert (name in UNTRACKED) == (can.tracking == "request")
    assert [asked.count(switch) for switch in UNTRACKED.get(name, ())] == [number] * len(UNTRACKED.get(name, ()))
    told = fit(module.NAME, can, EDITION, FRAME, signs=False, tags=False).notes
    assert any("counts opens and clicks" in note for note in told) == (can.tracking == "account")


@EVERY
def test_the_same_batch_is_the_same_request_to_the_octet(name: str) -> None:
    module, account, _ = case(name)
    number = min(2, module.CAPABILITIES.batch)
    first, second = (module.request(account, messages(module, number), "a-batch") for _ in range(2))
    assert first == second


@EVERY
def test_our_key_is_shown_to_the_provider_alone(name: str) -> None:
    module, account, _ = case(name)
    account = replace(account, key="VERY-s3cret-key")
    request = module.request(account, messages(module, 1), "a-batch")
    assert "VERY-s3cret-key" not in f"{account!r} {request!r} {request.url}"


@EVERY
def test_what_it_cannot_carry_is_refused_and_what_it_does_otherwise_is_told(name: str) -> None:
    module, _, _ = case(name)
    can = module.CAPABILITIES
    found = fit(module.NAME, can, EDITION, FRAME, signs=True, tags=True)
    assert found.refusals == ()
    assert set(can.notes) <= set(found.notes)
    assert can.signs == any("[dkim]" in note for note in set(found.notes) - set(can.notes))
    assert can.envelope != any("return path" in note for note in found.notes)


# ── What its answers mean ────────────────────────────────────────────────────────────────────────────────────────────


@EVERY
def test_a_good_answer_is_that_everybody_was_accepted(name: str) -> None:
    module, account, told = case(name)
    for number in {1, min(3, module.CAPABILITIES.batch)}:
        response = Response(told["good"].get("status", 200), told["good"].get("headers", {}), good(told, number))
        outcomes = module.outcomes(account, messages(module, number), response)
        assert isinstance(outcomes, list)
        assert [type(each) for each in outcomes] == [Accepted] * number


_OUTCOMES: dict[str, type[Outcome]] = {
    "accepted": Accepted,
    "deferred": Deferred,
    "rejected": Rejected,
    "uncertain": Uncertain,
}


@pytest.mark.parametrize(("name", "example"), examples("answer"))
def test_an_answer_means_what_the_documentation_says(name: str, example: dict[str, Any]) -> None:
    module, account, _ = case(name)
    number = example.get("messages") or len(example.get("outcomes", "1"))
    response = Response(example["status"], example.get("headers", {}), example["body"].encode())
    found = module.outcomes(account, messages(module, number), response)
    if isinstance(found, Trouble):
        assert example.get("trouble") == found.what.value, found
        assert "wait" not in example or found.retry_after == example["wait"]
        assert example.get("reply", "") in str(found.reply)
    else:
        assert [type(each) for each in found] == [_OUTCOMES[word] for word in example["outcomes"]], found
        assert "reply" not in example or any(example["reply"] in str(each.reply) for each in found)


AT_NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
USUAL = [
    (Response(401), What.KEY, None),
    (Response(429, {"retry-after": "7"}), What.THROTTLED, 7.0),
    (Response(503, {"retry-after": "8"}), What.THROTTLED, 8.0),
    (Response(503, {"retry-after": AT_NOON, "date": "Sat, 21 Nov 2026 11:59:51 GMT"}), What.THROTTLED, 9.0),
    (Response(429, {"retry-after": AT_NOON, "date": "Sat, 21 Nov 2026 12:59:51 GMT"}), What.THROTTLED, 0.0),
    (Response(429, {"retry-after": AT_NOON}), What.THROTTLED, None),
    (Response(429, {"retry-after": "soon"}), What.THROTTLED, None),
    (Response(429, {"retry-after": "9" * 11}), What.THROTTLED, None),
    (Response(429, {"ratelimit-reset": "6"}), What.THROTTLED, 6.0),
    (Response(429, {"x-sib-ratelimit-reset": "5"}), What.THROTTLED, 5.0),
    (Response(429, {"x-ratelimit-reset": "1795262404", "date": AT_NOON}), What.THROTTLED, 4.0),
    (Response(429, {"retry-after": "3", "ratelimit-reset": "60"}), What.THROTTLED, 3.0),
    (Response(500), What.UNCLEAR, None),
    (Response(502, {}, b"<html>Bad gateway</html>"), What.UNCLEAR, None),
    (Response(302, {"location": "https://example.org/"}), What.UNCLEAR, None),
    (Response(200), What.UNCLEAR, None),
    (Response(200, {}, b"<html>A page of somebody's</html>"), What.UNCLEAR, None),
    (Response(200, {}, b"{}"), What.UNCLEAR, None),
    (Response(200, {}, b"[]"), What.UNCLEAR, None),
    (Response(200, {}, b"null"), What.UNCLEAR, None),
]


@EVERY
@pytest.mark.parametrize(("response", "what", "wait"), USUAL)
def test_what_is_the_same_everywhere_is_read_the_same(
    name: str, response: Response, what: What, wait: float | None
) -> None:
    module, account, told = case(name)
    if response.status == 200 and "EMPTY" in told["good"].get("also", ""):
        pytest.skip("it says nothing but its status")
    found = module.outcomes(account, messages(module, 1), response)
    assert isinstance(found, Trouble)
    assert (found.what, found.retry_after) == (what, wait)


WORDS = (
    *("message", "MessageId", "id", "errors", "results", "data", "code", "status", "messages", "type", "Type", "msys"),
    *("event-data", "signature", "ErrorCode", "payload", "event", "response", "emails", "Messages", "Errors"),
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 700) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@EVERY
@settings(max_examples=60)
@given(status=st.integers(100, 599), body=anything, number=st.integers(1, 3))
def test_no_answer_whatever_is_in_it_breaks_the_sending(name: str, status: int, body: Any, number: int) -> None:
    module, account, _ = case(name)
    batch = messages(module, min(number, module.CAPABILITIES.batch), name="Zoé")
    found = module.outcomes(account, batch, Response(status, {}, json.dumps(body).encode()))
    assert isinstance(found, Trouble) or len(found) == len(batch)
    if not 200 <= status < 300 and not isinstance(found, Trouble):
        assert not any(isinstance(each, Accepted) for each in found)


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sent(name: str, api: Api, number: int, **more: Any) -> list[tuple[int, Outcome | None]]:
    """What became of so many messages, through the transport; who broke off is asked no further."""
    from newsletter.errors import TransportError

    module, account, _ = case(name)
    transport = HttpTransport(module, replace(account, endpoint=api.url), **more)
    found: list[tuple[int, Outcome | None]] = []
    try:
        for results in transport.deliver(iter(messages(module, number)), lambda _: None):
            found += [(message.key, outcome) for message, outcome in results]
    except TransportError:
        pass
    finally:
        transport.close()
    return found


@EVERY
def test_a_list_goes_out_over_http_and_everybody_is_accepted(name: str) -> None:
    module, _, told = case(name)
    batch = min(2, module.CAPABILITIES.batch)

    def answer(call: Call) -> Reply:
        number = 1 if module.CAPABILITIES.batch == 1 else len(READERS[name](call.request))
        return Reply(told["good"].get("status", 200), good(told, number), told["good"].get("headers", {}))

    with Api(answer) as api:
        found = sent(name, api, 5, batch=batch)
    assert sorted(key for key, _ in found) == [1, 2, 3, 4, 5]
    assert {type(outcome) for _, outcome in found} == {Accepted}
    assert len(api.calls) == -(-5 // batch)


@EVERY
@pytest.mark.parametrize("reply", [Reply(before=True), Reply(silent=True)], ids=["hangs up", "never answers"])
def test_where_no_answer_comes_it_is_uncertain_and_nothing_more_is_offered(name: str, reply: Reply) -> None:
    with Api(lambda _: reply) as api:
        found = sent(name, api, 1, timeout=0.2, connections=1, patience=0.1)
    assert [type(outcome) for _, outcome in found] == [Uncertain]


@EVERY
def test_a_server_that_is_not_there_has_taken_nothing(name: str) -> None:
    with Api(lambda _: Reply()) as api:
        pass
    assert sent(name, api, 1, timeout=0.2, patience=0.01) == [(1, None)]


# ── What it tells ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "example"), examples("event"))
def test_what_it_tells_is_an_event_of_ours_and_a_forgery_is_none(name: str, example: dict[str, Any]) -> None:
    module, account, _ = case(name)
    found = module.events(account, hooks.call(name, example["body"], account))
    for false in hooks.forged(name, example["body"], account):
        with pytest.raises(Forged):
            module.events(account, false)
    if not example["kind"]:
        assert found == []
        return
    event = found[0]
    assert event.kind.value == example["kind"]
    assert (event.bounce.value if event.bounce else "") == example.get("bounce", "")
    assert (event.mailing, event.subscriber) == ((7, 3) if module.CAPABILITIES.references else (0, 0))
    assert event.source == name
    assert event.address == example.get("address", event.address)
    # What was kept of it is read again without what proved it.
    true = hooks.call(name, example["body"], account)
    bare = replace(account, webhook_secret="", fetch=lambda url: pytest.fail(f"fetched {url}"))
    assert module.events(bare, Hook({}, true.body, hooks.NOW + 90_000, proved=True)) == found
    # The same call is the same event, and another one another.
    assert [each.id for each in module.events(account, hooks.call(name, example["body"], account))] == [
        each.id for each in found
    ]
    assert len({each.id for each in found}) == len(found)


@EVERY
@settings(max_examples=60)
@given(body=anything)
def test_no_call_whatever_is_in_it_breaks_the_door(name: str, body: Any) -> None:
    module, account, _ = case(name)
    for hook in (hooks.call(name, json.dumps(body), account), Hook({}, json.dumps(body).encode(), hooks.NOW)):
        try:
            found: Sequence[Event] = module.events(account, hook)
        except Forged:
            continue
        assert all(isinstance(each, Event) for each in found)
