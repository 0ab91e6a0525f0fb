"""The database in a file: made, opened, upgraded, refused; and what a user is told when it cannot be used.

test_on_a_server.py says the same of one on a server.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from newsletter import __version__
from newsletter.errors import StoreError
from newsletter.store.database import Database, open_database
from newsletter.store.sqlite import SqliteDatabase
from newsletter.store.upgrade import MIGRATIONS, bring_up_to_date
from tests.support.migrations import BROKEN_STEP, NEXT, add_step, copied_migrations
from tests.support.stores import addresses, put_someone

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "newsletter.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def migrations_of_tomorrow(tmp_path: Path) -> Path:
    folder = copied_migrations(tmp_path)
    add_step(folder)
    return folder


def schema_of(path: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def shape_of(path: Path) -> dict[str, object]:
    """What schema_of says, however it was come by: SQLite writes a column that was added later behind constraints."""
    with closing(sqlite3.connect(path)) as connection:
        shape: dict[str, object] = {}
        for kind, name, sql in schema_of(path):
            if kind == "table":
                columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
                named = sorted(re.findall(r"CONSTRAINT \w+ (?:PRIMARY|UNIQUE|FOREIGN)[^,]*", sql))
                shape[name] = (columns, named, sql.rpartition(")")[2].strip())
            else:
                shape[name] = (kind, sql)
    return shape


# ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_database_is_for_its_owner_alone(url: str, path: Path) -> None:
    with open_database(url) as database:
        put_someone(database)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"newsletter.db": 0o600, "newsletter.db-wal": 0o600, "newsletter.db-shm": 0o600}


def test_what_was_stored_is_there_the_next_time(url: str) -> None:
    with open_database(url) as database:
        put_someone(database)
    with open_database(url, create=False) as database:
        assert addresses(database) == ["ana@example.org"]


def test_a_database_without_a_name_is_gone_when_it_is_closed() -> None:
    with open_database("sqlite://") as database:
        put_someone(database)
        assert addresses(database) == ["ana@example.org"]
        assert Path(database.name).exists()
    assert not Path(database.name).parent.exists()


def test_writers_wait_for_ten_seconds_and_the_file_is_in_wal_mode(url: str) -> None:
    with open_database(url) as database, database.reading() as connection:
        pragmas = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("busy_timeout", "foreign_keys", "journal_mode", "synchronous")
        }
    assert pragmas == {"busy_timeout": 10_000, "foreign_keys": 1, "journal_mode": "wal", "synchronous": 1}


def test_a_path_with_question_marks_percents_and_accents_is_only_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "?mode=ro"
    folder.mkdir()
    odd = folder / "été 100%#x.db"
    with open_database(f"sqlite:///{odd}") as database:
        put_someone(database)
    assert odd.exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://ana:secret@db.example.org/list", ["'mysql://ana@db.example.org/list'", "postgresql://user@server"]),
        ("postgresql://ana:secret@[/list", ["postgresql://ana@[/list", "cannot be read"]),
        ("newsletter.db", ["sqlite:///newsletter.db"]),
        ("sqlite:///", ["sqlite:///newsletter.db"]),
        ("sqlite:///newsletter.db?mode=ro", ["takes no options"]),
    ],
)
def test_an_address_of_another_kind_of_database_is_refused_and_its_password_kept_quiet(
    url: str, words: list[str]
) -> None:
    with pytest.raises(StoreError) as told:
        open_database(url)
    assert all(word in str(told.value) for word in words)
    assert "secret" not in str(told.value)


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="this is a folder"):
        open_database(f"sqlite:///{tmp_path}")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the folder .*/nowhere does not exist(?s:.*)mkdir -p"):
        open_database(f"sqlite:///{tmp_path}/nowhere/newsletter.db")


def test_a_missing_database_is_not_made_by_those_who_only_read(url: str, path: Path) -> None:
    with pytest.raises(StoreError, match=r"no database here yet(?s:.*)subscribers import"):
        open_database(url, create=False)
    assert not path.exists()


def test_a_text_file_is_refused_and_not_touched(url: str, path: Path) -> None:
    path.write_text("email\nana@example.org\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        open_database(url)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_not_touched(url: str, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to another program"):
        open_database(url)
    assert path.read_bytes() == before


def test_a_closed_database_says_so() -> None:
    database = open_database("sqlite://")
    database.close()
    database.close()
    with pytest.raises(StoreError, match="was closed"):
        put_someone(database)


# ── versions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_made_at_once_is_the_one_that_all_the_steps_make(tmp_path: Path, url: str, path: Path) -> None:
    open_database(url).close()
    stepwise = tmp_path / "stepwise.db"
    stepwise.touch()
    migrations = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, migrations)
    with SqliteDatabase(stepwise) as database:
        bring_up_to_date(database, migrations)
    assert shape_of(path) == shape_of(stepwise)


def test_an_older_database_is_upgraded_and_a_copy_stays_beside_it(
    url: str, path: Path, migrations_of_tomorrow: Path
) -> None:
    with open_database(url) as database:
        put_someone(database)
        old_schema = schema_of(path)
        bring_up_to_date(database, migrations_of_tomorrow)
        with database.reading() as connection:
            assert connection.execute("SELECT email, shoe_size FROM subscribers").fetchall() == [
                ("ana@example.org", "")
            ]
    copy = path.with_name(f"newsletter.db.before-{NEXT}")
    assert schema_of(copy) == old_schema
    with open_database(f"sqlite:///{copy}") as database:
        assert addresses(database) == ["ana@example.org"]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(
    url: str, path: Path, migrations_of_tomorrow: Path
) -> None:
    add_step(migrations_of_tomorrow, BROKEN_STEP)
    with open_database(url) as database:
        before = schema_of(path)
        with pytest.raises(OperationalError, match="no such table: nobody"):
            bring_up_to_date(database, migrations_of_tomorrow)
        assert schema_of(path) == before
    open_database(url).close()


def test_a_newer_database_is_refused_by_naming_who_wrote_it(url: str, path: Path, migrations_of_tomorrow: Path) -> None:
    with open_database(url) as database:
        bring_up_to_date(database, migrations_of_tomorrow)
        with database.transaction() as connection:
            connection.execute("UPDATE meta SET value = '9.9' WHERE name = 'program'")
    before = schema_of(path)
    with pytest.raises(StoreError) as told:
        open_database(url)
    words = str(told.value)
    assert "newsletter 9.9" in words
    assert f"newsletter {__version__}" in words
    assert "upgrade this program" in words
    assert schema_of(path) == before


def test_an_up_to_date_database_opens_without_the_heavy_libraries(url: str) -> None:
    open_database(url).close()
    program = (
        "import sys; from newsletter.store.database import open_database; open_database(sys.argv[1]).close();"
        "print([name for name in ('sqlalchemy', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_four_processes_that_open_a_new_database_at_once_all_succeed(url: str) -> None:
    program = "import sys; from newsletter.store.keys import load_keys; from newsletter.store.database import *\n"
    program += "with open_database(sys.argv[1]) as database: print(load_keys(database)[1].hex())"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in said] == [""] * 4
    assert len({out for out, _ in said}) == 1


# ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def database() -> Iterator[Database]:
    with open_database("sqlite://", busy_seconds=0.05) as database:
        yield database


def test_a_locked_database_is_said_to_be_locked_and_can_still_be_read(database: Database) -> None:
    with closing(sqlite3.connect(Path(database.name), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process") as told:
            put_someone(database)
        assert str(Path(database.name)) in str(told.value)
        with pytest.raises(StoreError, match="locked by another process"), database.engine.begin():
            pass
        assert addresses(database) == []
    put_someone(database)


def test_a_full_disk_is_said_to_be_full_and_loses_nothing_that_was_there(database: Database) -> None:
    put_someone(database)
    with database.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        put_someone(database, "x" * 100_000)
    assert addresses(database) == ["ana@example.org"]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of ours that we may not write in: the superuser, whom modes do not stop, becomes somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    folder.chmod(0o755)
    open_database(f"sqlite:///{folder}/newsletter.db").close()
    file = folder / "newsletter.db"
    file.chmod(0o444)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(NOBODY)
    else:
        folder.chmod(0o555)
    try:
        yield folder
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_read_only_database_says_which_file_and_folder_to_make_writable(as_nobody: Path) -> None:
    with pytest.raises(StoreError) as told, open_database(f"sqlite:///{as_nobody}/newsletter.db") as database:
        put_someone(database)
    assert f"{as_nobody}/newsletter.db" in str(told.value)
    assert "check that you may read and write" in str(told.value)


def test_a_folder_that_one_may_not_write_in_is_named(as_nobody: Path) -> None:
    with pytest.raises(StoreError, match="Permission denied") as told:
        open_database(f"sqlite:///{as_nobody}/other.db")
    assert str(as_nobody) in str(told.value)
