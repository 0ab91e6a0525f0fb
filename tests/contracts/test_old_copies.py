"""A database that was put back from a copy is known as one: a file by what lies beside it, a server's by numbers."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.send import send
from newsletter.store import leases
from newsletter.store.database import open_database
from newsletter.store.leases import Worker, beat
from newsletter.store.life import accept_copy, is_old_copy
from newsletter.transports.memory import MemoryTransport
from tests.support import postgresql
from tests.support.leaving import DOORS, ZOE
from tests.support.sending import NOW, clock, fill_list, plan, post_for
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.store.database import Database


def begun(here: Path) -> None:
    """A list at this place, with one reader, who has got an issue."""
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 1)
        mail(database, "2026-11-hello")
        assert not is_old_copy(database)


def mail(database: Database, issue: str) -> None:
    mailing = plan(database, issue=issue)
    send(database, mailing, post_for(database, mailing), MemoryTransport(keep=0), clock)


# ── a file ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_was_put_back_from_a_copy_is_known_as_one_until_the_author_says_to_go_on(
    tmp_path: Path,
) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copies" / "newsletter.db"
    copy.parent.mkdir()
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 3)
        mail(database, "2026-11-hello")
        assert not is_old_copy(database)
    shutil.copy(here, copy)
    with open_database(f"sqlite:///{here}") as database:
        mail(database, "2026-12-next")
        assert not is_old_copy(database)
    with open_database(f"sqlite:///{copy}") as database:
        assert not is_old_copy(database), "elsewhere, nothing is known of what was sent here"
    shutil.copy(copy, here)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)
        accept_copy(database)
        assert not is_old_copy(database)
        mail(database, "2027-01-again")
        assert not is_old_copy(database)


def test_a_database_that_is_made_anew_is_nobodys_copy(tmp_path: Path) -> None:
    here = tmp_path / "newsletter.db"
    begun(here)
    here.unlink()
    with open_database(f"sqlite:///{here}") as database:
        assert not is_old_copy(database)


def test_a_copy_that_takes_the_place_of_a_database_that_was_made_anew_meanwhile_is_known_as_one(tmp_path: Path) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 1)
    shutil.copy(here, copy)
    with open_database(f"sqlite:///{here}") as database:
        mail(database, "2026-11-hello")
    here.unlink()
    open_database(f"sqlite:///{here}").close()  # as any command does, or a service that was started again
    shutil.copy(copy, here)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)


def test_a_copy_made_in_the_middle_of_a_mailing_is_known_as_one_once_that_went_on(tmp_path: Path) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 3)
        mailing = plan(database)
        now = int(NOW.timestamp())
        lease = leases.join(database, mailing.id, Worker("host", "boot", 1), now, lambda _: True)
        with closing(sqlite3.connect(copy)) as target, closing(sqlite3.connect(here)) as source:
            source.backup(target)
        beat(database, lease, now + 15)
        assert not is_old_copy(database)
    shutil.copy(copy, here)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)


@pytest.mark.parametrize("door", DOORS)
def test_a_copy_from_before_somebody_left_is_known_as_one(tmp_path: Path, door: Callable[[Served], None]) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with Served(tmp_path) as served:
        served.reader(ZOE)
        mail(served.database, "2026-11-hello")
        with closing(sqlite3.connect(copy)) as target, closing(sqlite3.connect(here)) as source:
            source.backup(target)
        door(served)
        assert not is_old_copy(served.database)
    shutil.copy(copy, here)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)


@pytest.fixture
def lasting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not among the temporary ones, and a place for settings."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("click.get_app_dir", lambda name: str(tmp_path / "settings" / name))
    folder = tmp_path / "letters"
    folder.mkdir()
    return folder


def test_a_folder_that_was_put_back_as_a_whole_is_known_as_a_copy(lasting: Path) -> None:
    here, backup = lasting / "newsletter.db", lasting.with_name("backup")
    begun(here)
    shutil.copytree(lasting, backup)
    with open_database(f"sqlite:///{here}") as database:
        mail(database, "2026-12-next")
        assert not is_old_copy(database)
    shutil.rmtree(lasting)
    shutil.copytree(backup, lasting)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)
        accept_copy(database)
        assert not is_old_copy(database)


def test_a_copy_to_try_something_with_is_a_newsletter_of_its_own(lasting: Path) -> None:
    here, trial = lasting / "newsletter.db", lasting.with_name("trial")
    begun(here)
    shutil.copytree(lasting, trial)
    with open_database(f"sqlite:///{trial / here.name}") as database:
        mail(database, "2026-12-trial")
        assert not is_old_copy(database)
    with open_database(f"sqlite:///{here}") as database:
        assert not is_old_copy(database)


def test_another_newsletter_in_the_same_place_is_no_copy(lasting: Path) -> None:
    here = lasting / "newsletter.db"
    begun(here)
    shutil.rmtree(lasting)
    lasting.mkdir()
    with open_database(f"sqlite:///{here}") as database:
        assert not is_old_copy(database)


def test_where_no_settings_can_be_kept_all_goes_on(lasting: Path) -> None:
    lasting.with_name("settings").write_text("no folder")
    begun(lasting / "newsletter.db")


@pytest.mark.parametrize("content", ["", "x", "-1", "99999999999999999999"])
def test_a_file_that_says_nonsense_harms_nothing(tmp_path: Path, content: str) -> None:
    with open_database(f"sqlite:///{tmp_path}/newsletter.db") as database:
        (tmp_path / "newsletter.db-sent").write_text(content)
        is_old_copy(database)
        accept_copy(database)
        assert not is_old_copy(database)
        fill_list(database, 1)
        mail(database, "2026-11-hello")


# ── a server ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_was_loaded_from_another_one_is_known_as_a_copy_once_that_had_sent() -> None:
    with postgresql.empty_list() as here:
        with open_database(here) as database:
            fill_list(database, 1)
        with postgresql.copy_of(here) as early, open_database(early) as database:
            assert not is_old_copy(database), "nothing had been sent from there"
        with open_database(here) as database:
            mail(database, "2026-11-hello")
            assert not is_old_copy(database)
        with postgresql.copy_of(here) as copy, open_database(copy) as database:
            assert is_old_copy(database)
            accept_copy(database)
            assert not is_old_copy(database)
            mail(database, "2026-12-next")
            assert not is_old_copy(database)


def test_a_dump_that_was_loaded_back_into_the_same_database_is_known_as_a_copy() -> None:
    with postgresql.empty_list() as here:
        with open_database(here) as database:
            fill_list(database, 3)
            mail(database, "2026-11-hello")
        dumped = postgresql.dump(here)
        with open_database(here) as database:
            mail(database, "2026-12-next")
            assert not is_old_copy(database)
        postgresql.load(here, dumped, "--clean", "--if-exists")
        with open_database(here) as database:
            assert is_old_copy(database)
            accept_copy(database)
            assert not is_old_copy(database)
            mail(database, "2026-12-next")
            assert not is_old_copy(database)


def test_tables_that_are_written_anew_where_they_are_are_no_copy() -> None:
    with postgresql.empty_list() as here, open_database(here) as database:
        fill_list(database, 1)
        mail(database, "2026-11-hello")
        with database.own() as connection:
            connection.execute("VACUUM FULL")
        assert not is_old_copy(database)


def test_a_record_that_does_not_name_the_table_yet_raises_no_alarm_and_names_it_from_the_next_send_on() -> None:
    with postgresql.empty_list() as here:
        with open_database(here) as database:
            fill_list(database, 1)
            mail(database, "2026-11-hello")
            with database.transaction() as connection:
                connection.execute("UPDATE meta SET value = regexp_replace(value, '/[0-9]+$', '') WHERE name = 'home'")
            assert not is_old_copy(database)
            mail(database, "2026-12-next")
            assert not is_old_copy(database)
        dumped = postgresql.dump(here)
        postgresql.load(here, dumped, "--clean", "--if-exists")
        with open_database(here) as database:
            assert is_old_copy(database)
