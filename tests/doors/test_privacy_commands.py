"""`subscribers export-person`, `forget`, `expire` and `scrub`: answers that somebody waits for, and that ask first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.cli import main
from tests.support.told import Told

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def letter(letter: Path) -> Path:
    """With a reader."""
    assert main(["subscribers", "add", "ana@example.org", "--consent", "at the fair", "--quiet"]) == 0
    return letter


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys, "subscribers", now=NOW)


@pytest.mark.usefixtures("letter")
def test_a_persons_story_is_told_in_order(told: Told) -> None:
    assert told.by("show", "ana@example.org") == 0
    lines = told.out.splitlines()
    assert lines[0] == "       email  ana@example.org"
    assert [line[22:] for line in lines[-2:]] == [
        "joined        command line",
        "agreed        command line at the fair",
    ]


def test_an_export_goes_to_a_file_for_its_reader_alone(letter: Path, told: Told) -> None:
    assert told.by("export-person", "ANA@example.org", "-o", "ana.json") == 0
    assert (letter / "ana.json").stat().st_mode & 0o777 == 0o600
    kept = json.loads((letter / "ana.json").read_text())
    assert kept["consents"][0]["page"] == "at the fair"
    assert kept["exported_at"] == "2026-11-21T12:00:00Z"
    assert told.by("export-person", "ana@example.org") == 0
    assert json.loads(told.out) == kept


@pytest.mark.usefixtures("letter")
@pytest.mark.parametrize("command", ["export-person", "show"])
def test_of_a_stranger_nothing_is_kept(told: Told, command: str) -> None:
    assert told.by(command, "stranger@example.org") == 3
    assert "stranger@example.org" in told.err


@pytest.mark.usefixtures("letter")
def test_to_forget_asks_first_and_nobody_there_is_no_yes(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert told.by("forget", "ana@example.org") == 0
    assert "Nothing was changed" in told.out
    assert told.by("forget", "ana@example.org", "--dry-run") == 0
    assert told.out == "Dry run, nothing was changed: 1 person would go.\n"
    assert told.by("show", "ana@example.org") == 0


@pytest.mark.usefixtures("letter")
def test_who_is_forgotten_is_gone_and_stays_out(told: Told) -> None:
    assert told.by("forget", "ana@example.org", "stranger@example.org", "--yes") == 0
    assert told.out == "Forgotten: 1 person.\n"
    assert "nothing is kept about stranger@example.org" in told.err
    assert told.by("list") == 0
    assert told.out == ""
    assert told.by("add", "ana@example.org") == 3
    assert "only the person can come back" in told.err
    assert told.by("forget", "stranger@example.org", "--yes") == 3


@pytest.mark.usefixtures("letter")
def test_forgetting_tells_of_itself_in_json(told: Told) -> None:
    assert told.by("forget", "ana@example.org", "--yes", "--json") == 0
    assert json.loads(told.out) == {
        "people": 1, "addresses": 0, "unknown": [], "clean": True, "copies": [], "dry_run": False
    }  # fmt: skip


def test_copies_that_still_know_a_person_are_named(letter: Path, told: Told) -> None:
    (letter / "newsletter.db.before-0005").touch()
    assert told.by("forget", "ana@example.org", "--yes") == 0
    assert "newsletter.db.before-0005" in told.err


@pytest.mark.usefixtures("letter")
def test_time_takes_away_who_was_silent_for_three_years(told: Told) -> None:
    later = NOW + timedelta(days=3 * 366)
    soon = NOW + timedelta(days=3 * 365 - 30)
    assert told.by("expire", "--dry-run", now=soon) == 0
    assert "1  will be silent for as long within 90 days" in told.out
    assert "--segment 'last_active not in the last 1005 days'" in told.err
    assert told.by("expire", "--dry-run", now=later) == 0
    assert "1  gave no sign of life for 3 years" in told.out
    assert told.by("expire", "--yes", now=later) == 0
    assert told.out.splitlines()[-1] == "Deleted: 1 person."
    assert told.by("list") == 0
    assert told.out == ""


@pytest.mark.usefixtures("letter")
def test_expiring_tells_of_itself_in_json_and_takes_a_time_in_words(told: Told) -> None:
    assert told.by("expire", "--after", "18 months", "--yes", "--json") == 0
    assert json.loads(told.out) == {
        "silent": 0, "unconfirmed": 0, "soon": 0, "kept": 1, "sealed": 0, "clean": True, "dry_run": False
    }  # fmt: skip
    assert told.by("expire", "--after", "soon") == 2
    assert "write it as in 3y" in told.err


@pytest.mark.usefixtures("letter")
def test_the_file_can_be_scrubbed_by_itself(told: Told) -> None:
    assert told.by("scrub") == 0
    assert "Nothing of what was deleted is left" in told.out
