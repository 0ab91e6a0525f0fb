"""Fields with a type, on the form and in the preferences: the right input, and an answer that fits or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.served import SETTINGS, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS = """
[fields]
born = { type = "date", label = { fr = "Né·e le", en = "Born on" } }
size = { choices = ["Small", "Large"], public = true }
member = { type = "boolean", label = "I am a member", public = true }
children = { type = "number", public = true }
iq = "number"
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, 'fields = ["first_name", "born", "member"]', settings=SETTINGS + FIELDS) as served:
        yield served


def test_the_form_asks_for_each_type_in_its_way_and_by_its_label(served: Served) -> None:
    page = served.get("/subscribe").text
    assert '<input type="date" id="field-2" name="born"' in page
    assert '<label class="choice"><input type="checkbox" id="field-3" name="member" value="yes"> I am a member' in page
    assert "Born on" in page
    assert "Né·e le" in served.get("/subscribe?lang=fr").text
    assert "size" not in page
    assert "type=&#34;date&#34;" in served.get("/embed/code").text or 'type="date"' in served.get("/embed/code").text


def test_preferences_show_what_the_form_asks_for_and_what_is_public(served: Served) -> None:
    reader = served.reader(fields={"size": "Large", "member": "yes", "iq": "9", "children": "2"})
    page = served.get(served.path("preferences", reader)).text
    assert "<option selected>Large</option>" in page
    assert 'name="member" value="yes" checked' in page
    assert 'inputmode="decimal" autocomplete="off" value="2"' in page
    assert "iq" not in page


def test_an_answer_is_kept_in_the_form_of_its_type(served: Served) -> None:
    reader = served.reader(fields={"member": "yes", "iq": "9"})
    wanted = {"do": "save", "born": "1990-05-01", "size": "large", "member": [""], "children": "2,50", "iq": "200"}
    assert served.post(served.path("preferences", reader), wanted).status_code == 200
    person = served.people.by_id(reader.id)
    assert person is not None
    assert dict(person.fields) == {"born": "1990-05-01", "size": "Large", "children": "2.5", "iq": "9"}
    served.post(served.path("preferences", reader), {"do": "save", "member": ["", "yes"]})
    person = served.people.by_id(reader.id)
    assert person is not None
    assert person.fields["member"] == "yes"


def test_an_answer_that_does_not_fit_is_asked_again_and_nothing_is_stored(served: Served) -> None:
    reader = served.reader(first_name="Zoé", fields={"children": "2"})
    before = served.snapshot()
    answer = served.post(
        served.path("preferences", reader), {"do": "save", "first_name": "Ann", "children": "<many>", "size": "Huge"}
    )
    assert answer.status_code == 422
    assert served.snapshot() == before
    assert 'value="Ann"' in answer.text
    assert 'value="&lt;many&gt;" aria-invalid="true"' in answer.text
    assert answer.text.count("This does not fit here.") == 2
    answer = served.post("/subscribe", {"email": "new@example.org", "born": "soon", "first_name": "Zoé"})
    assert answer.status_code == 422
    assert answer.text.count("This does not fit here.") == 1
    assert 'value="Zoé"' in answer.text
    assert served.snapshot() == before
