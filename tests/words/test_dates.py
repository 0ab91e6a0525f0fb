"""A date is read in every form that is clear, and refused in every form that would need a guess."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.dates import NotADate, read_date

CLEAR = [
    "2022-07-15",
    "2022-7-15",
    "2022/07/15",
    "2022.07.15",
    "20220715",
    "2022-07-15T10:00:00Z",
    "2022-07-15T10:00:00.000Z",
    "2022-07-15T23:30:00-05:00",
    "2022-07-15 10:00",
    "2022-07-15 10:00:00 +0200",
    "2022-07-15 10:00:00 +0200 CEST",
    "2022-07-15, 10:00 PM",
    "Jul 15 2022",
    "July 15, 2022",
    "jul 15th, 2022",
    "15 July 2022",
    "15-Jul-2022",
    "Fri Jul 15 2022",
    "Fri, 15 Jul 2022 10:00:00 GMT",
    "Fri Jul 15 2022 10:00:00 GMT+0200 (CEST)",
    "Fri Jul 15 10:00:00 2022",
    "07/15/2022",
    "15/07/2022",
    "15.07.2022",
    "15/07/2022 10:00",
    "15 juillet 2022",
    "vendredi 15 juillet 2022",
    "le 15 Juil. 2022",
    "  15\u00a0juillet 2022 ",
]


@pytest.mark.parametrize("text", CLEAR)
def test_a_clear_date_is_read(text: str) -> None:
    assert read_date(text) == datetime.date(2022, 7, 15)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1er août 2022", "2022-08-01"),
        ("1 aout 2022", "2022-08-01"),
        ("3 févr. 2022", "2022-02-03"),
        ("dimanche 25 décembre 2022", "2022-12-25"),
        ("2 mai 2022", "2022-05-02"),
        ("30 juin 2022", "2022-06-30"),
        ("03/03/2022", "2022-03-03"),
        ("0001-01-01", "0001-01-01"),
        ("2024-02-29", "2024-02-29"),
        ("2022-03-04", "2022-03-04"),
        ("2022/03/04 10:00", "2022-03-04"),
    ],
)
def test_other_days(text: str, date: str) -> None:
    assert read_date(text) == datetime.date.fromisoformat(date)


REFUSED = [
    ("next tuesday", "is not a date"),
    ("tomorrow", "is not a date"),
    ("", "is not a date"),
    ("-", "is not a date"),
    ("Friday", "is not a date"),
    ("10:30", "is not a date"),
    ("1657843200", "is not a date"),
    ("2022-W28-5", "is not a date"),
    ("2022-07-15 foo", "is not a date"),
    ("2022-07-15/2022-07-16", "is not a date"),
    ("2022-07-15T25:00:00", "is not a date"),
    ("-2022-07-15", "is not a date"),
    ("٢٠٢٢-٠٧-١٥", "is not a date"),
    ("1" * 1000, "is not a date"),
    ("2022-02-30", "is not a date: 2022-02 has 28 days"),
    ("2022-13-01", "is not a date: there is no month 13"),
    ("2022-0-01", "is not a date: there is no month 0"),
    ("0000-01-01", "is not a date: the calendar begins with the year 1"),
    ("31 février 2022", "is not a date: 2022-02 has 28 days"),
    ("July 2022", "is not a whole date: it lacks the day"),
    ("July 15", "is not a whole date: it lacks the year"),
    ("2022", "is not a whole date: it lacks the month and the day"),
    ("15", "is not a whole date: it lacks the year and the month"),
    ("2022-07", "is not a whole date: it lacks the day"),
    ("10 fri 2022", "is not a whole date: it lacks the day"),
    ("Jul 15 22", "does not give the year in four digits"),
    ("07/15/22", "does not give the year in four digits"),
    ("01/02/03", "does not give the year in four digits"),
    ("102022", "does not give the year in four digits"),
    ("03/04/2022", "can be read in more than one way"),
    ("03.04.2022", "can be read in more than one way"),
    ("3-4-2022", "can be read in more than one way"),
    ("Mon, 15 Jul 2022", "contradicts itself: 2022-07-15 is a Friday"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[text[:30] for text, _ in REFUSED])
def test_a_date_that_would_need_a_guess_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotADate) as caught:
        read_date(text)
    assert str(caught.value).endswith(why)
    assert caught.value.fix


def test_the_refusal_of_an_ambiguous_date_names_both_readings() -> None:
    with pytest.raises(NotADate) as caught:
        read_date("03/04/2022")
    assert caught.value.fix == "write 2022-03-04 or 2022-04-03"


FORMS = ["%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%SZ", "%d %B %Y", "%B %d, %Y", "%a, %d %b %Y %H:%M:%S", "%b %d %Y"]


@given(st.dates(datetime.date(1000, 1, 1)), st.sampled_from(FORMS))
def test_what_a_tool_writes_is_read_as_that_day(date: datetime.date, form: str) -> None:
    assert read_date(date.strftime(form)) == date


@given(st.dates(datetime.date(1000, 1, 1)), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y"]))
def test_numbers_alone_are_read_rightly_or_not_at_all(date: datetime.date, form: str) -> None:
    swapped = date.day <= 12 and date.day != date.month
    if swapped:
        with pytest.raises(NotADate):
            read_date(date.strftime(form))
    else:
        assert read_date(date.strftime(form)) == date


PIECES = [
    "jul",
    "15",
    "2022",
    "10",
    ":",
    ".",
    "-",
    "/",
    " ",
    "T",
    "Z",
    "am",
    "fri",
    ",",
    "22",
    "th",
    "of",
    "+",
    "²",
    "١",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=10).map("".join))
def test_any_text_is_a_date_whose_year_it_says_or_is_refused(text: str) -> None:
    try:
        date = read_date(text)
    except NotADate:
        return
    assert f"{date.year:04}" in text
