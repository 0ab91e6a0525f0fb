"""Tokens in the database: all limits or none, every process counted, nothing lost that was given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.limits import ALL, Rate
from newsletter.store.database import open_database
from newsletter.store.leases import Worker, holder, join, take_over
from newsletter.store.tokens import HOLD_SECONDS, Grant, hold, leave, owe, refund, spend, used_today
from tests.support.sending import plan
from tests.support.stores import new_list, new_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.store.database import Database

NOW = 1_800_000_000_000
TODAY = 739_000
ORANGE = {"orange": Rate(20, 1)}  # a burst of 3


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


def test_a_new_limit_lets_a_burst_go_and_then_says_when_the_next_one_may(database: Database) -> None:
    assert spend(database, 100, ORANGE, {}, TODAY, NOW) == Grant(3)
    assert spend(database, 100, ORANGE, {}, TODAY, NOW) == Grant(0, "orange", NOW + 50)
    assert spend(database, 100, ORANGE, {}, TODAY, NOW + 49) == Grant(0, "orange", NOW + 50)
    assert spend(database, 100, ORANGE, {}, TODAY, NOW + 50) == Grant(1)


def test_a_quick_rate_gives_a_portion_or_nothing_and_says_when_there_is_one(database: Database) -> None:
    quick = {ALL: Rate(1000, 1)}  # a burst of 101, in portions of 50
    first = spend(database, 500, quick, {}, TODAY, NOW)
    assert (first.number, first.again_at) == (101, NOW + 50)
    assert spend(database, 500, quick, {}, TODAY, NOW + 49) == Grant(0, ALL, NOW + 50)
    assert spend(database, 3, quick, {}, TODAY, NOW + 49) == Grant(3), "who needs no more is not kept waiting"
    assert spend(database, 500, quick, {}, TODAY, NOW + 53) == Grant(50)
    assert spend(database, 1, quick, {}, TODAY, NOW + 53) == Grant(0, ALL, NOW + 54)


def test_who_pays_two_limits_takes_no_token_of_one_without_one_of_the_other(database: Database) -> None:
    both = {ALL: Rate(1000, 1), **ORANGE}
    assert spend(database, 3, both, {}, TODAY, NOW) == Grant(3)
    for _ in range(50):
        assert spend(database, 1, both, {}, TODAY, NOW).limit == "orange"
    assert spend(database, 200, {ALL: Rate(1000, 1)}, {}, TODAY, NOW) == Grant(101 - 3)


def test_what_cannot_wait_is_owed_and_who_comes_next_waits_until_it_is_paid(database: Database) -> None:
    owe(database, 5, ORANGE, ["orange"], TODAY, NOW)  # two more than there are
    assert spend(database, 100, ORANGE, {}, TODAY, NOW) == Grant(0, "orange", NOW + 150)
    assert spend(database, 100, ORANGE, {}, TODAY, NOW + 149).number == 0
    assert spend(database, 100, ORANGE, {}, TODAY, NOW + 150) == Grant(1)
    assert used_today(database, "orange", TODAY) == 5
    assert spend(database, 1, {}, {"orange": 5}, TODAY, NOW + 200) == Grant(0, "orange")


def test_of_two_empty_limits_the_later_one_is_named(database: Database) -> None:
    both = {ALL: Rate(10, 1), "orange": Rate(1, 1)}
    assert spend(database, 1, both, {}, TODAY, NOW) == Grant(1)
    spend(database, 1, {ALL: Rate(10, 1)}, {}, TODAY, NOW)
    assert spend(database, 1, both, {}, TODAY, NOW).limit == "orange"


def test_a_rate_that_was_changed_begins_anew(database: Database) -> None:
    assert spend(database, 100, ORANGE, {}, TODAY, NOW).number == 3
    assert spend(database, 100, {"orange": Rate(60, 60)}, {}, TODAY, NOW).number == 1


def test_a_daily_cap_is_for_a_day(database: Database) -> None:
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(6)
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(4)
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(0, ALL)
    assert used_today(database, ALL, TODAY) == 10
    assert spend(database, 6, {}, {ALL: 10}, TODAY + 1, NOW) == Grant(6)
    assert used_today(database, ALL, TODAY) == 0


def test_those_who_spend_and_hold_at_once_take_together_what_there_is(tmp_path: Path) -> None:
    def take(who: int) -> tuple[int, int]:
        with open_database(url) as own:
            spent = sum(spend(own, 7, {}, {ALL: 100}, TODAY, NOW).number for _ in range(8))
            return spent, hold(own, "orange", f"sender {who}", 3, 0, 5, NOW // 1000)

    with new_list(tmp_path) as url, ThreadPoolExecutor(4) as crew:
        open_database(url).close()
        spent, held = zip(*crew.map(take, range(4)), strict=True)
    assert sum(spent) == 100
    assert sum(held) <= 5


def test_two_hosts_for_whom_it_is_another_day_share_the_cap_of_the_later_one(database: Database) -> None:
    assert spend(database, 4, {}, {ALL: 10}, TODAY, NOW) == Grant(4)
    assert spend(database, 6, {}, {ALL: 10}, TODAY + 1, NOW) == Grant(6), "it is past midnight there"
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(4), "and not yet here"
    for day in (TODAY + 1, TODAY, TODAY + 1):
        assert spend(database, 1, {}, {ALL: 10}, day, NOW) == Grant(0, ALL)
    assert used_today(database, ALL, TODAY + 1) == 10
    assert spend(database, 6, {}, {ALL: 10}, TODAY + 2, NOW) == Grant(6)


def test_a_clock_that_was_days_ahead_leaves_no_cap_behind(database: Database) -> None:
    assert spend(database, 10, {}, {ALL: 10}, TODAY + 300, NOW) == Grant(10)
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(6)
    assert spend(database, 6, {}, {ALL: 10}, TODAY, NOW) == Grant(4)


def test_a_cap_that_is_reached_takes_no_token_of_a_rate(database: Database) -> None:
    spend(database, 1, {}, {ALL: 1}, TODAY, NOW)
    assert spend(database, 1, ORANGE, {ALL: 1}, TODAY, NOW) == Grant(0, ALL)
    assert spend(database, 100, ORANGE, {}, TODAY, NOW) == Grant(3)


def test_a_rate_and_a_cap_of_the_same_name_are_two_limits(database: Database) -> None:
    assert spend(database, 100, ORANGE, {"orange": 4}, TODAY, NOW) == Grant(3)
    assert spend(database, 100, ORANGE, {"orange": 4}, TODAY, NOW) == Grant(0, "orange", NOW + 50)
    assert spend(database, 100, ORANGE, {"orange": 4}, TODAY, NOW + 500) == Grant(1)
    assert spend(database, 100, ORANGE, {"orange": 4}, TODAY, NOW + 5000) == Grant(0, "orange")


def test_what_was_not_used_goes_back_to_the_cap_of_that_day_and_never_makes_it_larger(database: Database) -> None:
    spend(database, 10, {}, {ALL: 10}, TODAY, NOW)
    refund(database, 3, [ALL], TODAY)
    assert spend(database, 10, {}, {ALL: 10}, TODAY, NOW) == Grant(3)
    refund(database, 3, [ALL], TODAY - 1)
    assert spend(database, 10, {}, {ALL: 10}, TODAY, NOW) == Grant(0, ALL)
    refund(database, 100, [ALL], TODAY)
    assert spend(database, 100, {}, {ALL: 10}, TODAY, NOW) == Grant(10)


# ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_is_alone_gets_all_places_and_shares_them_with_who_comes_later(database: Database) -> None:
    assert hold(database, "orange", "a", 9, 0, 4, 100) == 4
    assert hold(database, "orange", "b", 9, 0, 4, 100) == 0
    assert hold(database, "orange", "a", 9, 3, 4, 101) == 3, "three are under way still"
    assert hold(database, "orange", "b", 9, 0, 4, 101) == 1
    assert hold(database, "orange", "a", 9, 1, 4, 102) == 2
    assert hold(database, "orange", "b", 9, 1, 4, 102) == 2


def test_places_of_one_who_left_or_died_are_free_again(database: Database) -> None:
    assert hold(database, "orange", "a", 9, 0, 2, 100) == 2
    leave(database, "a")
    assert hold(database, "orange", "b", 9, 0, 2, 100) == 2
    assert hold(database, "orange", "c", 9, 0, 2, 100 + HOLD_SECONDS) == 2


def test_who_is_taken_over_from_holds_no_places_any_more_and_the_others_keep_theirs(database: Database) -> None:
    mailing = plan(database)
    now = mailing.id
    gone = join(database, mailing.id, Worker("here", "boot", 1), now, lambda _: True)
    there = join(database, mailing.id, Worker("elsewhere", "boot", 1), now, lambda _: True)
    for name in (holder(gone), holder(there), "1/1"):
        hold(database, name, name, 1, 0, 1, now)
    assert take_over(database, mailing.id, Worker("here", "boot", 2), now, lambda _: False) == 1
    with database.reading() as connection:
        left = {name for (name,) in connection.execute("SELECT holder FROM places")}
    assert left == {holder(there), "1/1"}


askers = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 6), st.integers(0, 2)), max_size=40)


@settings(max_examples=50)
@given(st.integers(1, 6), askers)
def test_whoever_asks_in_whatever_order_no_more_places_are_held_than_there_are(
    limit: int, asked: list[tuple[str, int, int]]
) -> None:
    with new_store() as database:
        held: dict[str, int] = {}
        for who, wanted, busy in asked:
            busy = min(busy, held.get(who, 0))
            held[who] = hold(database, "orange", who, wanted, busy, limit, 100)
            assert held[who] >= busy
            assert sum(held.values()) <= limit
