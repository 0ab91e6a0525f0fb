"""The compiled message, held against the standard library's parser for any value that a slot may take."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.edition import Choice, Edition, Expression, Slot, Where, fill
from newsletter.message import Compiled, Frame, Mailbox, list_id

if TYPE_CHECKING:
    from email.message import EmailMessage

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
URL = "https://letter.example.org/unsubscribe/AQEAAAAwOQAAAAdKZnMNCAoOkySZXeL5G6uh"

EDITION = Edition(
    subject=("For ", Slot(0, Where.PLAIN), " – été"),
    preheader=(),
    html=(
        "<!doctype html>\n<p>Salut ",
        Slot(0, Where.HTML),
        ',</p>\n.dot\nFrom here <a title="',
        Slot(0, Where.ATTRIBUTE),
        '" href="',
        Slot(1, Where.URL),
        '">leave</a> <a href="https://example.org/?who=',
        Slot(0, Where.URL_PART),
        '">x</a>\n',
        Choice(2, (("<p>yes ", Slot(0, Where.HTML), "</p>"), ("<p>no</p>",))),
        "\n</html>\n",
    ),
    text=("Salut ", Slot(0, Where.PLAIN), ",\n.dot\nFrom here\n-- \n", Slot(1, Where.PLAIN), "\n"),
    expressions=(Expression(("name",)), Expression(("unsubscribe_url",)), Expression(("x", ""), is_choice=True)),
    language="fr",
    title="Hello",
)
FRAME = Frame(
    sender=Mailbox("letter@example.org", "Élodie Durand, (Éditions)"),
    reply_to="bonjour@example.org",
    list_title="La lettre",
    list_id=list_id("letter@example.org"),
    unsubscribe_email="letter@example.org",
    return_path="letter@example.org",
)
COMPILED = Compiled(EDITION, FRAME)


def compose(name: str, *, to: Mailbox | None = None, branch: str = "0") -> bytes:
    message = COMPILED.compose(
        7,
        to or Mailbox("zoe@example.org", "Zoé"),
        (name, URL, branch),
        message_id="<1.7.0123456789abcdef@example.org>",
        date=NOW,
        unsubscribe_url=URL,
    )
    return message.data


def parse(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=default)


def test_the_headers_of_a_list_are_complete_and_each_stands_once() -> None:
    message = parse(compose("Zoé"))
    assert message.defects == []
    assert {name: message.get_all(name) for name in ("From", "To", "Subject", "Reply-To", "Date", "Message-ID")} == {
        "From": ['"Élodie Durand, (Éditions)" <letter@example.org>'],
        "To": ["Zoé <zoe@example.org>"],
        "Subject": ["For Zoé – été"],
        "Reply-To": ["bonjour@example.org"],
        "Date": ["Sat, 21 Nov 2026 08:00:00 +0000"],
        "Message-ID": ["<1.7.0123456789abcdef@example.org>"],
    }
    assert message["List-Id"] == "La lettre <letter.example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(message.keys()) == len(set(message.keys()))


def test_one_click_unsubscribing_has_one_https_address_and_a_mailto() -> None:
    unsubscribe = parse(compose("Zoé"))["List-Unsubscribe"]
    token = URL.rpartition("/")[2]
    assert unsubscribe == f"<{URL}>, <mailto:letter@example.org?subject=unsubscribe%20{token}>"


def test_the_https_address_of_list_unsubscribe_stays_on_one_line() -> None:
    assert f"List-Unsubscribe: <{URL}>,\r\n".encode() in compose("Zoé")


def test_the_text_comes_first_and_both_parts_are_quoted_printable() -> None:
    message = parse(compose("Zoé"))
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text["Content-Type"] == 'text/plain; charset="utf-8"; format="flowed"; delsp="no"'
    assert html.get_content_type() == "text/html"
    assert {part["Content-Transfer-Encoding"] for part in (text, html)} == {"quoted-printable"}


def test_a_choice_shows_the_branch_that_its_value_names_and_else_nothing() -> None:
    html = [str(parse(compose("Zoé", branch=b)).get_body(("html",))) for b in ("0", "1", "-1")]
    assert "<p>yes =\nZo=C3=A9=\n</p>" in html[0]
    assert "<p>no</p>" in html[1]
    assert "yes" not in html[2]
    assert "<p>no" not in html[2]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(
    [
        "a\r\nBcc: eve@example.org",
        ".",
        "\n.\r\n",
        "x" * 10_000,
        "👩‍👩‍👧‍👦" * 50,
        "שלום עולם",
        "{{7*7}}",
        "%recipient.x%",
        '"><script>alert(1)</script>',
        "From here",
        "javascript:alert(1)",
    ]
)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(names)
def test_any_value_arrives_as_itself_and_changes_nothing_else(name: str) -> None:
    data = compose(name)
    message = parse(data)
    assert message.defects == []
    values = (name, URL, "0")
    one_line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", name)
    assert message["Subject"] == fill(EDITION.subject, values)
    assert len(message.keys()) == 12
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == fill(EDITION.text, values)
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content().replace("\r\n", "\n").removesuffix("\n") == fill(EDITION.html, values).removesuffix("\n")
    reader = Reader()
    reader.feed(html.get_content())
    assert [tag for tag, _ in reader.tags] == ["p", "a", "a", "p"]
    assert reader.tags[1][1] == {"title": one_line, "href": URL}
    assert f"Salut {one_line}," in reader.text


@given(names)
def test_every_message_is_fit_for_the_wire(name: str) -> None:
    data = compose(name)
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        assert len(line) <= 998
        assert not line.startswith(b".")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_name_of_a_recipient_can_add_a_header(name: str) -> None:
    try:
        message = parse(compose("x", to=Mailbox("zoe@example.org", name)))
    except ValueError:
        return  # refused: a control character
    assert len(message.keys()) == 12
    assert message["To"].addresses[0].addr_spec == "zoe@example.org"


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"U\+D800"):
        compose("\ud800")


def test_a_test_is_marked_as_one() -> None:
    frame = Frame(
        **{name: getattr(FRAME, name) for name in Frame.__slots__} | {"subject_prefix": "[Test] ", "is_test": True}
    )
    message = Compiled(EDITION, frame).compose(
        1, Mailbox("me@example.org"), ("Zoé", URL, "0"), message_id="<1@example.org>", date=NOW, unsubscribe_url=URL
    )
    assert parse(message.data)["Subject"] == "[Test] For Zoé – été"
    assert parse(message.data)["X-Newsletter-Test"] == "yes"


def test_the_address_to_unsubscribe_by_mail_may_have_any_letter() -> None:
    frame = replace(FRAME, unsubscribe_email="élise?&%@example.org")
    message = Compiled(EDITION, frame).compose(
        1, Mailbox("me@example.org"), ("Zoé", URL, "0"), message_id="<1@example.org>", date=NOW, unsubscribe_url=URL
    )
    assert "<mailto:%C3%A9lise%3F%26%25@example.org?subject=unsubscribe" in parse(message.data)["List-Unsubscribe"]
