"""`newsletter segments`, and segments wherever a command takes one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.actions.plan import make_plan
from newsletter.actions.publish import freeze
from newsletter.cli import main
from newsletter.issue import parse_issue
from newsletter.store.database import open_database
from newsletter.store.mailings import tally_of
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Subscriber
from tests.support.sending import EDITION

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[newsletter]
title = "Letter"
language = "en"

[fields]
born = "date"
member = "boolean"
size = ["Small", "Large"]

[segments]
volunteers = 'tag:volunteer'
adults = 'segment:volunteers and born before 2008-01-01'
"""
PEOPLE = """\
email,tags,born,status
ana@example.org,volunteer,1990-05-01,
bo@example.org,volunteer,2012-01-01,
cy@example.org,,,
di@example.org,volunteer,1980-01-01,unsubscribed
ed@example.org,volunteer,1980-01-01,pending
"""


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    (tmp_path / "newsletter.toml").write_text(SETTINGS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    assert main(["subscribers", "import", "people.csv", "--quiet"]) == 0
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main(arguments) == code, capsys.readouterr().err
    out, err = capsys.readouterr()
    return out, err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(run(capsys, *arguments, "--json")[0])


@pytest.mark.usefixtures("letter")
def test_the_segments_with_a_name_are_listed_with_how_many_they_reach(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "segments")[0].splitlines() == [
        "volunteers          2  tag:volunteer",
        "adults              1  segment:volunteers and born before 2008-01-01",
    ]
    assert as_json(capsys, "segments")[1] == {
        "name": "adults",
        "rule": "segment:volunteers and born before 2008-01-01",
        "recipients": 1,
    }


@pytest.mark.usefixtures("letter")
@pytest.mark.parametrize("rule", ["volunteers", "segment:volunteers", "tag:volunteer"])
def test_a_segment_is_shown_by_its_name_or_its_rule(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    shown = as_json(capsys, "segments", "show", rule)
    assert shown["recipients"] == 2
    left_out = {"outside": 1, "paused": 0, "pending": 1, "unsubscribed": 1, "suppressed": 0}
    assert shown["left_out"] == left_out
    assert shown["samples"] == ["ana@example.org", "bo@example.org"]


@pytest.mark.usefixtures("letter")
def test_addresses_do_not_go_into_a_file_by_accident(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "segments", "show", "volunteers")
    assert out.splitlines()[0] == "An issue for this segment would go to 2 readers."
    assert "@" not in out


@pytest.mark.usefixtures("letter")
def test_a_mistake_is_shown_with_its_place_and_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(capsys, "segments", "show", "segment:voluntears and tag:a", code=3)
    assert "there is no segment 'voluntears'\n    segment:voluntears and tag:a\n            ^" in err
    assert "did you mean 'volunteers'?" in err
    _, err = run(capsys, "subscribers", "list", "--segment", "received 2026-10-hello", code=3)
    assert "no issue '2026-10-hello' was sent" in err


def test_a_named_segment_that_does_not_fit_the_list_is_told_and_stops_no_other(
    letter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (letter / "newsletter.toml").open("a") as settings:
        settings.write("lost = 'shoe_size = 42'\n")
    out, err = run(capsys, "segments")
    assert "lost                –  shoe_size = 42" in out.splitlines()
    assert "in the segment 'lost', nothing is called 'shoe_size'" in err


@pytest.mark.usefixtures("letter")
def test_a_value_that_does_not_fit_its_field_is_refused_when_a_person_is_added(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, err = run(capsys, "subscribers", "add", "fy@example.org", "--field", "size=Lrge", code=2)
    assert "size: 'Lrge' is none of the choices; did you mean 'Large'?" in err
    run(capsys, "subscribers", "add", "fy@example.org", "--field", "size=LARGE", "--field", "born=1 May 1990",
        "--field", "member=no")  # fmt: skip
    (shown,) = as_json(capsys, "subscribers", "list", "--segment", "born = 1990-05-01 and size = large")
    assert shown["fields"] == {"size": "Large", "born": "1990-05-01"}
    assert as_json(capsys, "segments", "show", "member")["recipients"] == 0


def test_a_segment_is_decided_when_the_audience_is_frozen() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with open_database("sqlite://") as database:
        people = Subscribers(database)
        people.add(Subscriber("ana@example.org", tags=("a",), joined=now), int(now.timestamp()))
        issue = parse_issue("---\ntitle: Hello\n---\nHi", "2026-11-hello.md")
        plan = make_plan(database, issue, EDITION, "tag:a", now=int(now.timestamp()))
        mailing = freeze(database, plan, sender="x", transport="x", revision=None, now=now)
        people.add(Subscriber("bo@example.org", tags=("a",)), int(now.timestamp()))
        with database.transaction() as connection:
            connection.execute("UPDATE subscribers SET tags = '[]' WHERE canonical = 'ana@example.org'")
        assert tally_of(database, mailing.id).planned == 1
        with database.reading() as connection:
            assert connection.execute("SELECT subscriber_id FROM deliveries").fetchall() == [(1,)]
