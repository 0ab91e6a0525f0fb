"""A database restored from an old copy: what is sent after it is never taken for what was sent before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.receive import Effect, receive
from newsletter.bounce import BounceClass
from newsletter.event import Event, EventKind
from newsletter.links import Signer
from newsletter.outcome import Reply
from newsletter.store.database import open_database
from newsletter.store.keys import load_keys
from newsletter.store.mailings import joined_after
from tests.support.sending import NOW, fill_list, plan
from tests.support.stores import copied, new_list, new_store

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

HOUR = 3600


def plan_at(database: Database, seconds: int, issue: str = "2026-11-hello") -> Mailing:
    return plan(database, issue=issue, now=int(NOW.timestamp()) + seconds)


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
    names: list[set[str]] = []
    with new_list(tmp_path) as here:
        with open_database(here) as database:
            fill_list(database, 3)
            load_keys(database)
            plan_at(database, 0)
        with copied(here, tmp_path) as copy:
            for url, seconds in ((here, HOUR), (copy, 24 * HOUR)):
                with open_database(url) as database:
                    later = plan_at(database, seconds, issue="2026-12-next")
                    signer = Signer(load_keys(database))
                    names.append(
                        {signer.message_id(later.id, n, "example.org") for n in (1, 2, 3)}
                        | {signer.return_path(later.id, n, "bounces@example.org") for n in (1, 2, 3)}
                    )
    assert [len(each) for each in names] == [6, 6]
    assert not names[0] & names[1]


def test_mailings_planned_in_the_same_second_or_by_a_clock_that_was_set_back_have_numbers_of_their_own() -> None:
    with new_store() as database:
        fill_list(database, 1)
        numbers = [plan_at(database, seconds, issue=f"i{n}").id for n, seconds in enumerate((0, 0, -HOUR, 5))]
    assert numbers == sorted(set(numbers))


def test_a_link_in_such_a_mailing_leads_to_nobody_who_joined_after_it() -> None:
    with new_store() as database:
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
    with new_list(tmp_path) as here:
        with open_database(here) as database:
            load_keys(database)
            old = join(database, "ana@example.org", joined) if joined < 0 else 0
        with copied(here, tmp_path) as copy:
            with open_database(here) as database:
                whom = old or join(database, "ana@example.org", -1)
                lost = plan_at(database, 0)
            with open_database(copy) as database:
                if not old:
                    assert join(database, "bo@example.org", joined) == whom, "the number is given once more"
                now = int((NOW + timedelta(days=1)).timestamp())
                (told,) = receive(database, [bounce(lost, whom)], now)
    assert told.effect is effect
