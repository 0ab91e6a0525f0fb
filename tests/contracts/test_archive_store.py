"""What the archive shows: what was sent, as it was sent, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.actions.publish import check_address
from newsletter.errors import IssueError
from newsletter.mailing import MailingState
from newsletter.store.archive import address_of, published
from newsletter.web.archive import Shelf
from tests.support.archived import Archived
from tests.support.stores import new_list

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = "---\ntitle: Hello\nlang: en\n---\nIt begins."


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[Archived]:
    with new_list(tmp_path) as url, Archived(tmp_path, url=url) as made:
        yield made


def shown(archived: Archived) -> list[str]:
    return [each.slug for each in published(archived.database)]


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [
        ("planned", False),
        ("sending", True),
        ("finished", True),
        ("cancelled", False),
        ("scheduled", False),
        ("", False),
    ],
)
def test_an_issue_is_shown_once_its_sending_has_begun(archived: Archived, state: str, is_shown: bool) -> None:
    mailing = archived.planned("hello", HELLO)
    archived.set(mailing, state)
    assert shown(archived) == (["hello"] if is_shown else [])


def test_a_mailing_that_is_planned_shows_neither_its_page_nor_its_images(archived: Archived) -> None:
    mailing = archived.planned("hello", f"{HELLO}\n\n![A drawing](image.png)")
    archive = archived.archive
    assert archive.file("archive/hello/") is None
    assert not [path for path in archive.paths if "/-/" in path]
    assert b"Hello" not in b"".join(file.content for path in archive.paths if (file := archive.file(path)))
    archived.set(mailing, MailingState.SENDING.value)
    assert archive.refresh()
    assert archive.file("archive/hello/") is not None
    assert len([path for path in archive.paths if "/-/" in path]) == 1


def test_an_issue_that_its_author_keeps_out_is_not_there(archived: Archived) -> None:
    mailing = archived.sent("hello", HELLO.replace("lang: en", "lang: en\narchive: false"))
    assert shown(archived) == []
    assert address_of(archived.database, mailing) == "hello"


def test_what_is_shown_stays_as_it_was_sent_whatever_becomes_of_the_file(archived: Archived) -> None:
    archived.sent("hello", HELLO)
    archived.issue("hello", HELLO.replace("It begins.", "It was all different."))
    file = archived.archive.file("archive/hello/")
    assert file is not None
    assert b"It begins." in file.content


def test_of_several_mailings_of_an_issue_the_last_text_is_shown_under_the_first_day(archived: Archived) -> None:
    first = archived.sent("hello", HELLO)
    archived.sent("hello", HELLO.replace("It begins.", "It goes on."))
    (row,) = published(archived.database)
    assert row.at == first.planned_at
    file = archived.archive.file("archive/hello/")
    assert file is not None
    assert b"It goes on." in file.content


def test_a_later_mailing_that_is_only_planned_changes_nothing(archived: Archived) -> None:
    archived.sent("hello", HELLO)
    archived.planned("hello", HELLO.replace("It begins.", "It goes on."))
    file = archived.archive.file("archive/hello/")
    assert file is not None
    assert b"It begins." in file.content


def test_the_address_ends_with_the_slug_as_it_was_when_the_mail_went_out(archived: Archived) -> None:
    mailing = archived.sent("hello", HELLO.replace("lang: en", "lang: en\nslug: a-better-one"))
    archived.issue("hello", HELLO)
    assert shown(archived) == ["a-better-one"]
    assert address_of(archived.database, mailing) == "a-better-one"


def test_two_issues_cannot_have_one_address(archived: Archived) -> None:
    archived.planned("hello", HELLO)
    check_address(archived.database, archived.issue("hello", HELLO))
    with pytest.raises(IssueError, match="'hello' has the address /archive/hello") as caught:
        check_address(archived.database, archived.issue("again", HELLO.replace("lang: en", "slug: hello")))
    (problem,) = caught.value.problems
    assert (problem.line, problem.fix) == (3, "write another `slug` in the front matter")


def test_an_issue_cannot_take_the_place_of_a_feed(archived: Archived) -> None:
    with pytest.raises(IssueError, match=r"a feed has the address /archive/feed\.xml"):
        check_address(archived.database, archived.issue("feed", HELLO.replace("lang: en", "slug: feed.xml")))


def test_the_newest_issue_comes_first(archived: Archived) -> None:
    for name in ("one", "two", "three"):
        archived.sent(name, HELLO)
    assert shown(archived) == ["three", "two", "one"]


def test_a_server_sees_a_new_issue_a_second_later_and_keeps_its_pages_until_then(archived: Archived) -> None:
    archived.sent("one", HELLO)
    now = 0.0
    shelf = Shelf(archived.archive, look_again=1.0, clock=lambda: now)
    kept = shelf.file("archive/")
    archived.sent("two", HELLO)
    now = 0.9
    assert shelf.file("archive/") is kept
    assert shelf.file("archive/two/") is None
    now = 1.0
    assert shelf.file("archive/two/") is not None
    new = shelf.file("archive/")
    assert kept is not None
    assert new is not None
    assert new.etag != kept.etag
