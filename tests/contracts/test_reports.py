"""What is heard by mail: every shape of report is read, only what we signed is proof, and nothing makes it stumble."""

from __future__ import annotations

import encodings
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.event import EventKind
from newsletter.links import Purpose, Signer, Ticket
from newsletter.reports import Reading, events_in, read_report

FOLDER = Path(__file__).with_name("reports")
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
SIGNER = Signer({1: b"first" * 8, 2: b"second" * 8})
CHARSETS = sorted(module.name for module in iter_modules(encodings.__path__))  # what Python can decode, and more
STRANGER = Signer({1: b"third" * 8})


def message(name: str, signer: Signer = SIGNER) -> bytes:
    """A message of the folder, as it was sent when `signer` signed the names in it."""
    path = signer.return_path(3, 12, "bounces@example.org")
    names = {
        "message_id": signer.message_id(3, 12, "example.org"),
        "envid": signer.message_id(3, 12, "example.org").strip("<>").partition("@")[0],
        "return_path": path,
        "RETURN_PATH": path.upper(),
        "token": signer.token(Ticket(Purpose.UNSUBSCRIBE, 12, 3)),
    }
    text = (FOLDER / f"{name}.eml").read_text("utf-8")
    for key, value in names.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return text.encode()


def told(reading: Reading) -> dict[str, Any]:
    """A reading as `expected.toml` writes it."""
    events = []
    for event in reading.events:
        bounce = event.bounce.value if event.bounce else "-"
        line = f"{event.kind.value} {bounce} {event.mailing}.{event.subscriber} {event.address or '-'} | {event.reply}"
        events.append(line.rstrip(" |"))
    forged = {"forged": True} if reading.forged else {}
    return {"is": reading.kind.value, **forged, **({"events": events} if events else {})}


def test_every_message_has_its_expectation() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.eml")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_is_read(name: str) -> None:
    assert told(read_report(message(name), SIGNER)) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_is_read_the_same_with_the_line_ends_of_the_wire(name: str) -> None:
    raw = message(name)
    assert read_report(raw.replace(b"\n", b"\r\n"), SIGNER) == read_report(raw, SIGNER)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_another_signed_proves_nothing(name: str) -> None:
    reading = read_report(message(name, STRANGER), SIGNER)
    assert [event for event in reading.events if event.is_proved] == []
    signed = message(name) != message(name, STRANGER)
    assert not (signed and reading.events), "an address beside a forged id is not believed"


def test_an_event_is_dated_as_its_report() -> None:
    (event,) = events_in(message("postfix-unknown"), SIGNER)
    assert event.at == datetime(2026, 11, 21, 8, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Sat, 99 Nov 2026 99:00:00 +0000", "Fri, 31 Dec 9999 23:59:00 -1400"]
)
def test_a_report_with_an_impossible_date_has_none(date: str) -> None:
    raw = message("postfix-unknown").replace(b"Date: Sat, 21 Nov 2026 08:00:05 +0000 (UTC)", f"Date: {date}".encode())
    (event,) = events_in(raw, SIGNER)
    assert event.at is None


def test_a_report_that_is_read_twice_gives_the_same_event() -> None:
    once, again = (events_in(message("postfix-unknown"), SIGNER) for _ in range(2))
    assert [event.id for event in once] == [event.id for event in again]


def test_two_reports_give_two_events() -> None:
    ids = [event.id for name in EXPECTED for event in events_in(message(name), SIGNER)]
    assert len(set(ids)) == len(ids) > 30


def test_the_id_of_an_event_is_that_of_its_report_wherever_it_was_delivered() -> None:
    raw = message("qmail").replace(b"Delivered-To: letter@example.org\n", b"Delivered-To: other@example.org\n")
    assert [event.id for event in events_in(raw, SIGNER)] == [event.id for event in events_in(message("qmail"), SIGNER)]


def test_a_report_is_read_however_much_it_returns() -> None:
    raw = message("postfix-unknown")
    assert read_report(raw + b"one more line\n" * 1_000_000, SIGNER) == read_report(raw, SIGNER)


# ── anything may come ────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.binary())
def test_any_bytes_are_read(raw: bytes) -> None:
    assert events_in(raw, SIGNER) == []


fragments = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=b\n",
        b"Content-Type: multipart/mixed; boundary=\"b\"\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/feedback-report\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"Subject: =?utf-8?B?////?= =?x?Q?=zz?=\n",
        b"From: MAILER-DAEMON\nSubject: failure notice\n",
        b"Final-Recipient: rfc822;\xff\xfe@\n",
        b"Action: failed\n",
        b"Status: 5.1.1\n",
        b"Diagnostic-Code: smtp; 550-5.1.1 \xe9\n 550\n",
        b"Feedback-Type: abuse\n",
        b"Date: \x00\n",
        b"\n",
        b"\n--b\n",
        b"\n--b--\n",
        b" ",
        b"\xff",
    ]
)  # fmt: skip


@given(st.lists(fragments | st.binary(max_size=8), max_size=40).map(b"".join))
def test_any_pieces_of_reports_in_any_order_are_read(raw: bytes) -> None:
    assert all(event.kind in EventKind and not event.is_proved for event in events_in(raw, SIGNER))


@given(
    st.sampled_from([*CHARSETS, "x", "rot13", "zlib", "unicode-1-1-utf-7", "UTF_7"]),
    st.lists(st.sampled_from([b"\\ud800", b"+2AA-", b"\0", b"\xff", b"\\", b"xn--a", b" "]) | st.binary(max_size=4)),
    st.sampled_from(["Subject: failure notice\nContent-Type: text/plain", "Content-Type: message/delivery-status"]),
)
def test_whatever_encoding_a_sender_names_what_is_read_can_be_stored(
    charset: str, pieces: list[bytes], kind: str
) -> None:
    strange = b"".join(pieces)
    raw = (
        b"From: MAILER-DAEMON\nX-Failed-Recipients: " + strange + b"bob@example.org\n"
        + f"{kind}; charset={charset}\n\n".encode()
        + b"Action: failed\nFinal-Recipient: rfc822; " + strange + b"bob@example.org: 550 5.1.1 no such user " + strange
    )  # fmt: skip
    for event in events_in(raw, SIGNER):
        for text in (event.id, event.address, event.reply.text, event.reply.enhanced):
            assert "\0" not in text, "PostgreSQL keeps none"
            assert text.encode("utf-8", "replace").decode() == text, "half of a surrogate pair has no UTF-8"


@pytest.mark.parametrize("charset", ["unicode_escape", "Raw-Unicode-Escape", "utf-7", "punycode", "idna", "undefined"])
def test_what_is_no_encoding_of_mail_is_not_used_as_one(charset: str) -> None:
    raw = f"From: MAILER-DAEMON\nSubject: failure notice\nContent-Type: text/plain; charset={charset}\n\n".encode()
    (event,) = events_in(raw + b"\\x61na@example.org: 550 5.1.1 no such user +AGE- \xff", SIGNER)
    assert (event.address, event.reply.text) == ("\\x61na@example.org", "no such user +AGE- y")


def test_an_encoding_of_mail_is_read() -> None:
    raw = b"From: MAILER-DAEMON\nSubject: failure notice\nContent-Type: text/plain; charset=koi8-r\n\n"
    (event,) = events_in(raw + "почта@пример.рф: 550 5.1.1 no".encode("koi8-r"), SIGNER)
    assert event.address == "почта@пример.рф"


@given(st.sampled_from(sorted(EXPECTED)), st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=4))
def test_a_damaged_report_is_read_as_far_as_it_goes(name: str, start: int, length: int, instead: bytes) -> None:
    raw = message(name)
    for event in events_in(raw[:start] + instead + raw[start + length :], SIGNER):
        assert (event.mailing, event.subscriber) in ((3, 12), (0, 0)), "damage never points at somebody else"


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 100_000,
        b"Content-Type: multipart/report; boundary=b\n" + b"\n--b\nContent-Type: message/delivery-status\n\n" * 100_000,
        b"Content-Type: multipart/report; boundary=" + b"b" * 5_000_000,
        b"Subject: " + b"=?utf-8?B?" * 500_000,
        b"Subject:" + b"\n " * 2_000_000,
        b"From: mailer-daemon\nSubject: failure notice\n\n" + b"a" * 5_000_000,
        b"From: mailer-daemon\nSubject: failure notice\n\n" + b"<1.1.0123456789abcdef@x>" * 200_000,
        b"From: mailer-daemon\nSubject: failure notice\n\n" + b"user !!!!!!!!" * 400_000,
        b"X-Failed-Recipients: " + b"a@" * 2_000_000,
        b"To: " + b"a+" * 2_000_000,
    ],
    ids=["nests", "parts", "boundary", "words", "folds", "letters", "ids", "marks", "addresses", "tags"],
)
def test_five_hostile_megabytes_are_soon_read(raw: bytes) -> None:
    assert [event for event in events_in(raw, SIGNER) if event.is_proved] == []
