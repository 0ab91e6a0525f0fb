"""The database is upgraded while programs of the version before are at it: who may go on, and who is fenced off."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from newsletter.delivery import State
from newsletter.store.copying import copy, sizes
from newsletter.store.database import open_database
from newsletter.store.leases import Worker, join, workers_of
from newsletter.store.mailings import tally_of
from newsletter.store.sqlite import SqliteDatabase
from newsletter.store.upgrade import MIGRATIONS, Outdated, bring_up_to_date, check_version, known_versions
from tests.support.migrations import ADDING_STEP, NEXT, NEXT_STEP, add_step, copied_migrations
from tests.support.sending import fill_list, plan
from tests.support.stores import put_someone

if TYPE_CHECKING:
    from pathlib import Path


def steps_up_to(folder: Path, last: str, more: str = "") -> Path:
    """The steps until this one, and one that follows."""
    migrations = copied_migrations(folder)
    for step in (migrations / "versions").glob("*.py"):
        if step.name[:4] > last:
            step.unlink()
    if more:
        add_step(migrations, more)
    return migrations


def parts_of(path: Path) -> dict[str, str]:
    """Columns and indexes of a database, each with what it is."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT t.name || '.' || c.name, c.type || c.pk || c.\"notnull\" || coalesce(c.dflt_value, '') "
            "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' "
            "UNION ALL SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        ).fetchall()
    return dict(rows)


def rows_without(path: Path, added: set[str]) -> dict[str, list[tuple[object, ...]]]:
    """Who is on the list, by the columns that were there before."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for _, name, *_ in connection.execute("PRAGMA table_info(subscribers)")]
        kept = ", ".join(name for name in names if f"subscribers.{name}" not in added)
        return {kept: connection.execute(f"SELECT {kept} FROM subscribers").fetchall()}


ADDING = sorted(
    file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py") if "\nonly_adds = True\n" in file.read_text()
)


@pytest.mark.parametrize("step", [*ADDING, NEXT])
def test_a_step_that_says_so_only_adds_and_what_it_adds_may_be_left_out(tmp_path: Path, step: str) -> None:
    known = [*known_versions(), NEXT]
    earlier = steps_up_to(tmp_path / "earlier", known[known.index(step) - 1])
    later = steps_up_to(tmp_path / "later", step, ADDING_STEP if step == NEXT else "")
    path = tmp_path / "newsletter.db"
    path.touch()
    with SqliteDatabase(path) as database:
        bring_up_to_date(database, earlier)
        put_someone(database)
        before = parts_of(path)
        rows = rows_without(path, set())
        bring_up_to_date(database, later)
        after = parts_of(path)
        assert before.items() < after.items()
        added = after.keys() - before.keys()
        assert rows_without(path, added) == rows
        put_someone(database, "ben@example.org")
        assert not any(
            what.upper().startswith(("CREATE UNIQUE", "CREATE TRIGGER")) for what in map(after.get, added) if what
        )


def test_a_program_works_on_with_a_database_that_a_newer_one_has_only_added_to_but_copies_none_of_it(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/newsletter.db"
    migrations = steps_up_to(tmp_path, known_versions()[-1], ADDING_STEP)
    with open_database(url) as early:
        bring_up_to_date(early, migrations)
        check_version(early)
        with open_database(url) as database, open_database("sqlite://") as empty:
            put_someone(database)
            with pytest.raises(Outdated, match="upgrade this program"):
                sizes(database)
            for source, target in ((database, empty), (empty, database)):
                with pytest.raises(Outdated, match="upgrade this program"):
                    copy(source, target)


def test_a_step_that_adds_does_not_let_a_program_by_that_does_not_know_the_one_before_it(tmp_path: Path) -> None:
    migrations = steps_up_to(tmp_path, known_versions()[-1], NEXT_STEP)
    second = ADDING_STEP.replace(f'down_revision = "{known_versions()[-1]}"', f'down_revision = "{NEXT}"')
    number = f"{int(NEXT) + 1:04}"
    second = second.replace(f'revision = "{NEXT}"', f'revision = "{number}"', 1).replace("shoe_size", "hat_size")
    (migrations / "versions" / f"{number}_hats.py").write_text(second)
    with open_database(f"sqlite:///{tmp_path}/newsletter.db") as database:
        bring_up_to_date(database, migrations)
        with pytest.raises(Outdated, match=f"schema {number}"):
            check_version(database)


def test_a_sender_of_the_version_before_is_fenced_off_and_taken_over_from_when_its_lease_is_over(
    tmp_path: Path,
) -> None:
    before = steps_up_to(tmp_path, "0012")
    path = tmp_path / "newsletter.db"
    path.touch()
    with SqliteDatabase(path) as database:
        bring_up_to_date(database, before)
        fill_list(database, 3)
        mailing = plan(database)
        now = mailing.id
        with database.transaction() as connection:
            connection.execute(
                "UPDATE mailings SET worker = 'old|boot|7', lease_until = ?, fence = 4, state = 'sending'", (now + 60,)
            )
            for key, state in ((1, State.CLAIMED), (2, State.OFFERED)):
                connection.execute("UPDATE deliveries SET state = ? WHERE subscriber_id = ?", (state.value, key))
        bring_up_to_date(database)
        (there,) = workers_of(database, mailing.id)
        assert there.worker == Worker("old", "boot", 7)
        with database.reading() as connection:
            assert connection.execute("SELECT fence FROM mailings").fetchone() == (5,)
        join(database, mailing.id, Worker("old", "boot", 8), now, lambda _: False)
        counts = tally_of(database, mailing.id)
    assert (counts.pending, counts.uncertain) == (2, 1)
