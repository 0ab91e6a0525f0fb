"""When a deferred delivery is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery import Schedule, is_greylisting
from newsletter.outcome import Reply

NOW = 1_800_000_000
LATER = Reply(451, "4.3.0", "later")
GREY = Reply(450, "4.2.0", "<reader@example.org>: Recipient address rejected: Greylisted, see the postmaster's page")


def waits(schedule: Schedule, reply: Reply = LATER, name: str = "1/7") -> list[int]:
    """The seconds between tries, until it gives up, for somebody who comes back at once each time."""
    out, now, attempts = [], NOW, 1
    while (due := schedule.next_try(reply, attempts, NOW, now, name)) is not None:
        out.append(due - now)
        now, attempts = due, attempts + 1
    return out


@given(st.text())
def test_each_wait_is_the_planned_one_give_or_take_a_fifth_and_all_together_a_day(name: str) -> None:
    *some, last = waits(Schedule(), name=name)
    planned = [5, 15, 30, 60, 120, 240, 240, 240, 240, 240, 240, 240]
    for wait, minutes in zip(some, planned, strict=False):
        assert 0.8 * 60 * minutes <= wait <= 1.2 * 60 * minutes
    assert last <= 1.2 * 60 * 240
    assert sum(some) + last == 24 * 3600


def test_those_who_were_deferred_together_come_back_apart_but_each_at_the_same_time_at_every_reckoning() -> None:
    due = [Schedule().next_try(LATER, 1, NOW, NOW, f"1/{key}") for key in range(100)]
    assert due == [Schedule().next_try(LATER, 1, NOW, NOW, f"1/{key}") for key in range(100)]
    assert len(set(due)) > 50


def test_a_schedule_of_ones_own_counts() -> None:
    schedule = Schedule(minutes=(1, 2), give_up_after_hours=1)
    assert 48 <= waits(schedule)[0] <= 72
    assert sum(waits(schedule)) == 3600


def test_who_comes_back_days_later_is_tried_once_and_then_given_up() -> None:
    assert Schedule().next_try(LATER, 2, NOW, NOW + 3 * 86_400, "1/7") is None


@pytest.mark.parametrize(
    "reply",
    [
        GREY,
        Reply(451, "4.7.1", "Please try again later"),
        Reply(450, "", "graylisting in effect"),
        Reply(450, "4.7.1", "grey listed"),
    ],
)
def test_greylisting_wants_to_see_five_minutes_pass_whatever_the_schedule_says(reply: Reply) -> None:
    assert waits(Schedule(minutes=(1,)), reply)[0] == 300


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, please try again in 900 seconds", 900),
        ("try again in 45 minutes", 2700),
        ("Try again after 2 hours", 7200),
        ("wait 1200s", 1200),
        ("retry in 20 min", 1200),
        ("please come back in at least 30 minutes.", 1800),
        ("too much mail from 192.0.2.7 for 5 seasons", 0),
        ("try again in 5 moons", 0),
        ("try again in 500 ms", 0),
        ("wait 90 m", 5400),
    ],
)
def test_a_server_that_says_how_long_to_wait_is_heeded(text: str, seconds: int) -> None:
    assert waits(Schedule(minutes=(1,)), Reply(450, "4.2.0", text))[0] in ([seconds] if seconds else range(48, 73))


def test_a_server_that_asks_for_too_much_gets_one_last_try_when_the_time_is_over() -> None:
    assert waits(Schedule(), Reply(450, "", "try again in 9000 hours")) == [24 * 3600]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (GREY, True),
        (Reply(450, "4.7.1", "Client host rejected: cannot find your hostname"), False),
        (Reply(550, "5.7.1", "we do greylisting, and you are refused"), False),
    ],
)
def test_greylisting_is_told_from_a_refusal(reply: Reply, expected: bool) -> None:
    assert is_greylisting(reply) is expected
