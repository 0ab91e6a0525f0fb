"""Moments as authors write them, on the clocks of a zone; and the same hour on everybody's own clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.timing import Local, NotAMoment, Timing, local_moment, read_local, read_moment, read_stretch

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("text", "in_utc"),
    [
        ("2026-12-01 08:00", "2026-12-01T07:00"),
        ("2026-07-01  8:00", "2026-07-01T06:00"),
        ("2026-12-01T08:00", "2026-12-01T07:00"),
        ("2026-12-01 8h00", "2026-12-01T07:00"),
        ("2026-12-01 08:00 -05:00", "2026-12-01T13:00"),
        ("2026-12-01T08:00Z", "2026-12-01T08:00"),
        ("2026-10-25 02:30 +02:00", "2026-10-25T00:30"),
        ("2026-10-25 02:30 +01:00", "2026-10-25T01:30"),
        ("2026-10-25 03:00", "2026-10-25T02:00"),
        ("now", "2026-01-01T12:00"),
    ],
)
def test_a_moment_is_read_on_the_clocks_of_the_newsletters_zone(text: str, in_utc: str) -> None:
    assert read_moment(text, PARIS, NOW).astimezone(UTC) == datetime.fromisoformat(in_utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why", "fix"),
    [
        ("2026-03-29 02:30", "does not exist in Europe/Paris", '"2026-03-29 01:30" or "2026-03-29 03:30"'),
        ("2026-10-25 02:30", "comes twice", '"2026-10-25 02:30 +02:00" or "2026-10-25 02:30 +01:00"'),
        ("2025-12-01 08:00", "is over: it is 2026-01-01 13:00 there", "write it as"),
        ("2026-02-30 08:00", "in the calendar", "write it as"),
        ("2026-12-01 24:00", "in the calendar", "write it as"),
        ("tomorrow at eight", "not a day and an hour", "write it as"),
        ("01/12/2026 08:00", "not a day and an hour", "write it as"),
    ],
)
def test_what_is_no_moment_or_two_is_refused_with_what_would_be_right(text: str, why: str, fix: str) -> None:
    with pytest.raises(NotAMoment, match=why) as caught:
        read_moment(text, PARIS, NOW)
    assert fix in caught.value.fix


def test_without_a_zone_the_author_is_asked_for_one() -> None:
    with pytest.raises(NotAMoment, match="another moment in each time zone") as caught:
        read_moment("2026-12-01 08:00", "", NOW)
    assert 'timezone = "Europe/Paris"' in caught.value.fix


@pytest.mark.parametrize(
    ("local", "zone", "in_utc"),
    [
        ("13:30", PARIS, "2026-01-01T12:30"),  # still today
        ("08:00", PARIS, "2026-01-02T07:00"),  # today's is over
        ("08:00", "Asia/Tokyo", "2026-01-01T23:00"),
        ("08:00", "America/Los_Angeles", "2026-01-01T16:00"),
        ("08:00", "", "2026-01-02T07:00"),  # the newsletter's
        ("08:00", "Mars/Olympus", "2026-01-02T07:00"),
        ("2026-03-29 02:30", PARIS, "2026-03-29T01:30"),  # 03:30 on the clocks
        ("2026-10-25 02:30", PARIS, "2026-10-25T00:30"),  # the first of two
    ],
)
def test_a_wave_goes_when_a_recipients_own_clock_shows_the_hour(local: str, zone: str, in_utc: str) -> None:
    moment = Timing(local=read_local(local)).moment_for(zone, PARIS, NOW)
    assert moment == datetime.fromisoformat(in_utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["8", "25:00", "08:00 +01:00", "2026-02-30 08:00", "morning"])
def test_what_is_no_hour_of_every_clock_is_refused(text: str) -> None:
    with pytest.raises(NotAMoment):
        read_local(text)


@pytest.mark.parametrize(("text", "seconds"), [("6h", 21_600), ("90min", 5400), ("90 m", 5400), ("2 days", 172_800)])
def test_a_stretch_of_time_is_read_in_its_units(text: str, seconds: int) -> None:
    assert read_stretch(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "0h", "8 days", "-1h", "1.5h", "6 weeks"])
def test_a_stretch_is_between_a_minute_and_a_week(text: str) -> None:
    with pytest.raises(NotAMoment, match="between a minute and a week"):
        read_stretch(text)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.times())
def test_the_next_hour_of_any_clock_is_within_a_day_and_an_hour_and_never_before_now(now: datetime, hour: time) -> None:
    for zone in (PARIS, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"):
        moment = local_moment(Local(hour), ZoneInfo(zone), now.replace(tzinfo=UTC))
        assert timedelta(0) <= moment - now.replace(tzinfo=UTC) <= timedelta(hours=25)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (lambda: read_moment(text, PARIS, NOW), lambda: read_local(text), lambda: read_stretch(text)):
        with suppress(NotAMoment):
            assert read() is not None
