"""The names of a delivery that come back with a report, its return path and its Message-ID: nobody else makes one."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import Purpose, Signer, Ticket

SIGNER = Signer({1: b"first" * 8, 2: b"second" * 8})
STRANGER = Signer({1: b"third" * 8, 2: b"fourth" * 8})
BOUNCES = "bounces@example.org"
PATH = SIGNER.return_path(3, 12, BOUNCES)
ID = SIGNER.message_id(3, 12, "example.org")

mailings = st.integers(0, 2**32 - 1)
subscribers = st.integers(0, 2**40 - 1)


@given(mailings, subscribers)
def test_a_return_path_names_its_delivery(mailing: int, subscriber: int) -> None:
    path = SIGNER.return_path(mailing, subscriber, BOUNCES)
    assert SIGNER.read_return_path(path) == (mailing, subscriber)


@given(mailings, subscribers)
def test_a_return_path_is_an_address_that_any_server_takes(mailing: int, subscriber: int) -> None:
    local, at, domain = SIGNER.return_path(mailing, subscriber, BOUNCES).partition("@")
    assert (at, domain) == ("@", "example.org")
    assert local.startswith("bounces+")
    assert len(local) == 48  # RFC 5321 allows 64
    assert set(local) <= set("bounces+0123456789abcdef")


@pytest.mark.parametrize("change", [str.upper, str.title, lambda path: f"<{path}>", lambda path: f" {path}\r\n"])
def test_a_server_may_change_the_case_and_the_brackets(change: object) -> None:
    assert callable(change)
    assert SIGNER.read_return_path(change(PATH)) == (3, 12)


@given(st.integers(8, 47), st.sampled_from("0123456789abcdef"))
def test_a_return_path_with_one_other_digit_is_refused(position: int, digit: str) -> None:
    forged = PATH[:position] + digit + PATH[position + 1 :]
    assert (SIGNER.read_return_path(forged) is not None) == (forged == PATH)


@pytest.mark.parametrize(
    "path",
    [
        "",
        BOUNCES,
        "bounces+@example.org",
        PATH.partition("+")[2],
        PATH.replace("+", "-"),
        PATH.replace("@", "0@"),
        STRANGER.return_path(3, 12, BOUNCES),
        f"{PATH},{PATH}",
        "bounces+" + "f" * 40 + "@example.org",
    ],
)
def test_what_is_no_return_path_of_ours_is_refused(path: str) -> None:
    assert SIGNER.read_return_path(path) is None


def test_a_return_path_made_before_a_key_was_added_is_still_read() -> None:
    assert SIGNER.read_return_path(Signer({1: b"first" * 8}).return_path(3, 12, BOUNCES)) == (3, 12)


def test_what_was_signed_for_a_link_opens_no_return_path() -> None:
    for purpose in Purpose:
        raw = urlsafe_b64decode(SIGNER.token(Ticket(purpose, 12, 3)))
        body, mac = raw[:1] + raw[2:11], raw[11:21]
        assert SIGNER.read_return_path(f"bounces+{(body + mac).hex()}@example.org") is None


@given(mailings, subscribers)
def test_a_message_id_names_its_delivery(mailing: int, subscriber: int) -> None:
    assert SIGNER.read_message_id(SIGNER.message_id(mailing, subscriber, "example.org")) == (mailing, subscriber)


@pytest.mark.parametrize("text", [ID, ID.strip("<>"), ID.upper(), f" {ID}\n", ID.strip("<>").partition("@")[0]])
def test_a_message_id_is_read_with_and_without_brackets_and_domain(text: str) -> None:
    assert SIGNER.read_message_id(text) == (3, 12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "<3.12@example.org>",
        ID.replace("3.12.", "3.13."),
        ID.replace("<3.", "<03."),
        STRANGER.message_id(3, 12, "example.org"),
        ID + ID,
        "<CAF=somebody+else@mail.example.com>",
    ],
)
def test_what_is_no_message_id_of_ours_is_refused(text: str) -> None:
    assert SIGNER.read_message_id(text) is None


def test_a_message_id_is_read_by_whatever_key_signed_it() -> None:
    assert SIGNER.read_message_id(Signer({2: b"second" * 8}).message_id(3, 12, "example.org")) == (3, 12)


@given(st.text())
def test_any_text_may_be_handed_in(text: str) -> None:
    assert SIGNER.read_message_id(text) is None
    assert SIGNER.read_return_path(text) is None
