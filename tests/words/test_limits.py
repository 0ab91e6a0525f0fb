"""Rates, caps, warm-up and groups: what they let through, and never more."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.limits import (
    ALL,
    GROUPS,
    Bucket,
    Limit,
    Limits,
    Rate,
    parse_rate,
    ready_at,
    refilled,
    spent,
    tokens_in,
)

DAY = date(2026, 11, 21)
rates = st.builds(Rate, st.integers(1, 100_000), st.sampled_from([1, 60, 3600, 86_400]))


@pytest.mark.parametrize(
    ("rate", "portion"),
    [
        (Rate(2000, 1), 100),
        (Rate(100, 1), 5),
        (Rate(99, 1), 1),
        (Rate(50, 1), 1),
        (Rate(6000, 60), 5),
        (Rate(10, 60), 1),
        (Rate(1, 86_400), 1),
    ],
    ids=str,
)
def test_a_quick_rate_is_handed_out_in_portions_of_half_a_burst_and_a_slow_one_evenly(rate: Rate, portion: int) -> None:
    assert rate.portion == portion <= rate.burst
    empty = spent(refilled(None, rate, 1000), rate, rate.burst)
    then = ready_at(empty, rate, portion)
    assert tokens_in(refilled(empty, rate, then), rate) == portion
    assert tokens_in(refilled(empty, rate, then - 1), rate) < portion


def take(bucket: Bucket | None, rate: Rate, wanted: int, now: int) -> tuple[Bucket, int]:
    full = refilled(bucket, rate, now)
    number = min(wanted, tokens_in(full, rate))
    return spent(full, rate, number), number


# ── rates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", Rate(50, 1)),
        ("2/sec", Rate(2, 1)),
        ("120/min", Rate(120, 60)),
        ("3000/h", Rate(3000, 3600)),
        (" 3000 / Hour ", Rate(3000, 3600)),
        ("20000/day", Rate(20_000, 86_400)),
        ("20000/days", Rate(20_000, 86_400)),
        ("0/s", None),
        ("50", None),
        ("50 per second", None),
        ("1.5/s", None),
        ("-2/s", None),
        ("5/m", None),
        ("", None),
        ("99999999999/s", None),
    ],
)
def test_a_rate_is_a_number_of_messages_in_a_unit_of_time(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@given(rates)
def test_a_rate_is_printed_as_it_is_read(rate: Rate) -> None:
    assert parse_rate(str(rate)) == rate


# Several processes ask whenever they like, each for as many as it likes, each with a clock of its own.
asks = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 300), st.integers(-20, 20)), min_size=1, max_size=60)


@given(rates, asks)
def test_in_no_stretch_of_time_are_there_more_than_the_rate_and_a_burst(
    rate: Rate, asked: list[tuple[int, int, int]]
) -> None:
    bucket, now, grants = None, 1_800_000_000_000, []
    for pause, wanted, skew in asked:
        now += pause
        bucket, number = take(bucket, rate, wanted, now + skew)
        grants.append((bucket.at, number))
    for first in range(len(grants)):
        total = 0
        for at, number in grants[first:]:
            total += number
            elapsed = at - grants[first][0]
            assert total * rate.cost <= elapsed * rate.messages + rate.most


@given(rates, st.integers(1, 50))
def test_who_comes_when_the_bucket_says_so_finds_a_token_and_not_a_millisecond_sooner(rate: Rate, times: int) -> None:
    bucket, now = None, 1_800_000_000_000
    for _ in range(times):
        bucket, _ = take(bucket, rate, rate.burst, now)
        then = ready_at(bucket, rate)
        assert tokens_in(refilled(bucket, rate, then), rate) >= 1
        assert then == now or tokens_in(refilled(bucket, rate, then - 1), rate) == 0
        now = then


@given(rates, st.integers(1, 20))
def test_no_fraction_is_lost_who_takes_each_token_at_once_gets_the_whole_rate(rate: Rate, periods: int) -> None:
    if rate.messages * periods > 2000:
        rate = Rate(2000 // periods, rate.seconds)
    start = 1_800_000_000_000
    bucket, now, number = Bucket(0, start), start, 0
    end = start + periods * rate.seconds * 1000
    while (now := ready_at(bucket, rate)) <= end:
        bucket, got = take(bucket, rate, rate.burst, now)
        number += got
    assert number == rate.messages * periods


def test_a_clock_that_was_set_back_does_not_stop_the_sending_for_as_long() -> None:
    rate, late = Rate(1, 1), 1_900_000_000_000
    bucket, _ = take(None, rate, 1, late)
    bucket, got = take(bucket, rate, 1, late - 10_000_000)
    assert got == 0
    assert ready_at(bucket, rate) <= late - 10_000_000 + 1000


@pytest.mark.parametrize(("text", "burst"), [("1000/s", 101), ("50/s", 6), ("10/s", 2), ("9/s", 1), ("20000/day", 1)])
def test_a_burst_is_one_message_and_a_tenth_of_a_second(text: str, burst: int) -> None:
    rate = parse_rate(text)
    assert rate
    assert rate.burst == burst


def test_who_comes_a_tenth_of_a_second_late_loses_nothing() -> None:
    bucket, now, number = Bucket(0, 0), 0, 0
    while now < 60_000:
        bucket, got = take(bucket, Rate(3, 1), 10, now)
        number += got
        now += 100
    assert number == 3 * 60 - 1


# ── caps and warm-up ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_warm_up_grows_from_day_to_day_and_then_is_over() -> None:
    limits = Limits(warmup=(200, 500, 1000), warmup_from=DAY)
    assert [limits.cap(DAY + timedelta(days=number)) for number in range(-2, 5)] == [
        200,
        200,
        200,
        500,
        1000,
        None,
        None,
    ]
    assert [limits.warmup_day(DAY + timedelta(days=number)) for number in range(4)] == [1, 2, 3, None]


def test_the_smaller_of_cap_and_warm_up_counts() -> None:
    limits = Limits(daily=400, warmup=(200, 500), warmup_from=DAY)
    assert [limits.cap(DAY + timedelta(days=number)) for number in range(3)] == [200, 400, 400]


def test_no_limits_are_told_from_some() -> None:
    assert not Limits()
    assert Limits(daily=0)
    assert Limits(rates={ALL: Rate(1, 1)})
    assert Limits(groups={"orange": Limit(in_flight=2)})


def test_limits_are_told_on_one_line() -> None:
    limits = Limits(
        rates={ALL: Rate(50, 1), "transport relay": Rate(3000, 3600)},
        daily=5000,
        warmup=(200, 500),
        warmup_from=DAY,
        groups={"orange": Limit(Rate(2, 1), 2), "laposte": Limit(daily=100)},
    )
    groups = "orange 2/s, 2 at once; laposte 100 a day"
    assert limits.told(DAY) == f"50/s; 3000/h; 200 a day (day 1 of the warm-up); {groups}"
    assert limits.told(DAY + timedelta(days=2)) == f"50/s; 3000/h; 5,000 a day; {groups}"
    assert limits.seconds_for(6000) == 7200
    assert Limits(daily=5).seconds_for(6000) == 0


# ── groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_domain_is_in_two_groups() -> None:
    domains = [domain for group in GROUPS.values() for domain in group.domains]
    assert len(domains) == len(set(domains))
    assert all(domain == domain.lower() and "." in domain for domain in domains)


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("gmail-smtp-in.l.google.com.", "google"),
        ("aspmx.l.google.com", "google"),
        ("example-org.mail.protection.outlook.com", "microsoft"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("SMTP-IN.orange.fr", "orange"),
        ("smtpz4.laposte.net", "laposte"),
        ("mx1.free.fr", "free"),
        ("smtp-in.sfr.fr", "sfr"),
        ("mx.example.org", ""),
        ("notorange.fr", ""),
        ("orange.fr.example.org", ""),
    ],
)
def test_a_mail_server_is_known_by_the_end_of_its_name(host: str, group: str) -> None:
    name = "." + host.lower().rstrip(".")
    assert [key for key, known in GROUPS.items() if name.endswith(known.mx)] == ([group] if group else [])


def test_an_authors_group_may_add_domains_to_a_known_one_or_stand_alone() -> None:
    limits = Limits(groups={"laposte": Limit(domains=("example.com",)), "club": Limit(domains=("example.org",))})
    assert limits.domains("laposte") == ("laposte.net", "example.com")
    assert limits.domains("club") == ("example.org",)
