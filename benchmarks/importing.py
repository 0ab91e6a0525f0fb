"""How long a list takes: `subscribers import` against Python's csv module with raw inserts, and sqlite3's `.import`.

The same file of a million people, with semicolons, accents, tags, dates and a field; every import in a process of its
own. The two others check nothing, clean nothing and look up nobody: what the work would cost if lists were never wrong.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import cost, table

PROGRAM = Path(sys.executable).with_name("newsletter")
ROWS = int(os.environ.get("NEWSLETTER_BENCH_ROWS", 1_000_000))
SHEET_ROWS = ROWS // 10  # openpyxl, which makes the workbook, needs a minute for a million
RAW = """
import csv, sqlite3, sys
list, database = sys.argv[1:]
connection = sqlite3.connect(database, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = NORMAL")
connection.execute("CREATE TABLE people (email TEXT PRIMARY KEY, first, last, city, tags, joined)")
with open(list, encoding="utf-8", newline="") as file:
    rows = csv.reader(file, delimiter=";")
    next(rows)
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
"""
SETTINGS = '[newsletter]\ntitle = "Bench"\nlanguage = "en"\n'
FIRST = ("Ana", "Élodie", "Karim", "Zoé", "Luc", "Marie", "Paul", "Inès")
LAST = ("Durand", "Lefèvre", "Martin", "Petit", "Benali")
CITIES = ("Nantes", "Rennes", "Brest", "Orléans")
HEADER = ("email", "first_name", "last_name", "city", "tags", "joined")


def person(number: int, chance: random.Random) -> list[str]:
    """One row."""
    domain = chance.choice(("example.org", "example.com", f"d{number % 300}.example.org"))
    return [
        f"p{number}.{chance.randrange(10**6)}@{domain}",
        chance.choice(FIRST),
        chance.choice(LAST),
        chance.choice(CITIES),
        chance.choice(("", "a", "a,b")),
        f"202{chance.randrange(6)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}",
    ]


def write(path: Path, rows: int) -> None:
    """A list as a spreadsheet would save it."""
    chance = random.Random(5)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(";".join(HEADER) + "\n")
        file.writelines(";".join(person(number, chance)) + "\n" for number in range(rows))


def write_workbook(path: Path, rows: int) -> None:
    """The same as a workbook."""
    from openpyxl import Workbook

    chance = random.Random(5)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Members")
    sheet.append(HEADER)
    for number in range(rows):
        sheet.append(person(number, chance))
    book.save(path)


def run() -> None:
    """Print rows a second, and what each costs."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "newsletter.toml").write_text(SETTINGS)
        people, workbook = here / "people.csv", here / "people.xlsx"
        write(people, ROWS)
        found = []
        ours: list[str | Path] = [PROGRAM, "subscribers", "import", people, "--json", "--quiet"]
        raw: list[str | Path] = [sys.executable, "-c", RAW, people, here / "raw.db"]
        for name, command, rows in (
            ("csv module and raw inserts", raw, ROWS),
            ("newsletter subscribers import", ours, ROWS),
            ("the same list again", ours, ROWS),
        ):
            spent = cost(command, cwd=here)
            if command is ours:
                assert json.loads(spent.output)["rows"] == rows
            found.append((name, rows, spent))
        if binary := shutil.which("sqlite3"):
            script = here / "import.sql"
            script.write_text(
                "PRAGMA journal_mode = WAL;\nPRAGMA synchronous = NORMAL;\n"
                "CREATE TABLE people (email TEXT PRIMARY KEY, first, last, city, tags, joined);\n"
                f'.mode csv\n.separator ";"\n.import --skip 1 {people} people\n'
            )
            spent = cost(["/bin/sh", "-c", f"{binary} {here / 'cli.db'} < {script}"], cwd=here)
            found.insert(1, ("sqlite3 .import", ROWS, spent))
        (here / "newsletter.db").unlink()
        write_workbook(workbook, SHEET_ROWS)
        spent = cost([PROGRAM, "subscribers", "import", workbook, "--json", "--quiet"], cwd=here)
        found.append(("newsletter subscribers import, XLSX", SHEET_ROWS, spent))
    least = found[0][2].cpu / ROWS
    table(
        f"Import of {ROWS:,} people",
        ("way", "rows", "seconds", "rows/s", "µs of CPU a row", "of raw inserts", "MB"),
        [
            (
                name,
                f"{rows:,}",
                f"{spent.seconds:.1f}",
                f"{rows / spent.seconds:,.0f}",
                f"{1e6 * spent.cpu / rows:.1f}",
                f"{spent.cpu / rows / least:.1f}",
                f"{spent.peak:.0f}",
            )
            for name, rows, spent in found
        ],
    )
    if not shutil.which("sqlite3"):
        print("\nsqlite3's own .import: not measured, the command is not installed (apt-get install sqlite3)")
