"""/webhooks/NAME: what a provider tells has its effect once, and what a forger tells has none; over real HTTP."""

from __future__ import annotations

import hmac
import json
import logging
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from newsletter.delivery import State
from newsletter.links import Signer
from newsletter.providers import PROVIDERS, Account, Forged, Hook, provider
from newsletter.store import hooks
from newsletter.store.forgetting import erase
from newsletter.store.mailings import undelivered
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status
from tests.support import provider_hooks
from tests.support.sending import fill_list, plan
from tests.support.served import SETTINGS, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests

pytestmark = pytest.mark.in_each_database
READER = "reader0@example.org"
SECRETS = {
    "postmark": provider_hooks.SECRET,
    "brevo": provider_hooks.SECRET,
    "mailjet": provider_hooks.SECRET,
    "resend": provider_hooks.SVIX_SECRET,
    "sendgrid": provider_hooks.curve_public_key(),
    "mailersend": provider_hooks.SECRET,
}
TRANSPORTS = "".join(
    f'\n[transports.my-{name}]\nkind = "{name}"\nwebhook_secret_env = "{name.upper()}_HOOK"\n' for name in SECRETS
)
ENVIRON = {f"{name.upper()}_HOOK": secret for name, secret in SECRETS.items()}


class Ours(Served):
    """A list of three, to whom one mailing was sent, and nobody knows whether it arrived."""

    def __init__(self, folder: Path, more: str = "") -> None:
        super().__init__(folder, settings=SETTINGS + TRANSPORTS + more, environ=ENVIRON)
        fill_list(self.database, 3)
        self.mailing = plan(self.database).id
        self.become(State.UNCERTAIN)

    def become(self, state: State) -> None:
        with self.database.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = ?, updated_at = ?", (state.value, self.parts.now))

    def reference(self, email: str = READER) -> str:
        person = self.people.get(email)
        assert person is not None
        name = Signer(self.parts.keys).message_id(self.mailing, person.id, "letter.example.org")
        return name.strip("<>").partition("@")[0]

    def call(self, name: str, told: Any, headers: dict[str, str] | None = None) -> requests.Response:
        """A call as this provider makes it, with its signature or our secret."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        made: dict[str, Callable[[bytes], dict[str, str]]] = {
            "resend": provider_hooks.svix,
            "sendgrid": provider_hooks.sendgrid,
            "mailersend": provider_hooks.mailersend,
        }
        given = made[name](body) if name in made else {"authorization": provider_hooks.BASIC}
        return self.post(f"/webhooks/my-{name}", body, headers=given if headers is None else headers)

    def doubtful(self) -> dict[str, str]:
        return {who.email: who.state.name for who in undelivered(self.database, self.mailing)}

    def suppressed(self, email: str = READER) -> str:
        found = Subscribers(self.database).suppression(email)
        return found.reason.value if found else ""

    def texts(self, state: hooks.State = hooks.State.DONE) -> list[bytes]:
        return [each.body for each in hooks.kept(self.database, state)]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    with Ours(tmp_path) as served:
        yield served


def delivered(name: str, reference: str, *, number: str = "1") -> Any:
    """The same news in the words of each."""
    at = 1_795_262_400
    told: dict[str, Any] = {
        "postmark": {"RecordType": "Delivery", "MessageID": number, "Metadata": {"delivery": reference}},
        "brevo": {"event": "delivered", "message-id": number, "ts_epoch": at * 1000, "X-Mailin-custom": reference},
        "mailjet": {"event": "sent", "MessageID": int(number), "time": at, "Payload": reference},
        "resend": {
            "type": "email.delivered",
            "data": {"email_id": number, "tags": {"delivery": reference.replace(".", "-")}},
        },
        "sendgrid": [{"event": "delivered", "sg_event_id": number, "delivery": reference}],
        "mailersend": {"type": "activity.delivered", "data": {"id": number, "tags": ["hello", reference]}},
    }
    return told[name]


def bounced(reference: str, said: str, kind: str = "HardBounce", number: int = 7) -> dict[str, Any]:
    """What Postmark tells of a bounce."""
    return {
        "RecordType": "Bounce",
        "ID": number,
        "Type": kind,
        "Details": said,
        "Email": READER,
        "BouncedAt": "2026-11-21T11:59:00Z",
        "Metadata": {"delivery": reference},
    }


EVERY = pytest.mark.parametrize("name", SECRETS)


# ── What is told has its effect ──────────────────────────────────────────────────────────────────────────────────────


@EVERY
def test_what_was_in_doubt_is_settled_by_a_call_that_names_it(ours: Ours, name: str) -> None:
    answer = ours.call(name, delivered(name, ours.reference()))
    assert (answer.status_code, answer.text) == (200, "Heard.\n")
    assert ours.doubtful() == {"reader1@example.org": "UNCERTAIN", "reader2@example.org": "UNCERTAIN"}
    assert [row[0].partition(":")[0] for row in ours.rows("events")] == [name]


def test_an_address_that_does_not_exist_is_suppressed_and_its_delivery_was_refused(ours: Ours) -> None:
    ours.call("postmark", bounced(ours.reference(), "smtp;550 5.1.1 no such user"))
    assert ours.suppressed() == "bounced"
    assert ours.doubtful()[READER] == "REJECTED"
    assert ours.status(READER) is Status.ACTIVE


def test_a_block_of_ours_suppresses_nobody_however_hard_they_call_it(ours: Ours) -> None:
    ours.become(State.ACCEPTED)
    for number, kind in enumerate(("HardBounce", "Blocked", "SpamNotification")):
        ours.call("postmark", bounced(ours.reference(), "smtp;554 5.7.1 listed by Spamhaus", kind, number))
    assert ours.suppressed() == ""
    assert [row[2] for row in ours.rows("events")] == ["block"] * 3


def test_a_complaint_unsubscribes_for_ever(ours: Ours) -> None:
    ours.call("sendgrid", [{"event": "spamreport", "sg_event_id": "1", "delivery": ours.reference(), "email": READER}])
    assert ours.suppressed() == "complained"
    assert ours.status(READER) is Status.UNSUBSCRIBED


def test_who_is_named_by_an_address_alone_is_believed_while_the_mailing_is_fresh(ours: Ours) -> None:
    ours.call("brevo", {"event": "unsubscribed", "email": READER.upper(), "ts_epoch": 1, "message-id": "1"})
    assert ours.suppressed() == "unsubscribed"
    ours.clock.pass_by(days=11)
    ours.call("brevo", {"event": "hard_bounce", "email": "reader1@example.org", "ts_epoch": 2, "message-id": "1"})
    assert ours.suppressed("reader1@example.org") == ""


def test_a_reference_that_we_did_not_sign_names_nobody(ours: Ours) -> None:
    forged = f"{ours.mailing}.1.0123456789abcdef"
    assert ours.call("mailjet", {**delivered("mailjet", forged), "event": "spam"}).status_code == 200
    assert ours.rows("events") == []


def test_opens_and_clicks_leave_no_trace_but_the_text_for_a_week(ours: Ours) -> None:
    told = [
        {"event": word, "sg_event_id": word, "delivery": ours.reference(), "email": READER}
        for word in ("open", "click")
    ]
    assert ours.call("sendgrid", told).status_code == 200
    assert ours.rows("events") == []
    ours.clock.pass_by(days=6)
    ours.courier.work()
    assert len(ours.texts()) == 1
    ours.clock.pass_by(days=2)
    ours.courier.work()
    assert ours.texts() == []


@pytest.mark.soak_on_a_server
def test_a_thousand_events_in_one_call_are_all_heard(ours: Ours) -> None:
    reference = ours.reference()
    told = [
        {"event": "delivered", "sg_event_id": f"{number}", "delivery": reference, "response": "250 OK " + "x" * 100}
        for number in range(1000)
    ]
    assert len(json.dumps(told)) > 64 * 1024
    assert ours.call("sendgrid", told).status_code == 200
    assert len(ours.rows("events")) == 1000


# ── Once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@EVERY
def test_the_same_call_and_the_same_event_in_another_call_change_nothing(ours: Ours, name: str) -> None:
    told = delivered(name, ours.reference())
    assert ours.call(name, told).status_code == 200
    before = ours.rows("events"), ours.doubtful()
    assert ours.call(name, told).status_code == 200
    assert len(ours.texts()) == 1
    assert ours.call(name, json.dumps(told, indent=1).encode()).status_code == 200
    assert (ours.rows("events"), ours.doubtful()) == before


def test_what_the_list_could_not_take_is_asked_for_again(ours: Ours) -> None:
    told = delivered("brevo", ours.reference())
    with ours.database.transaction() as connection:
        connection.execute("ALTER TABLE events RENAME TO elsewhere")
    assert ours.call("brevo", told).status_code >= 500
    assert len(ours.texts(hooks.State.WAITING)) == 1, "the text was kept before anything else"
    with ours.database.transaction() as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO events")
    assert ours.call("brevo", told).status_code == 200
    assert READER not in ours.doubtful()
    assert ours.texts(hooks.State.WAITING) == []


def test_what_a_provider_stumbles_over_is_kept_and_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, "clumsy", "tests.support.clumsy_provider")
    more = '\n[transports.clumsy]\nkind = "clumsy"\nwebhook_secret_env = "POSTMARK_HOOK"\n'
    with Ours(tmp_path, more) as ours:
        headers = {"authorization": provider_hooks.BASIC}
        assert ours.post("/webhooks/clumsy", b'{"about": "zoe@example.org"}', headers=headers).status_code == 200
        assert ours.post("/webhooks/clumsy", b'{"about": "zoe@example.org"}').status_code == 401
        (kept,) = hooks.kept(ours.database, hooks.State.FAILED)
    assert (kept.trouble, kept.transport) == ("cannot be read: KeyError", "clumsy")


# ── Once more ────────────────────────────────────────────────────────────────────────────────────────────────────────

DIES = """
import os, signal, sys
from newsletter.actions import hear
from newsletter.store.database import open_database
hear.receive = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with open_database(sys.argv[1]) as database:
    hear.hear(database, "my-postmark", hear.Understood(()), sys.argv[2].encode(), int(sys.argv[3]))
"""


def test_what_was_kept_when_the_process_died_is_dealt_with_at_the_next_start(tmp_path: Path) -> None:
    with Ours(tmp_path) as ours:
        told = json.dumps(bounced(ours.reference(), "smtp;550 5.1.1 no such user"))
        died = subprocess.run(
            [sys.executable, "-c", DIES, ours.config.store_url, told, f"{ours.parts.now}"], check=False
        )
        assert died.returncode == -signal.SIGKILL
        assert len(ours.texts(hooks.State.WAITING)) == 1
        assert (ours.suppressed(), ours.rows("events")) == ("", [])
        ours.courier.work()  # as a server does first of all
        assert ours.suppressed() == "bounced"
        assert ours.doubtful()[READER] == "REJECTED"
        assert [ours.texts(state) for state in (hooks.State.WAITING, hooks.State.FAILED)] == [[], []]
        # The provider had no answer, and comes again.
        assert ours.call("postmark", told.encode()).status_code == 200
        assert len(ours.rows("events")) == 1


@EVERY
def test_what_was_proved_once_is_read_again_from_what_was_kept_of_it(ours: Ours, name: str) -> None:
    told = delivered(name, ours.reference())
    assert ours.call(name, told).status_code == 200
    before = ours.rows("events")
    with ours.database.transaction() as connection:
        connection.execute("UPDATE hooks SET state = ?", (hooks.State.WAITING.value,))
        connection.execute("DELETE FROM events")
    ours.clock.pass_by(hours=30)  # later than any signature holds
    ours.courier.work()
    assert [row[0] for row in ours.rows("events")] == [row[0] for row in before], "the same event, by the same id"
    assert ours.texts(hooks.State.FAILED) == []


# ── Forgers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@EVERY
def test_a_call_without_proof_is_refused_and_leaves_nothing_behind(
    ours: Ours, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = json.dumps(delivered(name, ours.reference())).encode()
    late = int(provider_hooks.NOW) - 301
    stranger = ec.generate_private_key(ec.SECP256R1())
    false: list[dict[str, str]] = [
        {},
        {"authorization": "Basic !!!"},
        {"authorization": f"Basic {b64encode(b'provider:another').decode()}"},
        {"authorization": "Bearer another"},
        provider_hooks.mailersend(told, "another"),
        provider_hooks.svix(told, secret=b"another"),
        provider_hooks.svix(told, late),
        provider_hooks.sendgrid(told, key=stranger),
        provider_hooks.sendgrid(told, late),
        {**provider_hooks.sendgrid(told), "x-twilio-email-event-webhook-signature": "MEUCIQ=="},
    ]
    before = ours.snapshot()
    with caplog.at_level(logging.WARNING):
        assert [ours.call(name, told, headers).status_code for headers in false] == [401] * len(false)
        assert ours.call(name, told + b" ", {**provider_hooks.svix(told)}).status_code == 401
    assert ours.snapshot() == before
    assert SECRETS[name] not in caplog.text
    assert READER not in caplog.text


@pytest.mark.parametrize("name", ["postmark", "brevo", "mailjet"])
def test_the_secret_may_come_as_a_password_as_a_token_or_in_the_address(ours: Ours, name: str) -> None:
    secret = SECRETS[name]
    told = [json.dumps(delivered(name, ours.reference(), number=str(each))).encode() for each in range(3)]
    path = f"/webhooks/my-{name}"
    answers = [
        ours.post(path, told[0], auth=("anybody", secret)),
        ours.post(path, told[1], headers={"Authorization": f"Bearer {secret}"}),
        ours.post(f"{path}?secret={secret}", told[2]),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert ours.post(f"{path}?secret=another", told[2]).status_code == 401


def test_without_a_secret_in_the_settings_nobody_is_believed(tmp_path: Path) -> None:
    with Ours(tmp_path, '\n[transports.bare]\nkind = "postmark"\n') as ours:
        for headers in ({}, {"authorization": "Basic Og=="}, {"authorization": "Bearer "}):
            assert ours.post("/webhooks/bare?secret=", b"{}", headers=headers).status_code == 401


def test_a_secret_that_is_not_there_is_our_own_fault_and_the_provider_is_to_come_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Ours(tmp_path, '\n[transports.late]\nkind = "postmark"\nwebhook_secret_env = "NOT_SET"\n') as ours:
        answer = ours.post("/webhooks/late", b"{}")
    assert answer.status_code == 503
    assert "NOT_SET" in caplog.text
    assert "NOT_SET" not in answer.text


def test_a_stranger_writes_no_line_of_their_own_into_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Ours(tmp_path, '\n[transports.aws]\nkind = "ses"\n') as ours:
        body = json.dumps({"Type": "Notification"}).encode()
        headers = {"x-amz-sns-message-type": "Notification\tx\x1b[31m"}
        assert ours.post("/webhooks/aws", body, headers=headers).status_code == 401
    assert "was refused" in caplog.text
    assert "\x1b" not in caplog.text


# ── The documented examples of signatures ────────────────────────────────────────────────────────────────────────────


def test_the_signature_of_svixs_own_example_is_good() -> None:
    account = Account("", webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "timestamp": "1614265330",
        "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    for prefix in ("svix", "webhook"):
        named = {f"{prefix}-{name}": value for name, value in headers.items()}
        assert provider("resend").events(account, Hook(named, body, 1614265330)) == []
        with pytest.raises(Forged, match="signature"):
            provider("resend").events(account, Hook(named, body.replace(b"2", b"3"), 1614265330))
        with pytest.raises(Forged, match="old"):
            provider("resend").events(account, Hook(named, body, 1614265330 + 301))


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
def test_what_the_authors_of_svix_sign_is_good_and_its_twin_is_not(prefix: str) -> None:
    body = '{"type": "email.sent", "data": {"subject": "Déjà 🌱"}}'
    at = datetime.fromtimestamp(provider_hooks.NOW, UTC)
    account = Account("", webhook_secret=provider_hooks.SVIX_SECRET)
    signature = Webhook(provider_hooks.SVIX_SECRET).sign("msg_1", at, body)
    headers = {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": f"{int(at.timestamp())}"}
    headers[f"{prefix}-signature"] = f"v1,bm9uc2Vuc2U= {signature}"
    assert provider("resend").events(account, Hook(headers, body.encode(), provider_hooks.NOW)) == []
    for twin in (body.replace("sent", "seen"), body + " "):
        with pytest.raises(Forged, match="signature"):
            provider("resend").events(account, Hook(headers, twin.encode(), provider_hooks.NOW))


def test_the_signature_of_sendgrids_own_example_is_good() -> None:
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/"
        "1FwCM/QmGUhA=="
    )
    signature = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
    prefix = "x-twilio-email-event-webhook-"
    headers = {f"{prefix}signature": signature, f"{prefix}timestamp": "1588788367"}
    body = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'
    account = Account("", webhook_secret=key)
    assert provider("sendgrid").events(account, Hook(headers, body, 1588788367)) == []
    with pytest.raises(Forged):
        provider("sendgrid").events(account, Hook(headers, body + b"\n", 1588788367))


def test_mailersends_signature_may_be_in_capitals() -> None:
    body = b'{"type": "activity.sent", "data": {}}'
    signature = hmac.digest(b"a secret", body, "sha256").hex().upper()
    account = Account("", webhook_secret="a secret")
    assert provider("mailersend").events(account, Hook({"signature": signature}, body, 0)) == []


# ── Who calls where, and with how much ───────────────────────────────────────────────────────────────────────────────


def test_a_call_by_the_providers_name_is_for_the_first_transport_that_leads_there(ours: Ours) -> None:
    told = json.dumps(delivered("postmark", ours.reference())).encode()
    assert ours.post("/webhooks/postmark", told, headers={"authorization": provider_hooks.BASIC}).status_code == 200
    assert [each.transport for each in hooks.kept(ours.database, hooks.State.DONE)] == ["my-postmark"]


@pytest.mark.parametrize("name", ["relay", "nobody", "scaleway", "%2e%2e", "my-postmark/x"])
def test_there_is_nobody_at_another_name(ours: Ours, name: str) -> None:
    assert ours.post(f"/webhooks/{name}", b"{}", auth=("x", provider_hooks.SECRET)).status_code == 404


def test_to_look_is_not_to_call(ours: Ours) -> None:
    assert ours.get("/webhooks/my-postmark").status_code == 405


def test_two_megabytes_are_taken_and_not_one_octet_more(ours: Ours) -> None:
    most = 2 * 1024 * 1024
    told = json.dumps(delivered("postmark", ours.reference())).encode().ljust(most)
    assert ours.call("postmark", told).status_code == 200
    with socket.create_connection((ours.server.host, ours.server.port), timeout=10) as line:
        line.sendall(b"POST /webhooks/my-postmark HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (most + 1))
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert ours.post("/subscribe", b"x" * (64 * 1024 + 1)).status_code == 413


def test_what_was_counted_is_shown_without_anybodys_name(ours: Ours) -> None:
    ours.call("postmark", bounced(ours.reference(), "smtp;550 5.1.1 no such user"))
    ours.call("postmark", bounced(ours.reference(), "smtp;550 5.1.1 no such user"))
    ours.call("postmark", {}, {})
    shown = ours.get("/metrics").text
    assert 'newsletter_webhooks_total{outcome="heard",transport="my-postmark"} 1.0' in shown
    assert 'newsletter_webhooks_total{outcome="repeated",transport="my-postmark"} 1.0' in shown
    assert 'newsletter_webhooks_total{outcome="refused",transport="my-postmark"} 1.0' in shown
    assert 'newsletter_events_total{effect="suppressed",kind="bounced",transport="my-postmark"} 1.0' in shown
    assert READER not in shown


def test_who_is_forgotten_is_in_no_text_that_was_kept(ours: Ours) -> None:
    ours.call("postmark", bounced(ours.reference(), "smtp;550 5.1.1 no such user"))
    person = ours.people.get(READER)
    assert person is not None
    with ours.database.transaction() as connection:
        erase(connection, person.id, READER)
    assert ours.texts() == []


# ── Whatever is sent ─────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = (
    *("RecordType", "Bounce", "Type", "HardBounce", "Metadata", "delivery", "ID", "Details", "Email", "event", "email"),
    *("delivered", "hard_bounce", "ts_epoch", "message-id", "reason", "X-Mailin-custom", "sent", "bounce", "error"),
    *("time", "Payload", "MessageID", "type", "data", "tags", "to", "email.bounced", "diagnosticCode", "subType"),
    *("activity.hard_bounced", "meta", "morph", "recipient", "bounce_reason", "id", "dropped", "status", "sg_event_id"),
)
TEXTS = st.sampled_from(WORDS) | st.text(st.characters(), max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=15,
)


@pytest.mark.soak_on_a_server
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(SECRETS)), told=JSON | st.binary(max_size=60))
def test_no_body_is_too_hostile(ours: Ours, name: str, told: Any) -> None:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    assert ours.call(name, body).status_code == 200
    assert ours.call(name, body, {}).status_code == 401
    assert hooks.kept(ours.database, hooks.State.FAILED) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"event": ' * 20_000,
        b'[{"event": "delivered", "sg_event_id": "\\ud800\\u0000", "email": "\\ud800@\\u0000"}]',
        b'[{"event": "bounce", "sg_event_id": 1e999, "timestamp": NaN, "reason": "\\u0000\\n550 5.1.1"}]',
        b'[{"event": "bounce", "timestamp": -1e18, "email": {"a": []}, "status": ["5.1.1"]}]',
        b'[{"event": "bounce", "timestamp": ' + b"9" * 5000 + b"}]",
        '[{"event": "délivré"}]'.encode("utf-16"),
    ],
    ids=range(8),
)
def test_no_body_breaks_the_door(ours: Ours, body: bytes) -> None:
    assert ours.call("sendgrid", body).status_code == 200
    assert hooks.kept(ours.database, hooks.State.FAILED) == []
