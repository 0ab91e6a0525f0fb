"""From a list in a file to subscribers and back: how lists are written, and what an import does and never does."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.actions import import_subscribers as module
from newsletter.actions.export_subscribers import export_subscribers, export_suppressed
from newsletter.actions.import_subscribers import import_subscribers
from newsletter.entry import Entry, ImportReport
from newsletter.errors import ListError, Stopped, StoreError
from newsletter.field import Field, Kind
from newsletter.sources.addresses import valid_address
from newsletter.sources.csv_list import LARGEST_CELL, CsvList
from newsletter.sources.list_advice import is_disposable, meant_domain
from newsletter.sources.list_columns import columns, header_of
from newsletter.sources.list_dates import day_comes_first, seconds
from newsletter.sources.list_entries import clean, entries, guarded, tags
from newsletter.sources.list_files import SubscriberList, open_list
from newsletter.sources.list_words import field_name, plain
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status, Subscriber, canonical
from newsletter.suppression import Reason
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
THEN = datetime(2025, 3, 4, tzinfo=UTC)


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with new_store(busy_seconds=0.05) as database:
        yield Subscribers(database)


def table(text: str | bytes) -> CsvList:
    content = text.encode() if isinstance(text, str) else text
    return CsvList(lambda: io.BytesIO(content), "list.csv")


def listed(text: str | bytes) -> SubscriberList:
    return SubscriberList("list.csv", [table(text)], [], ExitStack(), 0)


def take(people: Subscribers, text: str | bytes, *, dry_run: bool = False, now: int = NOW) -> ImportReport:
    return import_subscribers(people.database, listed(text), now=now, dry_run=dry_run)


def emails(people: Subscribers) -> list[str]:
    return [person.email for person, _ in people.iterate()]


def one(people: Subscribers, email: str) -> Subscriber:
    person = people.get(email)
    assert person is not None
    return person


def counted(report: ImportReport) -> dict[str, int]:
    """The counts that are not zero."""
    told = report.as_json()
    counts = {name: told[name] for name in ("added", "updated", "unchanged", "suppressed", "invalid", "duplicates")}
    assert told["rows"] == sum(counts.values())
    return {name: number for name, number in counts.items() if number}


# ── how lists are written ────────────────────────────────────────────────────────────────────────────────────────────

FRENCH = "Prénom;Nom;Adresse e-mail;Ville\r\nÉlodie;Durand, Cœur;elodie@example.org;Orléans\r\n"


@pytest.mark.parametrize(
    "content",
    [
        FRENCH.encode(),
        FRENCH.encode("utf-8-sig"),
        FRENCH.encode("cp1252"),
        FRENCH.encode("utf-16"),
        b"\xfe\xff" + FRENCH.encode("utf-16-be"),
        FRENCH.replace("\r\n", "\n").encode(),
        FRENCH.replace("\r\n", "\r").encode(),
        FRENCH.replace(";", "\t").encode(),
        FRENCH.replace(";", "|").encode(),
        ("sep=;\r\n" + FRENCH).encode("cp1252"),
        ("\r\n\r\n" + FRENCH + "\r\n;;;\r\n").encode(),
        FRENCH.replace("Durand, Cœur", '"Durand, Cœur"').replace(";", ",").encode(),
        FRENCH.replace("É", "E\u0301").encode(),
        FRENCH.replace("Adresse e-mail", " ADRESSE E-MAIL * ").encode(),
        FRENCH.encode() + "Noël;Fée;noel@example.org;Nîmes".encode("cp1252"),
    ],
    ids=[
        "UTF-8", "UTF-8 with BOM", "Windows-1252", "UTF-16", "UTF-16 big-endian", "LF", "CR", "tabs", "bars", "sep=",
        "blank lines", "commas", "decomposed accents", "shouted header", "one line in another encoding",
    ],
)  # fmt: skip
def test_a_list_is_read_as_it_comes_out_of_a_spreadsheet(people: Subscribers, content: bytes) -> None:
    report = take(people, content)
    assert report.problems == ()
    elodie = one(people, "elodie@example.org")
    assert (elodie.first_name, elodie.last_name, dict(elodie.fields)) == (
        "Élodie",
        "Durand, Cœur",
        {"ville": "Orléans"},
    )
    if report.counts.added == 2:
        assert one(people, "noel@example.org").display_name == "Noël Fée"


def test_a_list_of_nothing_but_addresses_is_a_list(people: Subscribers) -> None:
    assert counted(take(people, "email\nana@example.org\nbo@example.org")) == {"added": 2}


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("email", "email"), ("E-Mail", "email"), ("Email Address", "email"), ("Adresse e-mail", "email"),
        ("courriel", "email"), ("E-mail 1 - Value", "email"), ("Deine E-Mail Adresse", "email"), ("EMAIL", "email"),
        ("email,FIRSTNAME", "first_name"), ("email,Prénom", "first_name"), ("email,Vorname", "first_name"),
        ("email,Last Name", "last_name"), ("email,Nom de famille", "last_name"), ("email,Nom", "name"),
        ("email,Full name", "name"), ("email,langue", "language"), ("email,TAGS", "tags"), ("email,labels", "tags"),
        ("email,Statut", "status"), ("email,OPTIN_TIME", "joined"), ("email,created_at", "joined"),
        ("email,Inscrit le", "joined"), ("email,Date d’inscription", "joined"),
    ],
)  # fmt: skip
def test_the_usual_names_of_columns_are_known(header: str, meaning: str) -> None:
    found = columns(header.split(","), "list.csv")
    assert found.known[meaning] == len(header.split(",")) - 1
    assert found.fields == {}


def test_the_documented_name_of_a_column_goes_before_any_other_for_the_same() -> None:
    found = columns(["Mail", "Nom", "email", "Prénom", "Ville", "Ville", "", "Où ?"], "list.csv")
    assert found.known == {"email": 2, "last_name": 1, "first_name": 3}
    assert found.fields == {"mail": 0, "ville": 4, "ville_2": 5, "column_7": 6, "où": 7}


@pytest.mark.parametrize(
    ("content", "told", "fix"),
    [
        ("name,e_mial\nAna,ana@example.org", "the header names: name, e_mial", "did you mean 'e_mial'?"),
        ("name,city\nAna,Nantes", "no column is called email; the header names: name, city", "call the column"),
        ("ana@example.org,Ana\nbo@example.org,Bo", "the first line holds an address", "put a line above it"),
        ("", "the list is empty", "its first line names the columns"),
        ("\n\n", "the list is empty", ""),
        (b"\x00\x01\x02" * 100, "not a text file", ""),
        (b"%PDF-1.7", "this is a PDF", "ask for the list as CSV"),
        (b"\x89PNG\r\n\x1a\n", "this is a picture", "ask for the list as CSV"),
        (b"{\\rtf1\\ansi email}", "this is a text of a word processor", "save the list as CSV"),
        ('{"subscribers": []}', "this is JSON", ""),
        ("  <!doctype html><p>", "this is a web page", ""),
        ("x" * (LARGEST_CELL + 1), "the header cannot be read: a cell holds more than", ""),
        ('"email\nana@example.org', "the header cannot be read: a quotation mark", ""),
    ],
    ids=[
        "misspelt",
        "none",
        "no header",
        "empty",
        "blank",
        "binary",
        "PDF",
        "PNG",
        "RTF",
        "JSON",
        "HTML",
        "huge",
        "open quote",
    ],
)
def test_what_is_no_list_is_refused_with_what_was_found(
    content: str | bytes, told: str, fix: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ListError) as raised:
        open_list(path)
    (problem,) = raised.value.problems
    assert problem.path == str(path)
    assert told in problem.message
    assert fix in (problem.fix or "")


def test_a_file_that_is_not_there_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="there is no such file"):
        open_list(tmp_path / "nowhere.csv")
    with pytest.raises(ListError, match="this is a folder"):
        open_list(tmp_path)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_row_is_named_by_its_line_and_the_others_are_taken(people: Subscribers) -> None:
    report = take(
        people,
        "email,name,status\n"
        "ana@example.org,Ana,\n"
        "not an address,Bo,\n"
        'chloe@example.org,"Chloé\nof the\nthree lines",\n'
        ",Nobody,\n"
        "dj@example.org,DJ,sleeping\n"
        "eve@example.org,Eve,active,too much\n"
        "fay@example.org\n"
        "gus@localhost,Gus,\n",
    )
    assert emails(people) == ["ana@example.org", "chloe@example.org", "fay@example.org"]
    assert one(people, "chloe@example.org").name == "Chloé of the three lines"
    assert counted(report) == {"added": 3, "invalid": 5}
    assert [(problem.line, problem.email) for problem in report.problems] == [
        (3, "not an address"),
        (7, ""),
        (8, "dj@example.org"),
        (9, "eve@example.org"),
        (11, "gus@localhost"),
    ]
    reasons = [problem.reason for problem in report.problems]
    assert reasons[0] == "the address has no @"
    assert reasons[1] == "has no address"
    assert reasons[2].startswith("the status 'sleeping' is not known")
    assert "has 4 cells where the header has 3" in reasons[3]
    assert reasons[4].startswith("the address is not valid")


@pytest.mark.parametrize(
    ("rows", "lines_at_fault", "taken"),
    [
        ('a@example.org,"Ana\nb@example.org,Bo\nc@example.org,Cy\n', [2], "bc"),
        ('a@example.org,"Ana\nb@example.org,"Bo"\nc@example.org,Cy\n', [2], "bc"),
        ('a@example.org,Ana\nb@example.org,"Bo\n' + "c@example.org,Cy\n" * 9000, [3], "ac"),
        ('a@example.org,"Ana" Maria\nb@example.org,B"o\n', [], "ab"),
        ('a@example.org,Ana\nb@example.org,"Bo', [3], "a"),
        (f"a@example.org,{'x' * (LARGEST_CELL + 1)}\nb@example.org,Bo\n", [2], "b"),
        (f"a@example.org,Ana\nb@example.org,{'x' * 10_000_000}\n", [3], "a"),
    ],
    ids=["never closed", "closed by the next", "long after", "lenient", "at the end", "too large", "far too large"],
)
def test_a_row_that_cannot_be_read_spoils_no_other(
    people: Subscribers, rows: str, lines_at_fault: list[int], taken: str
) -> None:
    report = take(people, f"email,name\n{rows}")
    assert [problem.line for problem in report.problems] == lines_at_fault
    assert "".join(email[0] for email in emails(people)) == taken


def test_control_characters_become_spaces_and_reach_no_header_of_a_mail(people: Subscribers) -> None:
    take(people, 'email,name,city\nana@example.org,"Ana\r\nBcc: x@example.org\x00","\ufeffNan\tt\x1bes"\n')
    ana = one(people, "ana@example.org")
    assert ana.name == "Ana Bcc: x@example.org"
    assert ana.fields == {"city": "Nan t es"}


def test_an_address_with_a_control_character_is_wrong(people: Subscribers) -> None:
    report = take(people, 'email\n"ana@example.org\nbo@example.org"\n"a\x00b@example.org"\n')
    assert counted(report) == {"invalid": 2}
    assert emails(people) == []


def test_a_formula_is_only_text(people: Subscribers) -> None:
    take(people, 'email,name\nana@example.org,"=HYPERLINK(""http://x.example"")"\nbo@example.org,\'=1+1\n')
    assert one(people, "ana@example.org").name == '=HYPERLINK("http://x.example")'
    assert one(people, "bo@example.org").name == "=1+1"


def test_a_name_that_fits_into_no_header_is_left_out_and_told(people: Subscribers) -> None:
    report = take(people, f"email,name\nana@example.org,{'x' * 1001}\n")
    assert counted(report) == {"added": 1}
    assert [(problem.line, problem.email) for problem in report.problems] == [(2, "ana@example.org")]
    assert one(people, "ana@example.org").name == ""


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ana.B+news@Example.ORG", "Ana.B+news@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("zoé@example.org", "zoé@example.org"),
        ("a@b.co", "a@b.co"),
    ],
)
def test_an_address_is_stored_in_one_form(written: str, stored: str) -> None:
    assert valid_address(written) == stored
    assert valid_address(written) == stored  # the domain is remembered now


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "ana", "ana@", "@example.org", "ana@example", "ana@example..org", "ana@-example.org",
        "a b@example.org", ".ana@example.org", "ana.@example.org", "a..b@example.org", "ana@exa_mple.org",
        "Ana <ana@example.org>", "ana@example.org,bo@example.org", "ana@localhost", "ana@printer.local",
        "ana@[127.0.0.1]", '"a b"@example.org',
        "ana@example.org\n", "x" * 65 + "@example.org", "ana@" + "x" * 64 + ".org", "ana@" + "x." * 130 + "org",
        "x" * 10_000 + "@example.org", "mailto:ana@example.org", "ana@ab--cd.org", "ana@example.123",
        "ana@xn--zz--.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_both_ways(written: str) -> None:
    for _ in range(2):
        with pytest.raises(ListError):
            valid_address(written)


@given(
    st.one_of(
        st.from_regex(r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,12}@[a-zA-Z0-9.-]{1,20}\.[a-z]{1,5}", fullmatch=True),
        st.emails(),
        st.text(max_size=30).map(lambda text: f"{text}@example.org"),
    )
)
def test_the_quick_way_takes_nothing_that_the_thorough_one_refuses(written: str) -> None:
    from email_validator import EmailNotValidError, validate_email

    try:
        thorough = validate_email(written, check_deliverability=False)
    except EmailNotValidError:
        with pytest.raises(ListError):
            valid_address(written)
    else:
        assert valid_address(written) == f"{thorough.local_part}@{thorough.ascii_domain}"


@pytest.mark.parametrize(
    ("text", "day_first", "stored"),
    [
        ("2025-03-04", True, "2025-03-04T00:00:00"),
        ("2025-03-04 05:06:07", True, "2025-03-04T05:06:07"),
        ("2025-03-04T05:06:07Z", True, "2025-03-04T05:06:07"),
        ("2025-03-04T05:06:07+02:00", True, "2025-03-04T03:06:07"),
        ("2025-03-04 05:06:07 UTC", True, "2025-03-04T05:06:07"),
        ("2025-03-04T05:06:07.123Z", True, "2025-03-04T05:06:07"),
        ("2025-03-04 05:06:07.12 +0000 UTC", True, "2025-03-04T05:06:07"),
        ("2025-03-04 05:06:07.123456789 +0200 CEST", True, "2025-03-04T03:06:07"),
        ("04/03/2025", True, "2025-03-04T00:00:00"),
        ("04/03/2025", False, "2025-04-03T00:00:00"),
        ("4-3-2025 17:08", True, "2025-03-04T17:08:00"),
        ("4/3/25 5:08 PM", True, "2025-03-04T17:08:00"),
        ("3/4/2025, 12:08 a.m.", False, "2025-03-04T00:08:00"),
        ("04.03.2025", False, "2025-03-04T00:00:00"),
        ("04/03/2025 à 17h08", True, "2025-03-04T17:08:00"),
        ("Mar 4, 2025", True, "2025-03-04T00:00:00"),
        ("4 mars 2025", True, "2025-03-04T00:00:00"),
        ("1741064767", True, "2025-03-04T05:06:07"),
        ("1741064767000", True, "2025-03-04T05:06:07"),
        ("1969-12-31", True, "1969-12-31T00:00:00"),
    ],
)
def test_a_date_is_read_as_lists_write_it(text: str, day_first: bool, stored: str) -> None:
    assert datetime.fromtimestamp(seconds(text, day_first), UTC).replace(tzinfo=None).isoformat() == stored


@pytest.mark.parametrize("text", ["yesterday", "31/02/2025", "13/13/2025", "2025", "45720", "2025-02-30", "²/3/2025"])
def test_what_is_no_date_is_told_and_the_person_is_taken(people: Subscribers, text: str) -> None:
    report = take(people, f"email,joined\nana@example.org,{text}\nbo@example.org,2025-03-04\n")
    assert counted(report) == {"added": 2}
    (problem,) = report.problems
    assert (problem.line, problem.email) == (2, "ana@example.org")
    assert problem.reason.startswith("the date of joining was left out: ")
    assert one(people, "ana@example.org").joined == datetime.fromtimestamp(NOW, UTC)


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        ([], True),
        (["03/04/2025"], True),
        (["03/04/2025", "03/14/2025"], False),
        (["03/04/2025", "14/03/2025", "03/14/2025"], True),
        (["", "14.03.2025", "3/14/25 8:00 AM"], False),
    ],
)
def test_the_order_of_day_and_month_is_decided_for_the_whole_file(texts: list[str], day_first: bool) -> None:
    assert day_comes_first(iter(texts)) is day_first


def test_a_file_that_writes_months_first_is_read_so_throughout(people: Subscribers) -> None:
    take(people, "email,joined\nana@example.org,03/04/2025\nbo@example.org,03/14/2025\n")
    assert one(people, "ana@example.org").joined == THEN


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a;b", ("a", "b")),
        ("a, b ;a|c", ("a", "b", "c")),
        ('"A","B, C"', ("A", "B", "C")),
        (" ; ", ()),
        ("Board member", ("Board member",)),
        ("«\u202fa\u202f»;\u00a0b\u00a0'", ("«\u202fa\u202f»", "b")),
    ],
)
def test_tags_are_read_as_tools_write_them(cell: str, found: tuple[str, ...]) -> None:
    assert tags(cell) == found


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ("", Status.ACTIVE, None),
        ("active", Status.ACTIVE, None),
        ("Subscribed", Status.ACTIVE, None),
        ("Abonné", Status.ACTIVE, None),
        ("pending", Status.PENDING, None),
        ("En attente", Status.PENDING, None),
        ("unsubscribed", Status.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
        ("DÉSABONNÉ", Status.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
        ("cleaned", Status.ACTIVE, Reason.BOUNCED),
        ("spam", Status.UNSUBSCRIBED, Reason.COMPLAINED),
        ("blocklisted", Status.ACTIVE, Reason.MANUAL),
    ],
)
def test_a_status_in_the_words_of_any_tool_is_kept(
    people: Subscribers, said: str, status: Status, reason: Reason | None
) -> None:
    report = take(people, f"email,status\nana@example.org,{said}\n")
    assert one(people, "ana@example.org").status is status
    suppression = people.suppression("ana@example.org")
    assert (suppression and suppression.reason) == reason
    assert counted(report) == {"suppressed" if reason else "added": 1}


def test_languages_are_known_by_tag_and_by_name(people: Subscribers) -> None:
    report = take(
        people, "email,lang\na@example.org,FR\nb@example.org,pt_br\nc@example.org,Français\nd@example.org,??\n"
    )
    assert [person.language for person, _ in people.iterate()] == ["fr", "pt-BR", "fr", ""]
    assert [problem.line for problem in report.problems] == [5]


# ── what an import does, and never does ──────────────────────────────────────────────────────────────────────────────


def test_the_same_list_a_second_time_changes_nothing(people: Subscribers) -> None:
    text = "email,first_name,city,tags,joined\nana@example.org,Ana,Nantes,a;b,2025-03-04\nbo@example.org,Bo,,,\n"
    assert counted(take(people, text)) == {"added": 2}
    before = list(people.iterate())
    assert counted(take(people, text, now=NOW + 99)) == {"unchanged": 2}
    assert list(people.iterate()) == before


def test_what_is_new_is_added_to_what_is_known_and_an_empty_cell_erases_nothing(people: Subscribers) -> None:
    take(people, "email,first_name,last_name,city,tags,joined\nAna@example.org,Ana,Pérez,Nantes,a;b,2025-03-04\n")
    report = take(
        people, "email,first_name,last_name,city,shoes,tags,joined\nana@EXAMPLE.org,Anna,,,42,c;a,2026-01-01\n"
    )
    assert counted(report) == {"updated": 1}
    ana = one(people, "ana@example.org")
    assert (ana.email, ana.first_name, ana.last_name) == ("Ana@example.org", "Anna", "Pérez")
    assert ana.fields == {"city": "Nantes", "shoes": "42"}
    assert ana.tags == ("a", "b", "c")
    assert ana.joined == THEN
    assert ana.source == "import:list.csv"


def test_an_earlier_date_of_joining_is_the_original_one(people: Subscribers) -> None:
    take(people, "email\nana@example.org\n")
    take(people, "email,joined\nana@example.org,2025-03-04\n")
    assert one(people, "ana@example.org").joined == THEN


def test_an_address_twice_in_a_list_counts_once_whatever_its_case(people: Subscribers) -> None:
    report = take(people, "email,name\nana@example.org,Ana\nANA@Example.org,Other\n")
    assert counted(report) == {"added": 1, "duplicates": 1}
    assert one(people, "ana@example.org").name == "Ana"


def test_who_has_left_is_not_brought_back_by_any_list(people: Subscribers) -> None:
    take(people, "email\nana@example.org\n")
    people.unsubscribe("ana@example.org", now=NOW, source="one-click")
    people.unsubscribe("never@example.org", now=NOW, source="command line")
    report = take(people, "email,name,status\nAna@example.org,Ana,active\nnever@example.org,N,active\n")
    assert counted(report) == {"suppressed": 2}
    assert people.audience(now=NOW).recipients == 0
    assert people.get("never@example.org") is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["ana", "ANA", "bo", "cy"]), st.sampled_from(["", "active", "pending", "cleaned"]))
    ),
    st.sampled_from([Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.BOUNCED, Reason.MANUAL]),
)
@settings(max_examples=30)
def test_a_suppressed_address_stays_out_whatever_is_imported(rows: list[tuple[str, str]], reason: Reason) -> None:
    with new_store() as database:
        people = Subscribers(database)
        people.unsubscribe("ana@example.org", now=NOW, source="", reason=reason)
        text = "email,status\n" + "".join(f"{name}@example.org,{status}\n" for name, status in rows)
        report = take(people, text)
        assert report.counts.rows == len(rows)
        chosen = [person.email for person, why in people.iterate() if person.status is Status.ACTIVE and not why]
        assert "ana@example.org" not in map(canonical, chosen)
        assert people.audience(now=NOW).recipients == len(chosen)


@pytest.mark.parametrize("order", [("active", "unsubscribed"), ("unsubscribed", "active")])
@pytest.mark.parametrize("batch", [1, 10])
def test_in_a_list_that_contradicts_itself_the_wish_to_leave_counts(
    people: Subscribers, order: tuple[str, str], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", batch)
    report = take(people, f"email,status\nana@example.org,{order[0]}\nAna@example.org,{order[1]}\n")
    assert one(people, "ana@example.org").status is Status.UNSUBSCRIBED
    assert people.suppression("ana@example.org") is not None
    assert report.counts.duplicates == 1
    assert people.audience(now=NOW).recipients == 0


def test_who_has_not_confirmed_is_active_only_when_the_list_says_so(people: Subscribers) -> None:
    people.add(Subscriber("ana@example.org", status=Status.PENDING), NOW)
    assert counted(take(people, "email\nana@example.org\n")) == {"unchanged": 1}
    assert counted(take(people, "email,status\nana@example.org,pending\n")) == {"unchanged": 1}
    assert counted(take(people, "email,status\nana@example.org,active\n")) == {"updated": 1}
    assert counted(take(people, "email,status\nana@example.org,pending\n")) == {"unchanged": 1}
    assert one(people, "ana@example.org").status is Status.ACTIVE


def test_duplicates_are_found_across_batches(people: Subscribers, monkeypatch: pytest.MonkeyPatch) -> None:
    take(people, "email\nold@example.org\n")
    people.unsubscribe("gone@example.org", now=NOW, source="")
    monkeypatch.setattr(module, "BATCH", 2)
    text = "email\n" + "".join(f"{name}@example.org\n" for name in ["new", "old", "gone"] * 3)
    expected = {"added": 1, "unchanged": 1, "suppressed": 1, "duplicates": 6}
    assert counted(take(people, text, dry_run=True)) == expected
    assert counted(take(people, text)) == expected


def test_a_dry_run_counts_what_would_happen_and_stores_nothing(people: Subscribers) -> None:
    take(people, "email,name\nana@example.org,Ana\n")
    text = "email,name,city\nana@example.org,Anna,\nbo@example.org,Bo,Nantes\nbo@example.org,,\ncy@example.org,,\nx,,\n"
    with people.database.transaction():  # nobody is kept waiting, either
        report = take(people, text, dry_run=True)
    assert counted(report) == {"updated": 1, "added": 2, "duplicates": 1, "invalid": 1}
    assert emails(people) == ["ana@example.org"]
    assert people.field_names() == set()


def test_a_field_with_a_type_is_kept_as_its_type_wants_it_and_what_does_not_fit_is_left_out(
    people: Subscribers,
) -> None:
    types = {
        "member": Field("member", Kind.BOOLEAN),
        "born": Field("born", Kind.DATE),
        "shirt": Field("shirt", Kind.CHOICE, ("S", "M")),
    }

    def take_typed(text: str) -> ImportReport:
        return import_subscribers(people.database, listed(text), now=NOW, types=types)

    report = take_typed(
        "email,Member,Born,Shirt,City\nana@example.org,oui,4 mars 2001,m,Nantes\nbo@example.org,non,,XL,\n"
    )
    assert one(people, "ana@example.org").fields == {
        "member": "yes", "born": "2001-03-04", "shirt": "M", "city": "Nantes",
    }  # fmt: skip
    assert one(people, "bo@example.org").fields == {}
    assert [(problem.line, problem.reason[:31]) for problem in report.problems] == [
        (3, "the field shirt was left out: '"),
    ]
    assert counted(take_typed("email,Member\nana@example.org,\n")) == {"unchanged": 1}
    assert counted(take_typed("email,Member\nana@example.org,no\nbo@example.org,no\n")) == {
        "updated": 1,
        "unchanged": 1,
    }
    assert "member" not in one(people, "ana@example.org").fields


def test_the_fields_of_a_list_are_known_afterwards(people: Subscribers) -> None:
    take(people, "email,City,Shoe size\nana@example.org,Nantes,\n")
    assert people.field_names() == {"city"}
    take(people, "email,City,Shoe size\nana@example.org,Nantes,42\n")
    assert people.field_names() == {"city", "shoe_size"}


def test_a_stop_in_the_middle_keeps_all_batches_before_it(people: Subscribers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    text = "email\n" + "".join(f"p{number}@example.org\n" for number in range(35))

    def stop_at_30(rows: int) -> None:
        done.append(rows)
        if sum(done) == 30:
            raise KeyboardInterrupt

    done: list[int] = []
    with pytest.raises(Stopped, match=r"the first 30 rows are stored(?s:.*)run the import again"):
        import_subscribers(people.database, listed(text), now=NOW, progress=stop_at_30)
    assert people.count() == 30
    assert counted(take(people, text)) == {"unchanged": 30, "added": 5}


def test_a_locked_database_stops_an_import_and_says_so(people: Subscribers) -> None:
    with people.database.transaction(), pytest.raises(StoreError, match="locked by another process"):
        take(people, "email\nana@example.org\n")
    assert counted(take(people, "email\nana@example.org\n")) == {"added": 1}


@pytest.mark.soak_on_a_server
def test_memory_does_not_grow_with_the_list() -> None:
    import tracemalloc

    def rows(number: int) -> int:
        content = b"email,name,city\n" + b"".join(b"p%d@example.org,Ana,Nantes\n" % each for each in range(number))
        source = table(content)
        tracemalloc.start()
        taken = sum(1 for _ in entries(source, lambda problem: None))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken == number
        return peak

    rows(100)
    assert rows(40_000) < 1.5 * rows(15_000)


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def exported(people: Subscribers) -> str:
    file = io.StringIO()
    assert export_subscribers(people, file) == people.count()
    return file.getvalue()


def facts(people: Subscribers) -> list[tuple[object, ...]]:
    """All that an export has to carry."""
    return [
        (
            p.email,
            p.first_name,
            p.last_name,
            p.name,
            p.language,
            p.status,
            p.tags,
            p.joined,
            dict(p.fields),
            p.time_zone,
            reason,
        )
        for p, reason in people.iterate()
    ]


def test_an_export_has_the_documented_columns_then_the_fields(people: Subscribers) -> None:
    take(
        people,
        "email,first_name,city,tags,joined,status\nana@example.org,Ana,Nantes,a;b,2025-03-04T05:06:07Z,cleaned\n",
    )
    assert exported(people).splitlines() == [
        "email,first_name,last_name,name,language,status,tags,joined,time_zone,city",
        "ana@example.org,Ana,,,,bounced,a;b,2025-03-04T05:06:07Z,,Nantes",
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "=1+1",
        "+33 6",
        "-x",
        "@x",
        "'=x",
        "''@",
        "a;=b",
        'a"=b',
        "a,'-b",
        "x|+y",
        "＝1",
        "\t=1",
        "l'été",
        "a\nb",
        ' "q" ',
    ]
)
KEYS = TEXT.map(field_name).filter(bool) | st.sampled_from(
    [
        "nom",
        "email",
        "tags",
        "nome",
        "été",
        "data",
        "subscribed",
        "bounced",
        "leid",
        "euid",
        "uuid",
        "attributes",
        "status_2",
    ]
)
PERSON = st.builds(
    lambda first, last, name, language, status, tag_cell, joined, fields, zone: Subscriber(
        "x@example.org", clean(first), clean(last), clean(name), language, status, tags(clean(tag_cell)),
        datetime.fromtimestamp(joined, UTC), {key: value for key, text in fields.items() if (value := clean(text))},
        time_zone=zone,
    ),
    TEXT, TEXT, TEXT, st.sampled_from(["", "fr", "pt-BR"]), st.sampled_from([Status.ACTIVE, Status.PENDING]), TEXT,
    st.integers(1, 4_000_000_000),
    st.dictionaries(KEYS, TEXT, max_size=3),
    st.sampled_from(["", "Europe/Paris"]),
)  # fmt: skip


@given(st.lists(st.tuples(PERSON, st.none() | st.sampled_from(list(Reason))), max_size=4))
@settings(max_examples=60)
def test_an_import_of_an_export_is_the_same_list(drawn: list[tuple[Subscriber, Reason | None]]) -> None:
    with new_store() as one_database, new_store() as other_database:
        people, others = Subscribers(one_database), Subscribers(other_database)
        for number, (person, reason) in enumerate(drawn):
            email = f"{'=-+'[number % 3]}{number}@example.org"
            people.add(person._replace(email=email), NOW)
            if reason in (Reason.UNSUBSCRIBED, Reason.COMPLAINED):
                people.unsubscribe(email, now=NOW, source="", reason=reason)
            elif reason:
                with one_database.transaction() as connection:
                    connection.execute("INSERT INTO suppressions VALUES (?, ?, 0, '')", (email, reason.value))
        text = exported(people)
        report = take(others, text)
        assert report.problems == ()
        assert report.counts.duplicates == 0
        assert facts(others) == facts(people)
        assert exported(others) == text
        assert take(people, text).counts.updated == 0
        assert facts(others) == facts(people)


@given(TEXT)
def test_no_cell_of_an_export_is_a_formula_in_any_spreadsheet(text: str) -> None:
    cell = guarded(clean(text))
    assert clean(cell) == clean(text)
    for delimiter in ",;|\t":
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(["ana@example.org", cell])
        split = line.getvalue().rstrip("\n").split(delimiter)
        assert not [part for part in split if part.lstrip('"').startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))]


@given(TEXT)
def test_the_name_of_a_field_and_its_header_lead_to_each_other(text: str) -> None:
    name = field_name(text)
    assert field_name(name) == name
    if name:
        assert columns(["email", header_of(name)], "").fields == {name: 1}
    assert plain(plain(text)) == plain(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_list_error(content: bytes) -> None:
    for head in (b"", b"email,name\n"):
        try:
            source = table(head + content)
        except ListError:
            continue
        for row in entries(source, lambda problem: None):
            assert row.line >= 1
            assert not isinstance(row, Entry) or "@" in row.email


@given(
    st.lists(
        st.sampled_from(["", "ana@example.org", "a@b", '"', ",", "\n", ",,,", "active", "gone", "é", " "]),
        max_size=30,
    )
)
@settings(max_examples=100)
def test_every_row_is_counted_once_whatever_is_in_it(parts: list[str]) -> None:
    text = "email,status,name\n" + "".join(parts)
    rows = [row for row in table(text).rows() if not isinstance(row[1], list) or any(cell.strip() for cell in row[1])]
    with new_store() as database:
        people = Subscribers(database)
        rejected: list[int] = []
        report = import_subscribers(
            database, listed(text), now=NOW, reject=lambda problem, _: rejected.append(problem.line), tell=1000
        )
        assert report.counts.rows == len(report.outcomes) == len(rows)
        assert len(rejected) == report.counts.invalid
        assert people.count() <= report.counts.added + report.counts.suppressed


def test_a_list_of_nothing_but_mistakes_needs_little_memory(
    monkeypatch: pytest.MonkeyPatch, people: Subscribers
) -> None:
    monkeypatch.setattr(module, "MOST_TOLD", 10)
    report = take(people, "email\n" + "nobody\n" * 50)
    assert (report.counts.invalid, len(report.problems), report.left_out) == (50, 10, 40)


def test_all_that_is_suppressed_can_be_taken_elsewhere(people: Subscribers) -> None:
    take(people, "email,status\nana@example.org,cleaned\nbo@example.org,\n")
    people.unsubscribe("never@example.org", now=NOW, source="")
    file = io.StringIO()
    assert export_suppressed(people.database, file) == 2
    with new_store() as database:
        others = Subscribers(database)
        take(others, file.getvalue())
        assert counted(take(others, "email\nana@example.org\nbo@example.org\nnever@example.org\n")) == {
            "added": 1, "suppressed": 2,
        }  # fmt: skip


# ── advice ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"), ("gmai.com", "gmail.com"), ("gmaill.com", "gmail.com"), ("gnail.com", "gmail.com"),
        ("gmail.con", "gmail.com"), ("gmail.fr", "gmail.com"), ("hotmial.fr", "hotmail.fr"), ("orange.f", "orange.fr"),
        ("wanado.fr", "wanadoo.fr"), ("yahooo.fr", "yahoo.fr"), ("outlok.fr", "outlook.fr"),
        ("la-poste.net", "laposte.net"), ("example.con", "example.com"),
        ("gmail.com", ""), ("mail.com", ""), ("ymail.com", ""), ("gmx.fr", ""), ("free.fr", ""), ("sky.be", ""),
        ("example.org", ""), ("x", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_slip_in_a_well_known_domain_is_found_and_no_other_domain_is_a_slip(domain: str, meant: str) -> None:
    assert meant_domain(domain) == meant


def test_services_for_an_hour_are_known_with_all_below_them() -> None:
    assert is_disposable("yopmail.com")
    assert is_disposable("a.b.mailinator.com")
    assert not is_disposable("example.org")
    assert not is_disposable("com")


def test_a_million_domains_are_looked_at_in_seconds() -> None:
    import time

    began = time.process_time()
    for number in range(20_000):
        meant_domain(f"some-place-{number}.example.org")
    assert time.process_time() - began < 2, "100 µs each would be two minutes for a million"
