"""Amazon SES beside Amazon's own program: our signatures and requests are those that botocore would make."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import Signer
from newsletter.message import Compiled, Mailbox
from newsletter.outcome import Accepted, Rejected
from newsletter.providers import Account, Forged, Hook, Quota, Request, Response, ses, sns
from newsletter.providers.asking import json_request
from newsletter.providers.sigv4 import Credentials, signed
from newsletter.transports.http import HttpTransport
from newsletter.transports.http_asking import Asker
from tests.contracts.test_providers import EDITION, FRAME
from tests.support import provider_hooks as hooks
from tests.support.api import Api, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.message import Message
    from newsletter.outcome import Outcome

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MODEL = ServiceModel(Loader().load_service_model("sesv2", "service-2"))
SETTINGS = {"access_key": "AKIDEXAMPLE", "region": "eu-west-3", "topic": hooks.TOPIC}


def message(key: int = 1) -> Message:
    return Compiled(EDITION, FRAME).compose(
        key,
        Mailbox("zoe@example.org", "Zoé"),
        (),
        message_id=Signer({1: b"k" * 32}).message_id(7, key, "example.org"),
        date=NOW,
        unsubscribe_url="https://example.org/unsubscribe/token",
    )


def theirs(request: Request, token: str | None) -> str:
    """What botocore says of the same request at the same moment."""
    asked = AWSRequest(request.method, request.url, dict(request.headers), request.body)
    asked.context["timestamp"] = f"{NOW:%Y%m%dT%H%M%SZ}"
    asked.headers["X-Amz-Date"] = asked.context["timestamp"]
    if token:
        asked.headers["X-Amz-Security-Token"] = token
    auth = SigV4Auth(TheirCredentials("AKIDEXAMPLE", "s3cret", token), "ses", "eu-west-3")
    canonical = auth.canonical_request(asked)
    signature = auth.signature(auth.string_to_sign(asked, canonical), asked)
    return str(signature)


@given(
    body=st.binary(max_size=40),
    query=st.dictionaries(st.sampled_from(["a", "b b", "é", "c/d"]), st.text("aé /+~&=", max_size=5), max_size=3),
    token=st.none() | st.just("a-token"),
    method=st.sampled_from(["GET", "POST"]),
)
def test_our_signature_is_the_one_that_amazons_own_program_makes(
    body: bytes, query: dict[str, str], token: str | None, method: str
) -> None:
    from urllib.parse import quote

    said = "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in query.items())
    url = f"https://email.eu-west-3.amazonaws.com/v2/email/outbound-emails{'?' if said else ''}{said}"
    request = Request(url, {"Content-Type": "application/json"}, body, method)
    ours = signed(request, Credentials("AKIDEXAMPLE", "s3cret", token or ""), "eu-west-3", "ses", NOW)
    assert ours.headers["authorization"].rpartition("Signature=")[2] == theirs(request, token)


@pytest.mark.parametrize("more", [{}, {"configuration_set": "letters"}])
def test_a_request_has_the_shape_that_the_service_model_demands(more: dict[str, str]) -> None:
    account = Account("s3cret", {**SETTINGS, **more})
    request = ses.request(account, [message()], "")
    operation = MODEL.operation_model("SendEmail")
    assert request.url.endswith(operation.http["requestUri"])
    assert request.method == operation.http["method"]
    asked: dict[str, Any] = json.loads(request.body)
    # In Python, a blob is bytes.
    asked["Content"]["Raw"]["Data"] = asked["Content"]["Raw"]["Data"].encode()
    assert operation.input_shape is not None
    report = ParamValidator().validate(asked, operation.input_shape)
    assert not report.has_errors(), report.generate_report()
    known = operation.input_shape.members
    assert set(asked) <= set(known)
    assert set(asked["Content"]["Raw"]) <= set(known["Content"].members["Raw"].members)
    quota = MODEL.operation_model("GetAccount")
    assert ses.quota_request(account).url.endswith(quota.http["requestUri"])


def test_every_error_of_the_service_is_the_account_the_message_or_a_wait() -> None:
    meant = {"AccountSuspendedException": "key", "SendingPausedException": "key", "LimitExceededException": "throttled"}
    meant |= {"MailFromDomainNotVerifiedException": "key", "TooManyRequestsException": "throttled"}
    meant |= {"BadRequestException": "split", "MessageRejected": "split", "NotFoundException": "split"}
    assert {shape.name for shape in MODEL.operation_model("SendEmail").error_shapes} == set(meant)
    for name, what in meant.items():
        found = ses.outcomes(Account(""), [message()], Response(400, {"x-amzn-errortype": name}, b"{}"))
        assert not isinstance(found, list)
        assert found.what.value == what, name


def test_what_leaves_is_signed_at_the_moment_it_leaves_and_carries_no_secret() -> None:
    with Api(lambda _: Reply(200, {"MessageId": "1"})) as api:
        transport = HttpTransport(ses, Account("s3cret", SETTINGS, endpoint=api.url))
        list(transport.deliver(iter([message()]), lambda _: None))
        transport.close()
    (call,) = api.calls
    assert call.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    at = datetime.strptime(call.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert "s3cret" not in f"{call.headers}{call.body!r}"


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    """A server that takes Amazon's requests, by others than us (moto)."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def through(amazon: str, *messages: Message) -> list[Outcome | None]:
    transport = HttpTransport(ses, Account("s3cret", SETTINGS, endpoint=amazon), connections=2)
    try:
        return [outcome for part in transport.deliver(iter(messages), lambda _: None) for _, outcome in part]
    finally:
        transport.close()


def test_a_server_that_was_written_after_amazons_takes_what_we_send(amazon: str) -> None:
    (outcome,) = through(amazon, message())
    assert isinstance(outcome, Rejected)
    assert "MessageRejected" in outcome.reply.text, "nobody has verified the sender yet"
    asked = json_request(f"{amazon}/v2/email/identities", {}, {"EmailIdentity": "example.org"})
    who = Credentials("AKIDEXAMPLE", "s3cret")
    made = Asker(1, 10).ask(signed(asked, who, "eu-west-3", "ses", datetime.now(UTC)))
    assert isinstance(made, Response)
    assert made.status == 200
    outcomes = through(amazon, *(message(key) for key in range(1, 6)))
    assert [type(each) for each in outcomes] == [Accepted] * 5
    ids = {each.reply.text for each in outcomes if each}
    seen = Asker(1, 10).ask(Request(f"{amazon}/moto-api/data.json", {}, b"", "GET"))
    assert isinstance(seen, Response)
    taken = seen.json()["ses"]["RawMessage"]
    assert {each["id"] for each in taken} == ids
    assert sorted(each["raw_data"].encode() for each in taken) == sorted(message(key).data for key in range(1, 6))
    assert {each["destinations"][0] for each in taken} == {"zoe@example.org"}


@pytest.mark.parametrize(
    ("body", "quota"),
    [
        ({"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 50.0}}, Quota(1.0, 150)),
        ({"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 14.0, "SentLast24Hours": 50.0}}, Quota(14.0, None)),
        ({"SendQuota": {"MaxSendRate": "fast"}}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_quota_is_what_the_account_says(body: Any, quota: Quota | None) -> None:
    assert ses.quota(Response(200, {}, json.dumps(body).encode())) == quota


# ── What comes through SNS ───────────────────────────────────────────────────────────────────────────────────────────

ACCOUNT = Account("s3cret", SETTINGS, fetch=lambda _: hooks.certificate())


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_signatures_are_known(version: str) -> None:
    assert sns.read(ACCOUNT, Hook({}, hooks.sns('{"eventType": "Send"}', version=version), hooks.NOW), hooks.TOPIC)


def test_a_subscription_is_confirmed_for_our_topic_and_for_no_other() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return hooks.certificate()

    account = Account("s3cret", SETTINGS, fetch=fetch)
    confirm = "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": confirm}
    assert ses.events(account, Hook({}, hooks.sns("You have chosen …", **asked), hooks.NOW)) == []
    assert fetched == [hooks.CERTIFICATE_URL, confirm]
    for wrong in ({"TopicArn": "arn:aws:sns:eu-west-3:999:other"}, {"SubscribeURL": "https://example.org/"}):
        fetched.clear()
        with pytest.raises(Forged):
            ses.events(account, Hook({}, hooks.sns("You have chosen …", **(asked | wrong)), hooks.NOW))
        assert fetched == [hooks.CERTIFICATE_URL]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-3.amazonaws.com.example.org/SimpleNotificationService-1.pem",
        "https://sns.eu-west-3.amazonaws.com@example.org/SimpleNotificationService-1.pem",
        "https://sns.eu-west-3.amazonaws.com:444/SimpleNotificationService-1.pem",
        "https://my-bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-3.amazonaws.com/other.pem",
        "https://[",
    ],
)
def test_a_certificate_from_elsewhere_is_never_fetched(url: str) -> None:
    with pytest.raises(Forged, match="not Amazon's"):
        sns.read(
            Account("s3cret", SETTINGS, fetch=lambda url: pytest.fail(f"fetched {url}")),
            Hook({}, hooks.sns("{}", SigningCertURL=url), hooks.NOW),
            hooks.TOPIC,
        )


def test_without_a_topic_nobody_is_believed() -> None:
    with pytest.raises(Forged, match="another topic"):
        sns.read(ACCOUNT, Hook({}, hooks.sns("{}"), hooks.NOW), "")
