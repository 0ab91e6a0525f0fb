"""What all webhooks share: who calls, when, and what becomes of a stranger's words."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounce import BounceClass
from newsletter.event import EventKind
from newsletter.links import Signer
from newsletter.providers import Account, Forged, Hook
from newsletter.providers.hearing import check_fresh, check_secret, heard, moment, text_in

SIGNER = Signer({1: b"k" * 32})
ACCOUNT = Account("key", webhook_secret="s3cret", read_reference=SIGNER.read_message_id)
REFERENCE = SIGNER.message_id(7, 3, "example.org").strip("<>").partition("@")[0]


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": basic("anybody:s3cret")}, {}),
        ({"authorization": "Bearer s3cret"}, {}),
        ({}, {"secret": "s3cret"}),
    ],
)
def test_our_secret_opens(headers: dict[str, str], query: dict[str, str]) -> None:
    check_secret(ACCOUNT, Hook(headers, b"", 0, query))


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"authorization": basic("s3cret")}, {}),
        ({"authorization": basic("s3cret:no")}, {"secret": "s3cret"}),
        ({"authorization": "Basic ????"}, {}),
        ({"authorization": "Bearer s3cre"}, {}),
        ({}, {"secret": "é"}),
    ],
)
def test_anything_else_does_not(headers: dict[str, str], query: dict[str, str]) -> None:
    with pytest.raises(Forged):
        check_secret(ACCOUNT, Hook(headers, b"", 0, query))


def test_where_no_secret_is_configured_nobody_gets_in() -> None:
    with pytest.raises(Forged, match="no secret is configured"):
        check_secret(Account("key"), Hook({"authorization": basic("a:")}, b"", 0, {"secret": ""}))


@pytest.mark.parametrize("timestamp", ["699", "1301", "", "x", "nan", "inf"])
def test_a_call_that_was_not_made_just_now_is_not_believed(timestamp: str) -> None:
    check_fresh(Hook({}, b"", 1000.0), "701")
    with pytest.raises(Forged):
        check_fresh(Hook({}, b"", 1000.0), timestamp)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-21T12:00:00Z", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("2026-11-21 12:00:00", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("1795262400", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("1795262400000", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("1e300", None),
        ("nan", None),
    ],
)
def test_times_are_read_as_providers_write_them(text: str, meant: datetime | None) -> None:
    assert moment(text) == meant


def test_a_reference_counts_only_with_our_signature() -> None:
    ours = heard(ACCOUNT, EventKind.DELIVERED, "postmark", "1", reference=REFERENCE)
    assert (ours.mailing, ours.subscriber) == (7, 3)
    forged = heard(ACCOUNT, EventKind.DELIVERED, "postmark", "1", reference=REFERENCE[:-1] + "x")
    assert not forged.is_proved


def test_a_bounce_without_a_class_gets_the_one_that_its_words_mean() -> None:
    event = heard(ACCOUNT, EventKind.BOUNCED, "x", "1", code=550, text="5.1.1 no such user")
    assert event.bounce is BounceClass.HARD
    assert event.reply.enhanced == "5.1.1"


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
)


@given(data=anything, text=st.text())
def test_whatever_a_stranger_sends_is_read_or_not_and_breaks_nothing(data: Any, text: str) -> None:
    assert isinstance(text_in(data, "a", "b"), str)
    moment(text)
    heard(ACCOUNT, EventKind.BOUNCED, "x", text, reference=text, address=text, at=text, text=text)
