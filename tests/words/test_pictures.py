"""Pictures that travel inside a message: what the standard library's parser and any mail program find there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.edition import Edition, Expression, Slot, Where
from newsletter.message import Compiled, Frame, Mailbox
from newsletter.picture import Enclosed, Picture, enclose, self_contained

DOT = enclose(b"GIF89a a dot", "dot.gif", "image/gif")
PHOTO = enclose(bytes(range(256)) * 40, "photo-2.jpg", "image/jpeg")
FRAME = Frame(
    sender=Mailbox("letter@example.org", "The letter"),
    reply_to="",
    list_title="The letter",
    list_id="letter.example.org",
    unsubscribe_email="letter@example.org",
    return_path="letter@example.org",
)


def edition(*pictures: Enclosed) -> Edition:
    images = "".join(f'<img src="cid:{each.content_id}" />\n' for each in pictures)
    return Edition(
        subject=("Hello",),
        preheader=(),
        html=("<p>Hello ", Slot(0, Where.HTML), f"</p>\n{images}</html>\n"),
        text=("Hello ", Slot(0, Where.PLAIN), "\n"),
        expressions=(Expression(("name",)),),
        language="en",
        title="Hello",
        pictures=pictures,
    )


def compose(*pictures: Enclosed, name: str = "Zoé") -> EmailMessage:
    message = Compiled(edition(*pictures), FRAME).compose(
        7,
        Mailbox("zoe@example.org"),
        (name,),
        message_id="<1@example.org>",
        date=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
        unsubscribe_url="https://letter.example.org/unsubscribe/x",
    )
    return message_from_bytes(message.data, policy=default)


def shape(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


def test_the_text_comes_first_then_the_html_with_its_pictures() -> None:
    assert shape(compose(DOT, PHOTO)) == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/gif",
        "image/jpeg",
    ]


def test_without_pictures_the_message_is_what_it_was() -> None:
    assert shape(compose()) == ["multipart/alternative", "text/plain", "text/html"]


def test_the_related_part_says_which_of_its_parts_is_the_page() -> None:
    related = compose(DOT).get_payload(1)
    assert isinstance(related, EmailMessage)
    assert related.get_param("type") == "text/html"


def test_a_picture_is_inline_and_has_a_name_and_a_content_id_in_brackets() -> None:
    *_, picture = compose(PHOTO).walk()
    assert picture["Content-ID"] == f"<{PHOTO.content_id}>"
    assert picture["Content-Disposition"] == 'inline; filename="photo-2.jpg"'
    assert picture["Content-Transfer-Encoding"] == "base64"
    assert {len(line) for line in str(picture.get_payload()).splitlines()[:-1]} == {76}


@given(st.lists(st.binary(min_size=1, max_size=2_000), max_size=4, unique=True), st.text("aé.\r\n-=_ ", max_size=80))
def test_every_picture_arrives_whole_and_every_cid_leads_to_one(contents: list[bytes], name: str) -> None:
    pictures = [enclose(content, f"picture-{at}.png", "image/png") for at, content in enumerate(contents)]
    message = compose(*pictures, name=name)
    assert all(part.defects == [] for part in message.walk())
    html = message.get_body(("html",))
    assert html is not None
    named = re.findall(r'src="cid:([^"]+)"', html.get_content())
    parts = {part["Content-ID"].strip("<>"): part.get_content() for part in message.walk() if part["Content-ID"]}
    assert named == [each.content_id for each in pictures]
    assert parts == dict(zip(named, contents, strict=True))


def test_editions_with_different_pictures_are_different_mails() -> None:
    assert edition(DOT).fingerprint != edition(PHOTO).fingerprint
    assert edition(DOT).fingerprint != edition().fingerprint


def test_an_edition_without_pictures_keeps_the_fingerprint_of_those_that_knew_none() -> None:
    assert '"pictures"' not in edition().to_json()


def test_an_edition_and_its_pictures_come_back_from_what_is_kept() -> None:
    kept = {each.digest: each.content for each in (DOT, PHOTO)}
    again = Edition.from_json(edition(DOT, PHOTO).to_json(), content_of=kept.__getitem__)
    assert again == edition(DOT, PHOTO)
    assert [each.content for each in again.pictures] == [DOT.content, PHOTO.content]


def test_outside_of_a_message_the_page_holds_its_pictures_itself() -> None:
    html = self_contained(f'<img src="cid:{DOT.content_id}">', (DOT,))
    assert html == '<img src="data:image/gif;base64,R0lGODlhIGEgZG90">'


@pytest.mark.parametrize(
    ("asked", "most", "shown"),
    [
        (0, 536, (536, 268)),  # wider than the page: as wide as the page
        (0, 5000, (1200, 600)),  # never wider than it is
        (200, 536, (200, 100)),  # as the author asks
        (900, 536, (536, 268)),
    ],
)
def test_a_picture_is_shown_in_proportion_and_never_wider_than_there_is_room(
    asked: int, most: int, shown: tuple[int, int]
) -> None:
    assert Picture("cid:x", 1200, 600).shown(most, asked) == shown


def test_a_hairline_has_a_height() -> None:
    assert replace(Picture("cid:x", 1200, 1)).shown(100) == (100, 1)


# ── Attached files ───────────────────────────────────────────────────────────────────────────────────────────────────

WALK = enclose(
    "BEGIN:VCALENDAR\r\nSUMMARY:Fête\r\n".encode() * 20, "walk.ics", "text/calendar; charset=utf-8; method=PUBLISH"
)


def with_files(*pictures: Enclosed, files: tuple[Enclosed, ...] = (WALK,)) -> EmailMessage:
    message = Compiled(replace(edition(*pictures), files=files), FRAME).compose(
        7,
        Mailbox("zoe@example.org"),
        ("Zoé",),
        message_id="<1@example.org>",
        date=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
        unsubscribe_url="https://letter.example.org/unsubscribe/x",
    )
    return message_from_bytes(message.data, policy=default)


@pytest.mark.parametrize(
    ("pictures", "parts"),
    [
        ((), ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar"]),
        (
            (DOT,),
            [
                "multipart/mixed",
                "multipart/alternative",
                "text/plain",
                "multipart/related",
                "text/html",
                "image/gif",
                "text/calendar",
            ],
        ),
    ],
)
def test_a_file_is_attached_behind_all_that_is_read(pictures: tuple[Enclosed, ...], parts: list[str]) -> None:
    message = with_files(*pictures)
    assert shape(message) == parts
    assert not [defect for part in message.walk() for defect in part.defects]


def test_a_calendar_arrives_whole_and_says_that_it_is_published() -> None:
    (part,) = with_files(DOT).iter_attachments()
    assert part.get_payload(decode=True) == WALK.content
    assert part.get_filename() == "walk.ics"
    assert part["Content-Type"].params == {"charset": "utf-8", "method": "PUBLISH", "name": "walk.ics"}
    assert part.get_content_disposition() == "attachment"
    assert part["Content-ID"] is None


def test_the_body_of_a_message_with_files_is_what_it_is_without() -> None:
    bodies = [each.get_body(("html",)) for each in (with_files(), compose())]
    assert len({body.get_content() for body in bodies if body}) == 1


def test_an_edition_and_its_files_come_back_from_what_is_kept() -> None:
    kept = replace(edition(DOT), files=(WALK,))
    contents = {each.digest: each.content for each in (DOT, WALK)}
    back = Edition.from_json(kept.to_json(), content_of=contents.__getitem__)
    assert back == kept
    assert back.files[0].content == WALK.content
    assert kept.fingerprint != edition(DOT).fingerprint
