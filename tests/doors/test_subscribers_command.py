"""`newsletter subscribers`: the list on the command line, as people and scripts meet it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.store import database

if TYPE_CHECKING:
    from tests.support.told import Told

NEWSLETTER = "import sys; from newsletter.cli import main; sys.exit(main())"
SAMPLE = Path(__file__).parents[2] / "issues" / "subscribers.sample.csv"


def written(letter: Path, text: str) -> str:
    (letter / "list.csv").write_text(text, "utf-8")
    return "list.csv"


# ── import ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sample_list_is_taken_with_its_duplicate_and_the_one_who_left(letter: Path, told: Told) -> None:
    assert told.json("import", str(SAMPLE)) == {
        "rows": 40,
        "added": 38,
        "updated": 0,
        "unchanged": 0,
        "suppressed": 1,
        "invalid": 0,
        "duplicates": 1,
        "problems": [],
        "vendor": "",
        "advice": {"role": 0, "disposable": 0, "typos": 0},
        "warnings": [],
        "left_out": 0,
        "rejects": "",
    }
    assert told.json("import", str(SAMPLE))["unchanged"] == 38
    assert len(told.json("list")) == 39
    assert len(told.json("list", "--status", "active")) == 38


def test_a_broken_row_is_told_with_its_line_and_the_others_are_taken(letter: Path, told: Told) -> None:
    file = written(letter, "email,name\nana@example.org,Ana\nbo at example.org,Bo\ncy@example.org,Cy\n")
    assert told.by("import", file) == 0
    assert "2  added" in told.out
    assert "1  wrong, and not taken" in told.out
    assert "list.csv:3: bo at example.org: the address has no @" in told.err
    report = told.json("import", file)
    assert report["problems"] == [{"line": 3, "email": "bo at example.org", "reason": "the address has no @"}]
    assert report["unchanged"] == 2


def test_a_list_without_a_column_of_addresses_is_refused_and_makes_no_database(letter: Path, told: Told) -> None:
    file = written(letter, "name,e_mial\nAna,ana@example.org\n")
    assert told.by("import", file) == 3
    assert "list.csv:1: no column is called email; the header names: name, e_mial" in told.err
    assert "did you mean 'e_mial'?" in told.err
    assert not (letter / "newsletter.db").exists()


def test_a_list_of_nothing_but_wrong_rows_is_refused(letter: Path, told: Told) -> None:
    assert told.by("import", written(letter, "email\nnobody\n"), "--json") == 3
    assert json.loads(told.out)["invalid"] == 1


def test_a_dry_run_shows_what_each_column_means_and_stores_nothing(letter: Path, told: Told) -> None:
    file = written(letter, "Adresse e-mail;Prénom;Ville\nana@example.org;Ana;Nantes\n")
    assert told.by("import", file, "--dry-run") == 0
    assert "Adresse e-mail → email" in told.out
    assert "Prénom → first_name" in told.out
    assert "Ville → fields.ville" in told.out
    assert "Dry run, nothing was stored: of 1 row in list.csv" in told.out
    assert told.json("list") == []


def test_a_list_can_come_from_standard_input(letter: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO("email;Ville\nana@example.org;Évian\n".encode("cp1252")))
    )
    assert told.json("import", "-")["added"] == 1
    assert told.json("show", "ana@example.org")["fields"] == {"ville": "Évian"}
    assert told.json("show", "ana@example.org")["source"] == "import:standard input"


def test_many_problems_are_shown_up_to_twenty_and_all_of_them_in_json(letter: Path, told: Told) -> None:
    file = written(letter, "email\nana@example.org\n" + "nobody\n" * 50)
    assert told.by("import", file) == 0
    assert told.err.count("the address has no @") == 20
    assert "and 30 more" in told.err
    assert len(told.json("import", file)["problems"]) == 50


def test_a_list_without_rows_is_said_to_be_one(letter: Path, told: Told) -> None:
    assert told.by("import", written(letter, "email,first_name\n")) == 0
    assert "list.csv: below the names of the columns, this list has no row" in told.err
    assert told.out == ""


def test_a_missing_list_and_a_folder_are_refused(letter: Path, told: Told) -> None:
    assert told.by("import", "nowhere.csv") == 3
    assert "nowhere.csv: there is no such file" in told.err
    written(letter, "email\n")
    assert told.by("import", "list.csw") == 3
    assert "did you mean 'list.csv'?" in told.err
    assert told.by("import", ".") == 3
    assert "this is a folder, not a list" in told.err


def test_a_locked_database_ends_an_import_with_the_code_for_stopped(
    letter: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.by("import", str(SAMPLE))
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(letter / "newsletter.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert told.by("import", str(SAMPLE)) == 4
        assert "newsletter.db: the database is locked by another process" in told.err
        assert told.by("list", "-q") == 0
    assert told.by("import", str(SAMPLE)) == 0


def test_control_c_keeps_what_is_stored_and_the_next_import_goes_on(letter: Path, told: Told) -> None:
    lines_of = [f"person{number}@example.org\n" for number in range(400_000)]
    file = written(letter, "email\n" + "".join(lines_of))
    running = subprocess.Popen(
        [sys.executable, "-c", NEWSLETTER, "subscribers", "import", file],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    assert running.stderr is not None
    with running, running.stderr as lines:
        # It tells each tenth, so the first line is the sign that batches are stored.
        assert "Importing" in lines.readline()
        os.kill(running.pid, signal.SIGINT)
        rest = lines.read()
    assert running.returncode == 4, rest
    stored = re.search(r"([\d,]+) rows are stored", rest)
    assert stored
    number = int(stored[1].replace(",", ""))
    assert 40_000 <= number < len(lines_of)
    Path(file).write_text("email\n" + "".join(lines_of[: number + 1000]))  # the rest of them would only take longer
    report = told.json("import", file)
    assert (report["unchanged"], report["added"]) == (number, min(1000, len(lines_of) - number))


# ── one person ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_is_added_shown_and_taken_off(letter: Path, told: Told) -> None:
    assert told.by(
        "add", "Ana@Example.org", "--first-name", "Ana", "--last-name", "Pérez", "--language", "fr", "--tag", "a,b",
        "--tag", "c", "--field", "Ville=Saint-Malo = ici",
    ) == 0  # fmt: skip
    assert told.out == "Ana@example.org is on the list\n"
    shown = told.json("show", "ana@example.ORG")
    assert shown.pop("joined")
    assert (
        shown
        | {
            "email": "Ana@example.org",
            "first_name": "Ana",
            "last_name": "Pérez",
            "name": "",
            "language": "fr",
            "status": "active",
            "suppressed": "",
            "tags": ["a", "b", "c"],
            "fields": {"ville": "Saint-Malo = ici"},
            "source": "command line",
            "issues": [],
            "changes": [],
            "sent": [],
            "heard": [],
        }
        == shown
    )
    assert [(each["how"], each["source"]) for each in shown["consents"]] == [("command line", "command line")]
    assert told.by("show", "ana@example.org") == 0
    assert "      fields  ville: Saint-Malo = ici" in told.out.splitlines()
    assert told.by("unsubscribe", "ANA@example.org") == 0
    assert told.out == "Ana@example.org gets nothing any more\n"
    assert told.by("unsubscribe", "ana@example.org") == 0
    assert told.out == "Ana@example.org had left already\n"
    shown = told.json("show", "ana@example.org")
    assert (shown["status"], shown["suppressed"]) == ("unsubscribed", "unsubscribed")


def test_a_slip_in_an_address_is_told_and_the_person_is_added(letter: Path, told: Told) -> None:
    assert told.by("add", "ana@gmial.com") == 0
    assert "ana@gmial.com: did you mean ana@gmail.com?" in told.err
    assert told.json("show", "ana@gmial.com")["status"] == "active"


def test_who_has_left_cannot_be_added_again(letter: Path, told: Told) -> None:
    told.by("add", "ana@example.org")
    told.by("unsubscribe", "ana@example.org")
    assert told.by("add", "ana@example.org") == 3
    assert "only the person can come back" in told.err
    assert told.json("import", written(letter, "email\nana@example.org\n"))["suppressed"] == 1


def test_who_is_on_the_list_is_not_added_twice(letter: Path, told: Told) -> None:
    told.by("add", "ana@example.org")
    assert told.by("add", "ANA@example.org") == 3
    assert "is on the list already" in told.err


def test_an_unknown_address_is_kept_off_the_list_and_said_to_be_unknown(letter: Path, told: Told) -> None:
    assert told.by("unsubscribe", "nobody@example.org") == 0
    assert "was not on the list; from now on no import can put it there" in told.err
    assert told.by("show", "nobody@example.org") == 3
    assert "is not on the list; it is suppressed since" in told.err
    assert told.by("show", "other@example.org") == 3
    assert "nobody with the address other@example.org is on the list" in told.err


@pytest.mark.parametrize("command", ["add", "show", "unsubscribe"])
def test_what_is_no_address_is_refused(letter: Path, told: Told, command: str) -> None:
    assert told.by(command, "ana") == 3
    assert "the address 'ana' has no @" in told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "ana@example.org", "--field", "city"), "NAME=TEXT"),
        (("add", "ana@example.org", "--field", "=x"), "NAME=TEXT"),
        (("add", "ana@example.org", "--language", "???"), "is no language code"),
        (("list", "--status", "gone"), "active"),
        (("lst",), "did you mean 'list'?"),
    ],
)
def test_wrong_usage_is_told_as_such(letter: Path, told: Told, arguments: tuple[str, ...], words: str) -> None:
    assert told.by(*arguments) == 2
    assert words in told.err


# ── list and export ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_is_limited_by_a_segment_and_a_mistake_in_it_is_shown(letter: Path, told: Told) -> None:
    told.by("import", str(SAMPLE))
    found = told.json("list", "--segment", 'tag:volunteer and city = "Nantes" and joined before 2024-10-01')
    assert [person["email"] for person in found] == ["ana.perez@example.org", "charlotte.besson@example.org"]
    assert told.by("list", "--segment", "tag:board") == 0
    assert told.out.splitlines()[0].split() == [
        "charlotte.besson@example.org", "active", "Charlotte", "Besson", "(volunteer,", "board)",
    ]  # fmt: skip
    assert told.err == "2 subscribers\n"
    assert told.by("list", "--segment", "cty = Nantes") == 3
    assert "    cty = Nantes\n    ^\n" in told.err
    assert "did you mean 'city'?" in told.err


def test_without_a_list_one_is_told_how_to_make_it(letter: Path, told: Told) -> None:
    for command in (["list"], ["show", "ana@example.org"], ["export"]):
        assert told.by(*command) == 4
        assert "there is no database here yet" in told.err
    assert not (letter / "newsletter.db").exists()


def test_an_export_comes_back_unchanged(letter: Path, told: Told) -> None:
    told.by("import", str(SAMPLE))
    told.by("add", "zed@example.org", "--name", '=HYPERLINK("http://x.example";"Zed")')
    assert told.by("export", "-o", "out.csv") == 0
    assert told.out == "40 subscribers in out.csv\n"
    assert (letter / "out.csv").stat().st_mode & 0o777 == 0o600
    before = told.json("list")
    assert told.by("export") == 0
    assert told.out == (letter / "out.csv").read_text("utf-8-sig")
    (letter / "newsletter.db").rename(letter / "old.db")
    report = told.json("import", "out.csv")
    assert (report["added"], report["suppressed"], report["invalid"]) == (39, 1, 0)
    source = {"source": "import:out.csv"}
    assert told.json("list") == [person | source for person in before]


def test_suppressed_addresses_are_exported_on_their_own(letter: Path, told: Told) -> None:
    told.by("add", "ana@example.org")
    told.by("unsubscribe", "never@example.org")
    assert told.by("export", "--suppressed") == 0
    assert told.out == "email,status\nnever@example.org,unsubscribed\n"
    assert told.by("export", "--suppressed", "-o", "out.csv") == 0
    assert told.out == "1 suppressed address in out.csv\n"


def test_an_export_into_a_folder_that_does_not_exist_says_so(letter: Path, told: Told) -> None:
    told.by("add", "ana@example.org")
    assert told.by("export", "-o", "nowhere/out.csv") == 4
    assert "nowhere/out.csv" in told.err
