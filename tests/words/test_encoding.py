"""Headers and quoted-printable, held against the standard library's parser."""

from __future__ import annotations

import quopri
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.encoding import header, mailbox_header, quoted_printable, quoted_value

# Everything that may stand in a header: no control characters, no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=400)
spaced = texts.map(lambda text: " ".join(text.split()))


def parsed(raw: bytes, name: str) -> str:
    return str(message_from_bytes(raw + b"\r\n", policy=default)[name])


def parsed_mailbox(raw: bytes) -> tuple[str, str]:
    """Name and address, by the older parser: the newer one puts a space between two encoded words of a name."""
    phrase, address = parseaddr(raw.decode().partition(": ")[2].replace("\r\n", ""))
    return str(make_header(decode_header(phrase))), address


@given(spaced)
def test_a_subject_comes_back_as_it_was_written(text: str) -> None:
    raw = header("Subject", text)
    assert parsed(raw, "Subject") == text
    assert raw.endswith(b"\r\n")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert raw.isascii()


@given(spaced)
def test_a_name_comes_back_as_it_was_written(name: str) -> None:
    raw = mailbox_header("To", name, "zoe@example.org")
    assert parsed_mailbox(raw) == (name, "zoe@example.org")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", b"To: x@example.org\r\n"),
        ("Zoe", b"To: Zoe <x@example.org>\r\n"),
        ("O'Neil, Zoe", b'To: "O\'Neil, Zoe" <x@example.org>\r\n'),
        ('Zoe "Z" \\', b'To: "Zoe \\"Z\\" \\\\" <x@example.org>\r\n'),
        ("Élodie Durand, (Éditions)", b"To: =?utf-8?b?w4lsb2RpZSBEdXJhbmQsICjDiWRpdGlvbnMp?= <x@example.org>\r\n"),
        ("=?utf-8?q?not_a_word?=", None),
        ("Zoe" * 4000, None),
    ],
)
def test_a_name_is_written_in_the_plainest_form_that_holds_it(name: str, written: bytes | None) -> None:
    raw = mailbox_header("To", name, "x@example.org")
    assert written is None or raw == written
    assert parsed_mailbox(raw) == (name, "x@example.org")


@pytest.mark.parametrize("bad", ["a\r\nBcc: eve@example.org", "a\nb", "a\x00b", "a\u2028b", "a\ud800b", "a\x85b"])
def test_no_value_can_end_its_header(bad: str) -> None:
    with pytest.raises(ValueError, match="no header may hold"):
        header("Subject", bad)
    with pytest.raises(ValueError, match="no header may hold"):
        mailbox_header("To", bad, "x@example.org")


@pytest.mark.parametrize("bad", ["a b@example.org", "a@b>,<eve@example.org", "a@b\r\n", '"a"@example.org', ""])
def test_no_address_can_break_out_of_its_place(bad: str) -> None:
    with pytest.raises(ValueError, match="may hold"):
        mailbox_header("To", "Zoe", bad)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=2000), st.booleans())
def test_quoted_printable_decodes_to_the_same_text(text: str, soft_end: bool) -> None:
    raw = quoted_printable(text, soft_end=soft_end)
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    assert quopri.decodestring(raw.replace(b"\r\n", b"\n")).decode() == normal
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.startswith(b"From ")
        assert not line.endswith(b" ")
        assert b"  " not in line
        assert b"\t" not in line


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120), min_size=2, max_size=6))
def test_pieces_that_were_encoded_apart_join_into_one_line(pieces: list[str]) -> None:
    *first, last = pieces
    raw = b"".join(quoted_value(piece) for piece in first) + quoted_printable(last)
    assert quopri.decodestring(raw.replace(b"\r\n", b"\n")).decode() == "".join(pieces)
    assert all(len(line) <= 76 and not line.startswith(b".") for line in raw.split(b"\r\n"))


fragments = st.sampled_from(
    ["a", "F", "From ", ".", "=", "é", "👩‍👩‍👧", " ", "\t", "\u00a0", "x" * 37, "/unsubscribe/", "Zoé 12"]
)


@given(st.lists(fragments, max_size=8).map("".join) | st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_value_is_written_alike_by_the_short_way_and_the_careful_one(text: str) -> None:
    assert quoted_value(text) == quoted_printable(text, soft_end=True)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        quoted_value("\ud800")
