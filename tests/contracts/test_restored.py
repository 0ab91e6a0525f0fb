"""A database restored from an old copy: what is sent after it is never taken for what was sent before."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.receive import Effect, receive
from newsletter.actions.send import send
from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.links import Signer
from newsletter.outcome import Reply
from newsletter.store import leases
from newsletter.store.database import open_database
from newsletter.store.keys import load_keys
from newsletter.store.leases import Worker, beat
from newsletter.store.life import accept_copy, is_old_copy
from newsletter.store.mailings import joined_after
from newsletter.transports.memory import MemoryTransport
from tests.support.sending import NOW, clock, fill_list, plan, post_for

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

HOUR = 3600


def plan_at(database: Database, seconds: int, issue: str = "2026-11-hello") -> Mailing:
    return plan(database, issue=issue, now=int(NOW.timestamp()) + seconds)


def mail(database: Database, issue: str) -> None:
    mailing = plan_at(database, 0, issue)
    send(database, mailing, post_for(database, mailing), MemoryTransport(keep=0), clock)


def join(database: Database, address: str, seconds: int) -> int:
    with database.transaction() as connection:
        (number,) = connection.execute(
            "INSERT INTO subscribers (email, canonical, created_at) VALUES (?, ?, ?) RETURNING id",
            (address, address, int(NOW.timestamp()) + seconds),
        ).fetchone()
    return int(number)


def bounce(mailing: Mailing, subscriber: int) -> Event:
    return Event(
        kind=EventKind.BOUNCED,
        id=f"dsn:{mailing.id}.{subscriber}",
        source="dsn",
        bounce=BounceClass.HARD,
        mailing=mailing.id,
        subscriber=subscriber,
        reply=Reply(550, "5.1.1", "no such user"),
    )


def test_no_message_id_and_no_return_path_is_given_a_second_time(tmp_path: Path) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 3)
        load_keys(database)
        plan_at(database, 0)
    shutil.copy(here, copy)
    names: list[set[str]] = []
    for path, seconds in ((here, HOUR), (copy, 24 * HOUR)):
        with open_database(f"sqlite:///{path}") as database:
            later = plan_at(database, seconds, issue="2026-12-next")
            signer = Signer(load_keys(database))
            names.append(
                {signer.message_id(later.id, n, "example.org") for n in (1, 2, 3)}
                | {signer.return_path(later.id, n, "bounces@example.org") for n in (1, 2, 3)}
            )
    assert [len(each) for each in names] == [6, 6]
    assert not names[0] & names[1]


def test_mailings_planned_in_the_same_second_or_by_a_clock_that_was_set_back_have_numbers_of_their_own() -> None:
    with open_database("sqlite://") as database:
        fill_list(database, 1)
        numbers = [plan_at(database, seconds, issue=f"i{n}").id for n, seconds in enumerate((0, 0, -HOUR, 5))]
    assert numbers == sorted(set(numbers))


def test_a_link_in_such_a_mailing_leads_to_nobody_who_joined_after_it() -> None:
    with open_database("sqlite://") as database:
        known = plan_at(database, 0)
        lost = known.id + HOUR
        before = join(database, "ana@example.org", -HOUR)
        between = join(database, "bo@example.org", HOUR // 2)
        after = join(database, "zoe@example.org", 2 * HOUR)
        assert [joined_after(database, number, lost) for number in (before, between, after)] == [False, False, True]
        assert not joined_after(database, after, known.id), "a clock may have been wrong"
        assert not joined_after(database, after, 0), "no mailing"


@pytest.mark.parametrize(("joined", "effect"), [(-HOUR, Effect.SUPPRESSED), (HOUR, Effect.NOBODY)])
def test_a_report_on_a_mailing_that_the_copy_does_not_know_strikes_nobody_who_joined_after_it(
    tmp_path: Path, joined: int, effect: Effect
) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with open_database(f"sqlite:///{here}") as database:
        load_keys(database)
        old = join(database, "ana@example.org", joined) if joined < 0 else 0
    shutil.copy(here, copy)
    with open_database(f"sqlite:///{here}") as database:
        whom = old or join(database, "ana@example.org", -1)
        lost = plan_at(database, 0)
    with open_database(f"sqlite:///{copy}") as database:
        if not old:
            assert join(database, "bo@example.org", joined) == whom, "the number is given once more"
        now = int((NOW + timedelta(days=1)).timestamp())
        (told,) = receive(database, [bounce(lost, whom)], now)
    assert told.effect is effect


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
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 1)
        mail(database, "2026-11-hello")
    here.unlink()
    with open_database(f"sqlite:///{here}") as database:
        assert not is_old_copy(database)


def test_a_copy_made_in_the_middle_of_a_mailing_is_known_as_one_once_that_went_on(tmp_path: Path) -> None:
    here, copy = tmp_path / "newsletter.db", tmp_path / "copy.db"
    with open_database(f"sqlite:///{here}") as database:
        fill_list(database, 3)
        mailing = plan_at(database, 0)
        now = int(NOW.timestamp())
        lease = leases.join(database, mailing.id, Worker("host", "boot", 1), now, lambda _: True)
        with closing(sqlite3.connect(copy)) as target, closing(sqlite3.connect(here)) as source:
            source.backup(target)
        beat(database, lease, now + 15)
        assert not is_old_copy(database)
    shutil.copy(copy, here)
    with open_database(f"sqlite:///{here}") as database:
        assert is_old_copy(database)


@pytest.mark.parametrize("content", ["", "x", "-1", "99999999999999999999"])
def test_a_file_that_says_nonsense_harms_nothing(tmp_path: Path, content: str) -> None:
    with open_database(f"sqlite:///{tmp_path}/newsletter.db") as database:
        (tmp_path / "newsletter.db-sent").write_text(content)
        is_old_copy(database)
        accept_copy(database)
        assert not is_old_copy(database)
        fill_list(database, 1)
        mail(database, "2026-11-hello")
