"""`newsletter subscribers import`: what an author sees before, during and after, and the rows that come back."""

from __future__ import annotations

import io
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.support.told import Told, small_newsletter

VENDORS = Path(__file__).parents[1] / "contracts" / "vendors"
LIST = """\
Adresse e-mail;Prénom;Ville;Statut
zoe@example.org;Zoé;Nantes;abonné
lea@example;Léa;Nantes;
luc@example.org;"Luc;Brest;désabonné
karim@example.org;Karim;Rennes;en vacances
zoe@example.org;;;
"""


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newsletter in the current folder, with a list."""
    (tmp_path / "list.csv").write_text(LIST, "cp1252")
    return small_newsletter(tmp_path, monkeypatch, 'language = "fr"')


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys, "subscribers", "import")


# ── before ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_shows_each_column_with_an_example_and_what_becomes_of_the_rows(letter: Path, told: Told) -> None:
    assert told.by("list.csv", "--dry-run", "--map", "Ville=fields.city", "--map", "statut=-") == 0
    assert told.out.splitlines() == [
        "  Adresse e-mail → email  zoe@example.org",
        "  Prénom → first_name     Zoé",
        "  Ville → fields.city     Nantes",
        "  Statut → - (not read)   abonné",
        "Dry run, nothing was stored: of 5 rows in list.csv:",
        "        2  added",
        "        1  of an address that stands further up in the list",
        "        2  wrong, and not taken",
        "      2  added      zoe@example.org",
        "      3  invalid    lea@example",
        "      4  invalid    (no address)",
        "      5  added      karim@example.org",
        "      6  duplicate  zoe@example.org",
    ]
    assert not list(letter.glob("*.rejected*"))


def test_a_dry_run_shows_the_first_rows_and_all_of_them_when_asked(letter: Path, told: Told) -> None:
    (letter / "list.csv").write_text("email\n" + "".join(f"p{number}@example.org\n" for number in range(50)))
    told.by("list.csv", "--dry-run")
    assert told.out.count("  added      p") == 10
    assert "… and 40 more rows; --rows shows them." in told.err
    told.by("list.csv", "--dry-run", "--rows")
    assert told.out.count("  added      p") == 50


def test_a_script_gets_the_columns_and_the_outcome_of_every_row(letter: Path, told: Told) -> None:
    report = told.json("list.csv", "--dry-run")
    assert report["columns"][2] == {"column": "Ville", "meaning": "fields.ville", "example": "Nantes"}
    assert [row["outcome"] for row in report["outcomes"]] == ["added", "invalid", "invalid", "invalid", "duplicate"]
    assert "outcomes" not in told.json("list.csv")


def test_rows_are_shown_of_a_dry_run_only(letter: Path, told: Told) -> None:
    assert told.by("list.csv", "--rows") == 2
    assert "--rows goes with --dry-run" in told.err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Vile=fields.city", "did you mean 'Ville'?"),
        ("Ville=fristname", "did you mean 'first_name'?"),
        ("Ville", "COLUMN=MEANING"),
    ],
)
def test_a_mapping_that_makes_no_sense_stores_nothing(letter: Path, told: Told, said: str, words: str) -> None:
    told.by("list.csv", "--map", said)
    assert words.casefold() in (told.err + told.out).casefold()
    assert not told.json("list.csv", "--dry-run")["unchanged"]


# ── whose export ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tool_a_list_comes_from_is_said(letter: Path, told: Told) -> None:
    assert told.by(str(VENDORS / "ghost.csv")) == 0
    assert told.out.startswith("This is an export of Ghost.\n")
    assert told.json(str(VENDORS / "kit.csv"))["vendor"] == "Kit"


def test_the_files_of_a_zip_and_the_sheet_of_a_workbook_are_named(letter: Path, told: Told) -> None:
    book = Workbook()
    book.worksheets[0].append(["Read me"])
    sheet = book.create_sheet("Membres")
    for row in (["Courriel"], ["a@example.org"], ["wrong"]):
        sheet.append(row)
    book.save(letter / "list.xlsx")
    with zipfile.ZipFile(letter / "all.zip", "w") as archive:
        archive.write(letter / "list.xlsx", "old.xlsx")
        archive.writestr("new.csv", "email\nb@example.org\nworse\n")
        archive.writestr("notes.txt", "Nothing to see")
    assert told.by("all.zip") == 0
    assert told.out.splitlines()[:3] == [
        "  old.xlsx, Membres: sheet 'Membres'",
        "  new.csv: CSV, UTF-8",
        "  Not read: notes.txt",
    ]
    assert "all.zip (old.xlsx, Membres):3: wrong" in told.err
    assert (letter / "all.rejected.csv").read_text("utf-8-sig").splitlines() == [
        "rejected_because,Courriel,email",
        '"old.xlsx, Membres, line 3: the address has no @",wrong,',
        '"new.csv, line 3: the address has no @",,worse',
    ]


# ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_rows_come_back_in_a_list_that_can_be_mended_and_imported(letter: Path, told: Told) -> None:
    report = told.json("list.csv")
    assert (report["added"], report["invalid"], Path(report["rejects"]).name) == (1, 3, "list.rejected.csv")
    rejected = letter / "list.rejected.csv"
    assert rejected.stat().st_mode & 0o777 == 0o600
    header, *rows = rejected.read_text("utf-8-sig").splitlines()
    assert header == "rejected_because;Adresse e-mail;Prénom;Ville;Statut"
    assert [row.partition(": ")[0] for row in rows] == ["line 3", "line 4", "line 5"]
    assert rows[1].endswith(";luc@example.org;Luc;Brest;désabonné")
    rejected.write_text(
        rejected.read_text("utf-8-sig").replace("lea@example;", "lea@example.org;").replace("en vacances", "abonné")
    )
    assert told.by("list.rejected.csv") == 0
    assert told.out.splitlines() == [
        "Of 3 rows in list.rejected.csv:",
        "        2  added",
        "        1  suppressed: left, bounced or blocked, here or there",
    ]


def test_what_was_rejected_twice_takes_the_next_name(letter: Path, told: Told) -> None:
    told.by("list.csv")
    told.by("list.rejected.csv")
    assert sorted(path.name for path in letter.glob("*.rejected*")) == ["list.rejected-2.csv", "list.rejected.csv"]
    again = (letter / "list.rejected-2.csv").read_text("utf-8-sig")
    assert again.startswith("rejected_because;Adresse e-mail;Prénom")
    assert "line 4: the status 'en vacances'" in again


def test_a_file_is_not_overwritten_without_asking(letter: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    (letter / "bad.csv").write_text("mine")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"n\n")))
    assert told.by("list.csv", "--rejects", "bad.csv") != 0
    assert (letter / "bad.csv").read_text() == "mine"
    assert not told.json("list.csv", "--dry-run")["unchanged"], "nothing was stored, either"
    assert told.by("list.csv", "--rejects", "bad.csv", "--yes") == 0
    assert "rejected_because" in (letter / "bad.csv").read_text("utf-8-sig")


def test_a_list_without_a_wrong_row_leaves_no_file(letter: Path, told: Told) -> None:
    (letter / "list.csv").write_text("email\na@example.org\n")
    assert told.json("list.csv")["rejects"] == ""
    assert sorted(path.suffix for path in letter.iterdir()) == [".csv", ".db", ".toml"]


def test_who_left_in_a_file_of_mailchimps_is_not_active_in_the_file_of_rejected_rows(letter: Path, told: Told) -> None:
    with zipfile.ZipFile(letter / "audience.zip", "w") as archive:
        for kind in ("subscribed", "unsubscribed", "cleaned"):
            text = (VENDORS / f"mailchimp_{kind}.csv").read_text("utf-8").replace("@example.org", "@example")
            archive.writestr(f"{kind}.csv", text)
    assert told.by("audience.zip") == 3
    rejected = letter / "audience.rejected.csv"
    rejected.write_text(rejected.read_text("utf-8-sig").replace("@example,", "@example.org,"))
    report = told.json("audience.rejected.csv")
    assert (report["vendor"], report["added"], report["suppressed"], report["invalid"]) == ("Mailchimp", 2, 3, 0)


def test_a_pipe_is_read_once_and_whole(letter: Path, told: Told) -> None:
    os.mkfifo(letter / "pipe")
    text = "email\n" + "".join(f"p{number}@example.org\n" for number in range(20_000))
    writer = threading.Thread(target=(letter / "pipe").write_text, args=(text,))
    writer.start()
    report = told.json("pipe")
    writer.join()
    assert (report["rows"], report["added"]) == (20_000, 20_000)


def test_what_lies_in_the_current_folder_is_not_taken_for_a_module(letter: Path, told: Told) -> None:
    (letter / "marshal.py").write_text("raise SystemExit")
    (letter / "newsletter").mkdir()
    (letter / "newsletter" / "__init__.py").write_text("raise SystemExit")
    book = Workbook()
    book.worksheets[0].append(["email"])
    book.worksheets[0].append(["a@example.org"])
    book.save(letter / "list.xlsx")
    assert told.json("list.xlsx")["added"] == 1


# ── what is worth a look ─────────────────────────────────────────────────────────────────────────────────────────────


def test_slips_offices_and_addresses_for_an_hour_are_told_and_nobody_is_refused(letter: Path, told: Told) -> None:
    (letter / "list.csv").write_text(
        "email,status\nzoe@gmial.com,\ninfo@example.org,\nx@yopmail.com,\nluc@hotmial.fr,unsubscribed\n"
    )
    report = told.json("list.csv")
    assert (report["added"], report["advice"]) == (3, {"role": 1, "disposable": 1, "typos": 1})
    assert report["warnings"] == [{"line": 2, "email": "zoe@gmial.com", "reason": "did you mean zoe@gmail.com?"}]
    told.by("list.csv")
    assert "Worth a look: 1 of an office" in told.err
    assert "list.csv:2: zoe@gmial.com: did you mean zoe@gmail.com?" in told.err
