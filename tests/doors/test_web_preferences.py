"""What people see and change of their own entry, with the link that every message carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.links import Purpose, Ticket
from newsletter.subscriber import Status
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = 'fields = ["first_name", "city"]\ntopics = ["walks", "concerts"]'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, WEB) as served:
        yield served


def test_the_page_shows_what_is_known_and_hides_the_address(served: Served) -> None:
    reader = served.reader(first_name="Zoé", language="fr", tags=("vip", "walks"), fields={"city": "Nantes", "iq": "9"})
    page = served.get(served.path("preferences", reader)).text
    assert "Vos préférences" in page
    assert "z…\u2060@example.org" in page
    assert "zoe@example.org" not in page
    assert 'value="Zoé"' in page
    assert 'value="Nantes"' in page
    assert 'value="walks" checked' in page
    assert 'value="concerts">' in page
    assert "vip" not in page  # the author's own tags and fields are the author's
    assert "iq" not in page


def test_what_is_saved_is_stored_and_nothing_else_can_be_set(served: Served) -> None:
    reader = served.reader(first_name="Zoé", tags=("vip", "walks"), fields={"city": "Nantes", "iq": "9"})
    wanted = {
        "do": "save", "language": "fr", "first_name": "Zoë", "city": "", "topics": "yes", "topic": ["concerts", "boss"],
        "iq": "200", "status": "active", "email": "other@example.org",
    }  # fmt: skip
    answer = served.post(served.path("preferences", reader), wanted)
    assert "C’est enregistré." in answer.text
    person = served.people.by_id(reader.id)
    assert person is not None
    assert (person.email, person.language, person.first_name) == ("zoe@example.org", "fr", "Zoë")
    assert person.tags == ("vip", "concerts")
    assert dict(person.fields) == {"iq": "9"}
    assert [row[3] for row in served.rows("changes")] == ["first_name, language, tags, fields.city"]


def test_half_a_form_wipes_nothing(served: Served) -> None:
    reader = served.reader(first_name="Zoé", tags=("walks",), fields={"city": "Nantes"})
    served.post(served.path("preferences", reader), {"do": "save"})
    person = served.people.by_id(reader.id)
    assert person is not None
    assert (person.first_name, person.tags, dict(person.fields)) == ("Zoé", ("walks",), {"city": "Nantes"})


def test_a_pause_lasts_a_month_and_can_be_ended_before(served: Served) -> None:
    path = served.path("preferences", served.reader())
    assert "You get no issue before December 21, 2026." in served.post(path, {"do": "pause"}).text
    person = served.people.get("zoe@example.org")
    assert person is not None
    assert person.paused_until == served.parts.now + 30 * 86_400
    assert served.people.audience(now=served.parts.now).recipients == 0
    assert served.people.audience(now=person.paused_until + 1).recipients == 1
    assert "Pause for a month" in served.post(path, {"do": "resume"}).text
    assert served.people.audience(now=served.parts.now).recipients == 1


def test_who_has_left_sees_it_and_the_way_back(served: Served) -> None:
    reader = served.reader()
    served.post(served.path("unsubscribe", reader), {"List-Unsubscribe": "One-Click"})
    page = served.get(served.path("preferences", reader)).text
    assert "You do not receive" in page
    assert 'href="/subscribe"' in page
    assert "Pause for a month" not in page
    served.post(served.path("preferences", reader), {"do": "resume"})
    assert served.status() is Status.UNSUBSCRIBED


def test_visits_change_nothing_and_a_token_opens_one_persons_page_only(served: Served) -> None:
    reader, other = served.reader(), served.reader("other@example.org")
    path = served.path("preferences", reader)
    before = served.snapshot()
    for way in (path, f"{path}?do=pause", f"{path}?do=data"):
        assert served.get(way).status_code == 200
        assert served.ask("HEAD", way).status_code == 200
    assert served.snapshot() == before
    leave = served.parts.signer.token(Ticket(Purpose.UNSUBSCRIBE, other.id, 0))
    token = path.rpartition("/")[2]
    forged = f"{token[:-1]}{'B' if token.endswith('A') else 'A'}"
    for token in (leave, forged, "x"):
        assert served.get(f"/preferences/{token}").status_code == 404
        assert served.post(f"/preferences/{token}", {"do": "data"}).status_code == 404
    assert served.snapshot() == before


def test_the_pages_own_links_lead_to_the_pages(served: Served) -> None:
    reader = served.reader()
    page = served.get(served.path("preferences", reader, 5)).text
    leave = page.partition('href="/unsubscribe/')[2].partition('"')[0]
    assert served.parts.signer.read(leave, Purpose.UNSUBSCRIBE) == Ticket(Purpose.UNSUBSCRIBE, reader.id, 5)
