"""An event's way: from a line of an issue into a calendar file that every reader has, or finds on the web."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from tests.support.author import HELLO

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.support.author import Author

BODY = """\
Hello {{ subscriber.first_name | default("you") }}.

::event[A walk up & down]{date=2026-12-06 time=10:30 end=16:00 place="Les Lilas"}
"""


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue that has an event in it, and two readers."""
    author.issue(BODY)
    author.settings('language = "en"', 'language = "en"\ntimezone = "Europe/Paris"')
    for email in ("ana@example.org", "zoe@example.org"):
        author.reader(email)
    return author


def summaries(message: EmailMessage) -> list[tuple[str, Any]]:
    """What a calendar program finds in the files that are attached."""
    contents = [str(part.get_content()) for part in message.iter_attachments()]
    return [(str(event["SUMMARY"]), event.start) for each in contents for event in Calendar.from_ical(each).events]


def test_every_reader_gets_the_event_for_the_calendar(ready: Author) -> None:
    with ready.inbox() as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 0
        messages = [message.parsed for message in inbox.wait(2)]
    for message in messages:
        assert [part.defects for part in message.walk()] == [[]] * 5
        assert [part.get_filename() for part in message.iter_attachments()] == ["a-walk-up-down.ics"]
        moment = datetime(2026, 12, 6, 10, 30, tzinfo=ZoneInfo("Europe/Paris"))
        assert summaries(message) == [("A walk up & down", moment)]


def test_the_mail_links_to_the_event_in_the_archive(ready: Author) -> None:
    with ready.inbox() as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 0
        html = inbox.wait(2)[0].parsed.get_body(("html",))
    assert html is not None
    (path,) = re.findall(r'href="https://letter\.example\.org/([^"]+\.ics)"', html.get_content())
    assert ready.run("archive", "build", "public").code == 0
    (event,) = Calendar.from_ical((ready.folder / "public" / path).read_bytes()).events
    assert event["SUMMARY"] == "A walk up & down"


def test_an_issue_that_is_not_for_the_archive_has_its_event_attached_alone(ready: Author) -> None:
    ready.issue(BODY, head='title: "Hello"\narchive: false')
    page = ready.run("render", HELLO).out
    assert '.ics"' not in page
    assert "open a-walk-up-down.ics, which is attached" in page


def test_the_plan_says_what_is_attached(ready: Author) -> None:
    answer = ready.run("publish", HELLO, "--dry-run")
    assert re.search(r"With  attached: a-walk-up-down\.ics", answer.out)


def test_the_rest_get_the_event_that_was_planned(ready: Author) -> None:
    with ready.sink():
        pass  # gone, and its port with it
    assert ready.run("publish", HELLO, "--yes").code == 4
    ready.issue(BODY.replace("10:30", "11:30"))
    with ready.inbox() as inbox:
        answer = ready.run("resume", HELLO)
        assert answer.code == 3
        assert "has changed since its sending began" in answer.err
        assert ready.run("resume", HELLO, "--as-planned").code == 0
        one, other = (summaries(message.parsed) for message in inbox.wait(2))
    assert one == other
    assert one[0][1].hour == 10


def test_where_images_lie_in_a_folder_the_file_does_too(ready: Author) -> None:
    with ready.config.open("a", encoding="utf-8") as config:
        config.write('\n[images]\nbase_url = "https://letter.example.org/i"\n')
    (path,) = re.findall(r'href="https://letter\.example\.org/i/([^"]+\.ics)"', ready.run("render", HELLO).out)
    assert re.fullmatch(r"a-walk-up-down-[0-9a-f]{10}\.ics", path)
    (event,) = Calendar.from_ical((ready.folder / "public" / "images" / path).read_bytes()).events
    assert event["LOCATION"] == "Les Lilas"
    assert "attached" not in ready.run("publish", HELLO, "--dry-run").out
    text = ready.run("render", HELLO, "--format", "text").out
    assert f"Add it to your calendar: https://letter.example.org/i/{path}" in " ".join(text.split())


def test_a_zone_that_is_none_is_refused_with_the_nearest(ready: Author) -> None:
    ready.settings("Europe/Paris", "Europe/Pariss")
    answer = ready.run("render", HELLO)
    assert answer.code == 3
    assert "newsletter.toml:4:12: timezone is no time zone: 'Europe/Pariss'" in answer.err
    assert "did you mean 'Europe/Paris'?" in answer.err
