"""From one sender a mailing to any number of workers: who is at it while the database is upgraded is one of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.store.leases import Worker, join, workers_of
from newsletter.store.mailings import tally_of
from newsletter.store.sqlite import SqliteDatabase
from newsletter.store.upgrade import MIGRATIONS, bring_up_to_date
from tests.support.sending import fill_list, plan

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sender_of_the_version_before_is_fenced_off_and_taken_over_from_when_its_lease_is_over(
    tmp_path: Path,
) -> None:
    before = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, before)
    for step in (before / "versions").glob("*.py"):
        if step.name[:4] > "0012":
            step.unlink()
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
