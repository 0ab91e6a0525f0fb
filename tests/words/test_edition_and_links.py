"""Editions that survive being stored, and links that cannot be forged."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.edition import ESCAPES, Choice, Edition, Expression, Pattern, Slot, Where, fill, is_unchanged
from newsletter.links import Links, Purpose, Signer, Ticket

patterns: st.SearchStrategy[Pattern] = st.recursive(
    st.lists(st.text(max_size=20) | st.builds(Slot, st.integers(0, 2), st.sampled_from(list(Where))), max_size=4).map(
        tuple
    ),
    lambda inner: st.builds(Choice, st.integers(0, 2), st.lists(inner, max_size=3).map(tuple)).map(lambda c: (c,)),
    max_leaves=6,
)
editions = st.builds(
    Edition,
    subject=patterns,
    preheader=patterns,
    html=patterns,
    text=patterns,
    expressions=st.just((Expression(("a",), 3), Expression(("b", ""), 4, is_choice=True))),
    language=st.sampled_from(["fr", "en"]),
    title=st.text(max_size=10),
    path=st.just(""),
)


@given(editions)
def test_an_edition_comes_back_from_the_ledger_as_it_went_in(edition: Edition) -> None:
    assert Edition.from_json(edition.to_json()) == edition


@given(editions, editions)
def test_two_editions_have_one_fingerprint_only_if_they_are_the_same(one: Edition, other: Edition) -> None:
    assert (one.fingerprint == other.fingerprint) == (one == other)


@pytest.mark.parametrize(
    ("where", "value", "shown"),
    [
        (Where.HTML, "<b>Tom & Zoé</b>", "&lt;b&gt;Tom &amp; Zoé&lt;/b&gt;"),
        (Where.ATTRIBUTE, "\" onclick='x'", "&quot; onclick=&#x27;x&#x27;"),
        (Where.URL, "javascript:alert(1)", "#"),
        (Where.URL, "https://example.org/?a=1&b=2", "https://example.org/?a=1&amp;b=2"),
        (Where.URL_PART, "a/b?c=d é", "a%2Fb%3Fc%3Dd%20%C3%A9"),
        (Where.PLAIN, "one\r\nBcc: two", "one Bcc: two"),
    ],
)
def test_a_value_is_escaped_for_the_place_where_it_stands(where: Where, value: str, shown: str) -> None:
    assert fill((Slot(0, where),), (value,)) == shown


@given(
    st.text("aZ9:/._-~é=&<>\"' \t#?%", max_size=12)
    | st.builds(
        str.__add__, st.sampled_from(["https://", "http:", "mailto:", "HTTP://"]), st.text("az<&= ", max_size=3)
    )
)
def test_what_needs_no_escape_is_the_same_under_each(value: str) -> None:
    for where in (Where.PLAIN, Where.HTML, Where.ATTRIBUTE, Where.URL):
        if is_unchanged(value, as_address=where is Where.URL):
            assert ESCAPES[where](value) == value


SIGNER = Signer({1: b"first" * 8, 2: b"second" * 8})


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**32 - 1), st.sampled_from(list(Purpose)))
def test_a_token_is_read_back_by_its_own_purpose_only(subscriber: int, mailing: int, purpose: Purpose) -> None:
    token = SIGNER.token(Ticket(purpose, subscriber, mailing))
    assert len(token) == 36
    assert SIGNER.read(token, purpose) == Ticket(purpose, subscriber, mailing)
    for other in set(Purpose) - {purpose}:
        assert SIGNER.read(token, other) is None


@pytest.mark.parametrize("octets", [0, 1, 32, 63, 64, 65, 200])
def test_a_key_may_have_any_length(octets: int) -> None:
    key = bytes(range(octets))
    signer = Signer({1: key})
    body = bytes((1, Purpose.PREFERENCES.value)) + (12).to_bytes(5, "big") + (3).to_bytes(4, "big")
    signed = body + hmac.digest(key, body, "sha256")[:16]
    assert urlsafe_b64decode(signer.token(Ticket(Purpose.PREFERENCES, 12, 3))) == signed
    assert signer.read_message_id(signer.message_id(3, 12, "example.org")) == (3, 12)
    assert signer.read_return_path(signer.return_path(3, 12, "b@example.org")) == (3, 12)


@given(st.integers(0, 35), st.sampled_from("ABCDEFabcdef0123456789-_"))
def test_a_token_with_one_other_character_is_refused(position: int, char: str) -> None:
    token = SIGNER.token(Ticket(Purpose.UNSUBSCRIBE, 12, 3))
    forged = token[:position] + char + token[position + 1 :]
    assert (SIGNER.read(forged, Purpose.UNSUBSCRIBE) is not None) == (forged == token)


@given(st.text(max_size=60))
def test_any_text_may_be_handed_in_as_a_token(text: str) -> None:
    assert SIGNER.read(text, Purpose.UNSUBSCRIBE) is None


def test_a_token_made_before_a_key_was_added_still_opens() -> None:
    token = Signer({1: b"first" * 8}).token(Ticket(Purpose.UNSUBSCRIBE, 12, 3))
    assert SIGNER.read(token, Purpose.UNSUBSCRIBE) == Ticket(Purpose.UNSUBSCRIBE, 12, 3)


def test_a_message_id_stays_the_same_when_a_key_is_added() -> None:
    before = Signer({1: b"first" * 8}).message_id(3, 12, "example.org")
    assert SIGNER.message_id(3, 12, "example.org") == before
    assert before.startswith("<3.12.")
    assert before.endswith("@example.org>")


def test_links_hold_no_address_and_stand_below_the_base_url() -> None:
    links = Links(SIGNER, "https://letter.example.org", "2026-11-hello", 12, 3)
    assert links.archive == "https://letter.example.org/archive/2026-11-hello"
    assert links.unsubscribe.startswith("https://letter.example.org/unsubscribe/")
    assert links.unsubscribe != links.preferences
