"""All that is kept about a person: seen and deleted by a link that is mailed to the address, by no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.actions.confirm import Deed
from newsletter.store.mailings import mailings_of
from newsletter.store.notices import Kind, take
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = 'fields = ["first_name", "city"]\ntopics = ["walks", "concerts"]'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, WEB) as served:
        yield served


def test_the_link_comes_by_mail_and_opens_the_page(tmp_path: Path) -> None:
    with Served(tmp_path, WEB, mail=True) as served:
        reader = served.reader(language="fr")
        said = served.post(served.path("preferences", reader), {"do": "data"}).text
        assert "Un message est en route vers z…" in said
        message = served.mailed(1)
        assert message.recipients == ("zoe@example.org",)
        assert message.parsed["Subject"] == "Vos données chez The Letter & Co"
        [path] = [link for link in served.links(message) if link.startswith("/data/")]
        page = served.get(path).text
        assert "zoe@example.org" in page
        assert f'href="{path}/export"' in page
        assert f'href="{path}/forget"' in page


def test_who_has_left_can_ask_for_it_too_and_nobody_too_often(served: Served) -> None:
    reader = served.reader()
    served.post(served.path("unsubscribe", reader), {"List-Unsubscribe": "One-Click"})
    answers = {served.post(served.path("preferences", reader), {"do": "data"}).text for _ in range(5)}
    assert len(answers) == 1
    assert [notice.kind for notice in take(served.database, 100, served.parts.now)] == [Kind.OWN_DATA] * 3
    served.clock.pass_by(days=1, seconds=1)
    served.post(served.path("preferences", reader), {"do": "data"})
    assert len(take(served.database, 100, served.parts.now)) == 4  # the first three are taken again: they were not sent


def test_all_that_is_kept_can_be_taken_along(served: Served) -> None:
    reader = served.reader(first_name="Zoé", tags=("walks",), fields={"city": "Nantes", "iq": "9"}, source="form")
    served.post(served.path("preferences", reader), {"do": "save", "city": "Brest"})
    answer = served.get(f"{served.own_data(reader)}/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    told = answer.json()
    entry = told["entry"]
    assert (entry["email"], entry["first_name"], entry["tags"]) == ("zoe@example.org", "Zoé", ["walks"])
    assert entry["fields"] == {"city": "Brest", "iq": "9"}
    assert "unsubscribed: you have left" in told["meanings"]["entry.status"]
    assert [each["what"] for each in told["changes"]] == ["fields.city"]
    assert mailings_of(served.database) == []
    assert told["sent"] == []


def test_who_is_deleted_is_gone_after_being_asked_once_more(served: Served) -> None:
    reader = served.reader(fields={"city": "Nantes"})
    path = served.own_data(reader)
    before = served.snapshot()
    assert "Delete everything?" in served.get(f"{path}/forget").text
    assert served.snapshot() == before
    assert "Everything is deleted" in served.post(f"{path}/forget").text
    assert served.people.by_id(reader.id) is None
    assert "zoe@" not in "\n".join(served.snapshot())
    assert served.people.suppression("zoe@example.org") is not None
    preferences = served.path("preferences", reader)
    for gone in (path, f"{path}/export", f"{path}/forget", preferences):
        assert served.get(gone).status_code == 410
    assert served.post(f"{path}/forget").status_code == 410
    assert served.post(preferences, {"do": "save"}).status_code == 410
    assert served.post(preferences, {"do": "data"}).status_code == 410
    # The link in old mails still answers, and has nothing to do.
    assert served.post(served.path("unsubscribe", reader), {"List-Unsubscribe": "One-Click"}).status_code == 200


def test_visits_change_nothing_and_no_other_token_opens_it(served: Served) -> None:
    reader = served.reader()
    path, preferences = served.own_data(reader), served.path("preferences", reader)
    before = served.snapshot()
    for address in (path, f"{path}/export", f"{path}/forget"):
        assert served.get(address).status_code == 200
        assert served.ask("HEAD", address).status_code == 200
    ticket = preferences.rpartition("/")[2]
    confirm = served.own_data(reader, Deed.CONFIRM)
    for address in (f"/data/{ticket}", confirm, f"{path[:-1]}", "/data/x"):
        for page in ("", "/export", "/forget"):
            assert served.get(f"{address}{page}").status_code == 410
        assert served.post(f"{address}/forget").status_code == 410
    # What opens the preferences, and may have been forwarded, is not enough for any of it.
    for page in ("export", "forget"):
        assert served.get(f"{preferences}/{page}").status_code == 404
        assert served.post(f"{preferences}/{page}").status_code in (404, 405)
    assert served.get(path.replace("/data/", "/confirm/")).status_code == 410
    assert served.snapshot() == before
    served.clock.pass_by(hours=24, seconds=2)
    assert served.get(path).status_code == 410
