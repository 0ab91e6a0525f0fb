"""Lists in workbooks, vCards and zips, known by their content; and files that mean harm."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from newsletter.actions.import_subscribers import import_subscribers
from newsletter.errors import ListError, Stopped
from newsletter.sources import list_workbook
from newsletter.sources.csv_list import CsvList, Unreadable
from newsletter.sources.list_cards import CardList
from newsletter.sources.list_columns import MOST_COLUMNS, columns, read_mapping
from newsletter.sources.list_files import open_list
from newsletter.sources.list_text import LONGEST_LINE, TextFile
from newsletter.store.subscribers import Subscribers
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.entry import ImportReport

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with new_store() as database:
        yield Subscribers(database)


def take(people: Subscribers, path: Path, mapping: dict[str, str] | None = None) -> ImportReport:
    with open_list(path, mapping) as source:
        return import_subscribers(people.database, source, now=NOW)


def refused(path: Path) -> str:
    with pytest.raises(ListError) as raised:
        open_list(path)
    (problem,) = raised.value.problems
    assert problem.path == str(path)
    return f"{problem.message} → {problem.fix}"


def rows(path: Path) -> list[tuple[int, list[str] | Unreadable]]:
    with open_list(path) as source:
        (table,) = source.tables
        return list(table.rows())


# ── workbooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


MEMBERS: list[list[Any]] = [
    ["Membres de l’association"],
    [],
    ["Adresse e-mail", "Prénom", "Code postal", "Inscrit le", "Cotise"],
    ["zoe@example.org", "Zoé", 44000, date(2025, 3, 4), True],
    ["karim@example.org", "Karim", 35000.5, datetime(2025, 3, 4, 5, 6, 7), False],
    [],
    ["lea@example.org", None, 33612345678, None, None],
]


def test_the_first_sheet_with_addresses_is_read_below_its_header(people: Subscribers, tmp_path: Path) -> None:
    path = workbook(tmp_path / "list.xlsx", Notes=[["Read me first"]], Membres=MEMBERS, Other=[["email"], ["x@y.org"]])
    with open_list(path) as source:
        (table,) = source.tables
        assert (table.part, table.header_line) == ("Membres", 3)
        assert source.left_alone == ["sheet 'Other', which has addresses, too: save it as a file of its own"]
    report = take(people, path)
    assert (report.counts.added, report.problems) == (3, ())
    zoe, karim, lea = (person for person, _ in people.iterate())
    assert zoe.joined == datetime(2025, 3, 4, tzinfo=UTC)
    assert zoe.fields == {"code_postal": "44000", "cotise": "true"}
    assert karim.joined == datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert karim.fields == {"code_postal": "35000.5", "cotise": "false"}
    assert lea.fields == {"code_postal": "33612345678"}


def test_a_note_beside_the_table_is_told_and_not_lost(people: Subscribers, tmp_path: Path) -> None:
    report = take(people, workbook(tmp_path / "list.xlsx", A=[["email"], ["a@example.org"], ["b@example.org", "away"]]))
    assert report.counts.added == 1
    assert [problem.reason for problem in report.problems] == [
        "has 2 cells where the header has 1: name that column in the header, or empty the cell"
    ]


def test_the_rows_of_a_sheet_have_the_numbers_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    assert [line for line, _ in rows(workbook(tmp_path / "list.xlsx", Membres=MEMBERS))] == [4, 5, 7]


def ods(path: Path, table_rows: str) -> Path:
    """The least that LibreOffice would open."""
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content {names} office:version="1.3"><office:body><office:spreadsheet>'
            f'<table:table table:name="Feuille1">{table_rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def cells(*values: str | float) -> str:
    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p/></table:table-cell>'

    return f"<table:table-row>{''.join(map(cell, values))}</table:table-row>"


def test_an_opendocument_sheet_is_read(people: Subscribers, tmp_path: Path) -> None:
    path = ods(tmp_path / "list.ods", cells("Courriel", "Âge") + cells("zoe@example.org", 44))
    assert take(people, path).counts.added == 1
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    assert zoe.fields == {"âge": "44"}


def test_a_file_is_known_by_what_is_in_it_not_by_its_name(tmp_path: Path) -> None:
    renamed = workbook(tmp_path / "list.xlsx", A=[["email"], ["a@example.org"]]).rename(tmp_path / "list.csv")
    assert rows(renamed) == [(2, ["a@example.org"])]
    text = tmp_path / "list.xlsx"
    text.write_text("email\na@example.org\n")
    assert rows(text) == [(2, ["a@example.org"])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"), (44000.0, "44000"), (0.1, "0.1"), (-3.0, "-3"), (1e300, "1e+300"), (float("nan"), "nan"),
        (True, "true"), (False, "false"), (None, ""), (date(2025, 3, 4), "2025-03-04"), (time(5, 6), "05:06:00"),
        (datetime(2025, 3, 4), "2025-03-04"), (datetime(2025, 3, 4, 5, 6, 7, 9), "2025-03-04 05:06:07"),
    ],
)  # fmt: skip
def test_a_cell_is_what_a_person_would_have_typed(value: Any, text: str) -> None:
    assert list_workbook.text(value) == text


def test_a_formula_is_what_it_came_to_when_the_workbook_was_saved(tmp_path: Path) -> None:
    made = workbook(tmp_path / "made.xlsx", A=[["email", "sum"], ["a@example.org", "=1+1"]])
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb"<f>1\+1</f><v ?/?>(</v>)?", b"<f>1+1</f><v>2</v>", old.read(name)))
    assert rows(path) == [(2, ["a@example.org", "2"])]


def test_a_workbook_without_addresses_says_what_was_found(tmp_path: Path) -> None:
    told = refused(workbook(tmp_path / "list.xlsx", Budget=[["Poste", "Euros"], ["Papier", 12]]))
    assert "no sheet has a column of addresses" in told
    assert "Poste, Euros" in told


@pytest.mark.soak_on_a_server
def test_a_workbook_that_asks_for_terabytes_is_refused_and_the_program_lives(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["XFD1048576"] = "email", "x"
    book.save(tmp_path / "corner.xlsx")
    assert "needs more than 4 GB of memory" in refused(tmp_path / "corner.xlsx")
    repeated = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string" '
        'table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
    )
    assert "the workbook cannot be read" in refused(ods(tmp_path / "repeated.ods", cells("email") + repeated))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(2000), "the workbook cannot be read"),
        (b"PK\x03\x04 and so on", "the zip is damaged"),
    ],
    ids=["old Excel, broken", "zip, broken"],
)
def test_a_broken_workbook_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)
    assert told in refused(path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["[Content_Types].xml", "word/document.xml"], "this is a document"),
        (["Index/Document.iwa"], "export it from Numbers as CSV"),
    ],
)
def test_a_document_that_is_no_list_is_told_apart(tmp_path: Path, names: list[str], told: str) -> None:
    path = tmp_path / "list.docx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    assert told in refused(path)


# ── vCards ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CARDS = """\
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Lef=C3=A8vre;Zo=C3=A9;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=A9 =
Lef=C3=A8vre
EMAIL;INTERNET:old@example.org
EMAIL;INTERNET;PREF:zoe@example.org
PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD
 /2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCws=

END:VCARD
BEGIN:VCARD
VERSION:3.0
N:Benali;Karim;;;
FN:Karim Benali
item1.EMAIL;TYPE=INTERNET:karim@exam
 ple.org
CATEGORIES:Volunteer,Board\\, old
ORG:Les Amis;Bureau
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Léa
EMAIL;PREF=2:work@example.org
EMAIL;PREF=1:lea@example.org
LANG;PREF=2:en
LANG;PREF=1:fr
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Nobody
END:VCARD
BEGIN:VCARD
VERSION:4.0
EMAIL:lost@example.org
begin:vcard
VERSION:4.0
FN:Luc
EMAIL:luc@example.org
end:vcard
"""


def test_an_address_book_is_a_list(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "contacts.vcf"
    path.write_text(CARDS, "utf-8", newline="\r\n")
    report = take(people, path)
    found = {person.email: person for person, _ in people.iterate()}
    assert list(found) == ["zoe@example.org", "karim@example.org", "lea@example.org", "luc@example.org"]
    zoe, karim, lea, _ = found.values()
    assert (zoe.first_name, zoe.last_name, zoe.name) == ("Zoé", "Lefèvre", "Zoé Lefèvre")
    assert karim.tags == ("Volunteer", "Board", "old")
    assert karim.fields == {"organization": "Les Amis Bureau"}
    assert lea.language == "fr"
    assert [(problem.line, problem.reason) for problem in report.problems] == [
        (29, "has no address"),
        (33, "this vCard has no END:VCARD"),
    ]


def test_a_thousand_pages_of_one_card_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "contacts.vcf"
    path.write_text(
        "BEGIN:VCARD\nVERSION:3.0\n" + "EMAIL:a@example.org\n" * 100_000 + "FN:" + " x\n" * 100_000 + "END:VCARD\n"
    )
    ((_, cells),) = rows(path)
    assert cells[0] == "a@example.org"


@given(st.text(alphabet='BEGINDVCAR:;=\r\n N,\\"\t éEMAIL@x.o', max_size=200))
@settings(max_examples=150)
def test_no_vcard_however_broken_stops_the_reading(text: str) -> None:
    content = f"BEGIN:VCARD\nVERSION:2.1\n{text}\nEND:VCARD\nBEGIN:VCARD\nEMAIL:z@example.org\nEND:VCARD\n".encode()
    found = list(CardList(lambda: io.BytesIO(content), "contacts.vcf").rows())
    assert found[-1][1][0] == "z@example.org"


# ── zips ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def zipped(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_every_list_in_a_zip_is_read(people: Subscribers, tmp_path: Path) -> None:
    book: str | bytes = workbook(tmp_path / "a.xlsx", L=[["Courriel"], ["zoe@example.org"], ["wrong"]]).read_bytes()
    path = zipped(
        tmp_path / "lists.zip",
        **{"a/b.xlsx": book, "c.csv": "email\nkarim@example.org\nzoe@example.org\n", "d.vcf": CARDS, "e.txt": "Hello"},
    )
    report = take(people, path)
    assert sorted(person.email for person, _ in people.iterate()) == [
        "karim@example.org", "lea@example.org", "luc@example.org", "zoe@example.org",
    ]  # fmt: skip
    assert [(problem.part, problem.line) for problem in report.problems] == [
        ("a/b.xlsx, L", 3), ("d.vcf", 29), ("d.vcf", 33),
    ]  # fmt: skip
    with open_list(path) as source:
        assert source.left_alone == ["e.txt"]


@pytest.mark.parametrize("name", ["../../etc/list.csv", "/etc/list.csv", "..\\list.csv", "C:\\list.csv"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert "wants to lie elsewhere" in refused(zipped(tmp_path / "x.zip", **{name: "email\n"}))


def test_a_zip_in_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", **{"a.csv": "email\na@example.org\n"}).read_bytes()
    assert "a zip in a zip is not opened" in refused(zipped(tmp_path / "x.zip", **{"inner.zip": inner}))


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", **{"a.csv": "email\na@example.org\n"})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)
    assert "locked with a password" in refused(path)


def test_a_zip_that_would_grow_without_end_is_refused(tmp_path: Path) -> None:
    assert "which no list does" in refused(zipped(tmp_path / "x.zip", **{"a.csv": b"email\n" + bytes(50_000_000)}))


def test_a_zip_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", **{"a.csv": "email\n" + "a@example.org\n" * 100_000})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(mark) + offset, 1000)
    path.write_bytes(content)
    try:
        found = rows(path)
    except (ListError, zipfile.BadZipFile):
        return
    assert len(found) < 100


def test_a_zip_that_is_damaged_far_inside_stops_the_import_and_says_what_is_stored(
    people: Subscribers, tmp_path: Path
) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "email\n" + "".join(f"p{number}@example.org\n" for number in range(50_000)))
    content = bytearray(path.read_bytes())
    content[-500_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Stopped, match=r"the zip is damaged(?s:.*)the first \d0,000 rows are stored"):
        take(people, path)
    assert people.count() >= 10_000


def test_a_zip_without_a_list_says_what_it_holds(tmp_path: Path) -> None:
    assert "it holds: a.txt, b.txt" in refused(zipped(tmp_path / "x.zip", **{"a.txt": "Hello", "b.txt": "you"}))


# ── text that means harm ─────────────────────────────────────────────────────────────────────────────────────────────


class Endless(io.RawIOBase):
    """So many bytes of one kind between others, without holding them."""

    def __init__(self, before: bytes, many: int, after: bytes) -> None:
        self._parts = iter([before, *[b"x" * (1 << 20)] * (many >> 20), after])
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._parts, b"")
        part = self._rest[: len(buffer)]
        self._rest = self._rest[len(part) :]
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.soak_on_a_server
def test_a_cell_of_300_megabytes_needs_no_memory_and_spoils_no_other_row() -> None:
    import tracemalloc

    head, tail = b"email,name\na@example.org,Ana\nb@example.org,", b"\nc@example.org,Cy\n"
    tracemalloc.start()
    table = CsvList(lambda: io.BufferedReader(Endless(head, 300 << 20, tail)), "list.csv")
    found = list(table.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for line, _ in found] == [2, 3, 4]
    assert isinstance(found[1][1], Unreadable)
    assert found[2][1] == ["c@example.org", "Cy"]
    assert peak < 12 * LONGEST_LINE


@pytest.mark.soak_on_a_server
def test_a_hundred_thousand_columns_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email," + ",".join(f"c{number}" for number in range(100_000)) + "\n")
    assert f"100,001 columns; at most {MOST_COLUMNS:,}" in refused(path)


def test_empty_columns_to_the_right_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email" + "," * 5000 + "\na@example.org" + "," * 5000 + "\n")
    assert columns(["email", *[""] * 5000], "").width == 5001
    assert len(rows(path)) == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8", "utf-8-sig", "cp1252"])
def test_the_encoding_is_found_out_with_a_mark_and_without(encoding: str) -> None:
    content = "Prénom;Adresse e-mail\r\nÉlodie;elodie@example.org\r\n".encode(encoding)
    table = CsvList(lambda: io.BytesIO(content), "list.csv")
    assert table.header == ["Prénom", "Adresse e-mail"]
    assert list(table.rows()) == [(2, ["Élodie", "elodie@example.org"])]


@pytest.mark.soak_on_a_server
@given(
    st.lists(st.sampled_from(["a", "é", "\n", "\r", "\r\n", "\u2028", "\x0c", "xyz" * 30_000]), max_size=40),
)
@settings(max_examples=60)
def test_the_lines_of_a_text_are_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    found = [line for block in TextFile(lambda: io.BytesIO(text.encode()), "x").lines() for line in block]
    assert "".join(found) == text
    assert all(line.endswith(("\n", "\r")) for line in found[:-1])


@pytest.mark.parametrize("above", ["Membres de l’association\n\n", "Liste;;\nau 1er mars;;\n"])
def test_lines_of_a_title_may_stand_above_the_header(tmp_path: Path, above: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{above}Courriel;Prénom;Ville\na@example.org;Ana;Nantes\n")
    assert [cells for _, cells in rows(path)] == [["a@example.org", "Ana", "Nantes"]]


@pytest.mark.parametrize("text", ["Nom,Contact\nAna,email\na,b\n", "a@example.org\nemail\n"])
def test_a_word_among_the_data_is_never_taken_for_a_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    refused(path)
    book = workbook(tmp_path / "list.xlsx", A=[line.split(",") for line in text.splitlines()])
    assert "no sheet has a column of addresses" in refused(book)


# ── --map ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_author_says_what_a_column_means(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Kontakt;Ville;Nom;Parti le\na@example.org;Nantes;Ana;\nb@example.org;;Bo;2025-03-04\n")
    mapping = read_mapping(["Kontakt=email", "Ville = fields.City", "nom=-", "Parti le=unsubscribed"])
    report = take(people, path, mapping)
    assert (report.counts.added, report.counts.suppressed) == (1, 1)
    ana = people.get("a@example.org")
    assert ana is not None
    assert (ana.name, ana.fields) == ("", {"city": "Nantes"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Ville", "write COLUMN=MEANING"),
        ("Ville=", "write COLUMN=MEANING"),
        ("Ville=fristname", "did you mean 'first_name'?"),
        ("Ville=city", "for a field of its own: fields.city"),
        ("Ville=fields.", "a column cannot mean 'fields.'"),
    ],
)
def test_a_mapping_that_makes_no_sense_names_the_nearest_that_does(said: str, told: str) -> None:
    with pytest.raises(ListError) as raised:
        read_mapping([said])
    assert told in str(raised.value)


def test_two_columns_cannot_both_be_the_address() -> None:
    with pytest.raises(ListError, match="two columns cannot both mean 'email'"):
        read_mapping(["a=email", "b=email"])


def test_a_column_that_is_not_there_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,Ville\n")
    with pytest.raises(ListError, match="did you mean 'Ville'"):
        open_list(path, {"Vile": "fields.city"})
