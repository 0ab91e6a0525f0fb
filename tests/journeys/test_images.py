"""A picture's way: from a file beside the issue into every reader's mailbox, and the same one to the last of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
import requests

from newsletter.inbox import Inbox
from tests.support.author import HELLO
from tests.support.images import drawing, exif, opened, photo, saved

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from tests.support.author import Author

BODY = """\
Hello {{ subscriber.first_name | default("you") }}.

![A sky](sky.jpg "Half past four.")

And a ![dot](dot.png).
"""


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue, its two images, and two readers."""
    author.issue(BODY)
    images(author).mkdir()
    (images(author) / "sky.jpg").write_bytes(saved(photo(2400, 1600), "JPEG", exif=exif(6)))
    (images(author) / "dot.png").write_bytes(saved(drawing(24, 24)))
    for email in ("ana@example.org", "zoe@example.org"):
        author.reader(email)
    return author


def images(author: Author) -> Path:
    return author.folder / "issues" / HELLO


def pictures(message: EmailMessage) -> dict[str, bytes]:
    """What the HTML shows, by what it calls it; each must be in the message, and all that is in it be shown."""
    html = message.get_body(("html",))
    assert html is not None
    parts = {part["Content-ID"][1:-1]: part.get_content() for part in message.walk() if part["Content-ID"]}
    shown = re.findall(r'src="cid:([^"]+)"', html.get_content())
    assert sorted(parts) == sorted(shown)
    return parts


def test_every_reader_gets_the_pictures_in_the_message(ready: Author) -> None:
    with ready.inbox() as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 0
        one, other = (message.parsed for message in inbox.wait(2))
    assert all(part.defects == [] for part in one.walk())
    assert pictures(one) == pictures(other)
    sizes = sorted(opened(content).size for content in pictures(one).values())
    assert sizes == [(24, 24), (1200, 1800)]


def test_the_plan_says_what_each_message_has_to_carry(ready: Author) -> None:
    answer = ready.run("publish", HELLO, "--dry-run")
    assert re.search(r"With  2 images, [0-9]+ kB in each message", answer.out)


def test_the_mailbox_shows_the_pictures(ready: Author) -> None:
    with Inbox(ready.folder / "mail", http_port=0) as inbox:
        ready.send_to(inbox.smtp_port)
        assert ready.run("test", HELLO, "--to", "me@example.org").code == 0
        (message,) = inbox.wait(1)
        page = requests.get(f"{inbox.url}messages/{message.key}/html", timeout=5).text
        (sky, *_) = re.findall(r'<img src="([^"]+)"', page)
        found = requests.get(urljoin(str(inbox.url), sky), timeout=5)
    assert found.headers["Content-Type"] == "image/jpeg"
    assert opened(found.content).size == (1200, 1800)


def test_to_look_at_an_issue_needs_no_message(ready: Author) -> None:
    page = ready.run("render", HELLO).out
    assert "cid:" not in page
    assert len(re.findall(r'<img src="data:image/(?:jpeg|png);base64,', page)) == 2


def test_the_rest_get_the_picture_that_was_planned(ready: Author) -> None:
    with ready.sink():
        pass  # gone, and its port with it
    assert ready.run("publish", HELLO, "--yes").code == 4
    (images(ready) / "sky.jpg").write_bytes(saved(drawing(300, 300), "JPEG"))
    (images(ready) / "dot.png").unlink()
    with ready.inbox() as inbox:
        answer = ready.run("resume", HELLO)
        assert answer.code == 3
        assert "the image 'dot.png' does not exist" in answer.err
        (images(ready) / "dot.png").write_bytes(saved(drawing(24, 24)))
        answer = ready.run("resume", HELLO)
        assert answer.code == 3
        assert "has changed since its sending began" in answer.err
        assert ready.run("resume", HELLO, "--as-planned").code == 0
        one, other = (message.parsed for message in inbox.wait(2))
    assert pictures(one) == pictures(other)
    assert max(opened(content).size for content in pictures(one).values()) == (1200, 1800)


def test_a_missing_picture_stops_everything_before_anybody_is_written_to(ready: Author) -> None:
    (images(ready) / "sky.jpg").rename(images(ready) / "heaven.jpg")
    with ready.inbox() as inbox:
        for command in (["publish", HELLO, "--yes"], ["test", HELLO, "--to", "me@example.org"], ["render", HELLO]):
            answer = ready.run(*command)
            assert answer.code == 3
            assert f"issues/{HELLO}.md:7:10: the image 'sky.jpg' does not exist" in answer.err
        assert inbox.messages() == []


def test_what_the_author_should_know_of_an_image_is_told(ready: Author) -> None:
    squares = [drawing(60, 60).rotate(90 * turn) for turn in range(3)]
    (images(ready) / "dot.png").write_bytes(saved(squares[0], "WEBP", save_all=True, append_images=squares[1:]))
    answer = ready.run("render", HELLO, "-o", "hello.html")
    assert answer.code == 0
    assert f"warning: issues/{HELLO}.md:9:14: the image 'dot.png' is animated" in answer.err


def test_pictures_in_a_folder_stay_out_of_the_message(ready: Author) -> None:
    with ready.inbox() as inbox:
        with ready.config.open("a", encoding="utf-8") as config:
            config.write('\n[images]\nbase_url = "https://letter.example.org/i"\n')
        assert ready.run("publish", HELLO, "--yes").code == 0
        message = inbox.wait(2)[0].parsed
    html = message.get_body(("html",))
    assert html is not None
    named = re.findall(r'src="https://letter\.example\.org/i/([^"]+)"', html.get_content())
    assert sorted(named) == sorted(path.name for path in (ready.folder / "public" / "images").iterdir())
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_pictures_that_are_linked_are_neither_read_nor_needed(ready: Author) -> None:
    with ready.config.open("a", encoding="utf-8") as config:
        config.write('\n[images]\nplace = "link"\n')
    (images(ready) / "sky.jpg").unlink()
    answer = ready.run("render", HELLO)
    assert answer.code == 0
    assert 'src="https://letter.example.org/sky.jpg"' in answer.out
