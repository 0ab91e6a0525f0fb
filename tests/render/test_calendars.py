"""Events as files for calendar programs: what those read in them, which events have one, and where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from newsletter.edition import Edition, fill
from newsletter.issue import parse_issue
from newsletter.render import Site, read
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from newsletter.render.pipeline import Rendering

SITE = Site(
    title="The letter",
    base_url="https://letter.example.org",
    sender_name="Zoé, of the letter",
    sender_email="letter@example.org",
)
IN_PARIS = Site(title="The letter", timezone="Europe/Paris")
WALK = '::event[A walk — “up”; and down]{date=2026-12-06 time=10:30 end=16:00 place="Les Lilas, Nantes" href=/walk}'


def reading(markdown: str, site: Site = SITE, front: str = "date: 2026-11-20", form: Any = "email") -> Rendering:
    issue = parse_issue(f"---\ntitle: A title\n{front}\n---\n{markdown}", "issues/hello.md")
    return read(issue, read_theme("letter"), site, form=form)


def calendar(markdown: str, site: Site = SITE, front: str = "date: 2026-11-20") -> Any:
    (file,) = reading(markdown, site, front).calendars
    found = Calendar.from_ical(file.content)
    assert not found.errors
    return found


def event(markdown: str, site: Site = SITE, front: str = "date: 2026-11-20") -> Any:
    (found,) = calendar(markdown, site, front).events
    assert not found.errors
    return found


def texts(edition: Edition) -> tuple[str, str]:
    values = ["0"] * len(edition.expressions)
    return fill(edition.html, values), fill(edition.text, values)


# ── What a calendar program reads ────────────────────────────────────────────────────────────────────────────────────


def test_a_calendar_program_reads_what_the_issue_says() -> None:
    found = event(f":::{WALK[2:]}\nBring *shoes*.\n\nAnd a hat; or two, \\n three.\n:::")
    assert found["SUMMARY"] == "A walk — “up”; and down"
    assert found["LOCATION"] == "Les Lilas, Nantes"
    assert found["DESCRIPTION"] == "Bring shoes.\n\nAnd a hat; or two, \\n three."
    assert found["URL"] == "https://letter.example.org/walk"
    assert found["ORGANIZER"] == "mailto:letter@example.org"
    assert found["ORGANIZER"].params["CN"] == "Zoé, of the letter"


def test_it_is_published_and_asks_nobody_for_an_answer() -> None:
    found = calendar(WALK)
    assert (found["METHOD"], found["VERSION"]) == ("PUBLISH", "2.0")
    assert "ATTENDEE" not in found.events[0]


@pytest.mark.parametrize(
    ("said", "begin", "end"),
    [
        ("date=2026-12-06", date(2026, 12, 6), date(2026, 12, 7)),
        ("date=2026-12-24 until=2026-12-27", date(2026, 12, 24), date(2026, 12, 28)),
        ("date=2026-12-31", date(2026, 12, 31), date(2027, 1, 1)),
        ("date=2026-12-06 time=10:30", datetime(2026, 12, 6, 10, 30), datetime(2026, 12, 6, 10, 30)),
        ("date=2026-12-06 time=10:30 end=16:00", datetime(2026, 12, 6, 10, 30), datetime(2026, 12, 6, 16, 0)),
        (
            "date=2026-12-31 time=22:00 until=2027-01-01 end=02:00",
            datetime(2026, 12, 31, 22, 0),
            datetime(2027, 1, 1, 2, 0),
        ),
        ("date=2026-12-04 time=18:00 until=2026-12-06", datetime(2026, 12, 4, 18, 0), datetime(2026, 12, 7, 0, 0)),
    ],
)
def test_it_lasts_as_long_as_the_issue_says(said: str, begin: date, end: date) -> None:
    found = event(f"::event[A walk]{{{said}}}")
    assert (found.start, found.end) == (begin, end)


@pytest.mark.parametrize(
    ("markdown", "site", "zone"),
    [
        ("::event[A]{date=2026-07-06 time=10:30 zone=America/New_York}", SITE, "America/New_York"),
        ("::event[A]{date=2026-07-06 time=10:30}", IN_PARIS, "Europe/Paris"),
        ("::event[A]{date=2026-07-06 time=10:30 zone=Asia/Tokyo}", IN_PARIS, "Asia/Tokyo"),
    ],
)
def test_its_hours_are_those_of_its_zone_or_of_the_newsletters_and_the_file_says_what_that_zone_is(
    markdown: str, site: Site, zone: str
) -> None:
    found = calendar(markdown, site)
    assert found.events[0].start == datetime(2026, 7, 6, 10, 30, tzinfo=ZoneInfo(zone))
    assert [each.tz_name for each in found.timezones] == [zone]
    assert not found.get_missing_tzids()


def test_an_event_across_the_change_of_the_clocks_lasts_as_long_as_it_says() -> None:
    text = "::event[Night]{date=2026-10-24 time=22:00 until=2026-10-25 end=06:00 zone=Europe/Paris}"
    assert event(text).end.astimezone(UTC) - event(text).start.astimezone(UTC) == timedelta(hours=9)


def test_each_change_of_the_clocks_is_told_by_the_clock_that_it_ends() -> None:
    found = calendar("::event[A]{date=2027-12-30 until=2028-01-02 time=10:30}", IN_PARIS)
    onsets = {each.name: each for zone in found.timezones for each in zone.subcomponents}
    summer, winter = onsets["DAYLIGHT"], onsets["STANDARD"]
    assert (summer["DTSTART"].dt, winter["DTSTART"].dt) == (datetime(2027, 3, 28, 2), datetime(2027, 10, 31, 3))
    assert summer["RDATE"].dts[0].dt == datetime(2028, 3, 26, 2)


def test_without_a_zone_hours_are_those_of_wherever_the_reader_is() -> None:
    found = calendar(WALK)
    assert found.events[0].start.tzinfo is None
    assert not found.timezones


# ── The same bytes each time ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_event_is_the_same_file_at_any_time() -> None:
    assert reading(WALK).calendars == reading(WALK).calendars
    assert [file.content for file in reading(WALK).calendars] == [file.content for file in reading(WALK).calendars]


def test_its_name_for_calendars_stays_when_only_the_hour_or_the_place_changes() -> None:
    moved = WALK.replace("10:30", "11:00").replace("Les Lilas, ", "")
    assert event(WALK)["UID"] == event(moved)["UID"]
    assert event(WALK)["UID"].endswith("@letter.example.org")
    assert event(WALK)["UID"] != event(WALK.replace("12-06", "12-07"))["UID"]


@pytest.mark.parametrize(("front", "day"), [("date: 2026-11-20", (2026, 11, 20)), ("lang: en", (2026, 12, 6))])
def test_its_stamp_is_the_day_of_the_issue_or_else_its_own(front: str, day: tuple[int, int, int]) -> None:
    assert event(WALK, front=front)["DTSTAMP"].dt == datetime(*day, tzinfo=UTC)


# ── Which events have one, and where ─────────────────────────────────────────────────────────────────────────────────


def test_each_event_has_a_file_with_a_name_of_its_own() -> None:
    text = f"{WALK}\n\n::event[A walk up and down]{{date=2026-12-07}}\n\n::event[عيد]{{date=2026-12-08}}\n\n{WALK}"
    assert [file.name for file in reading(text).edition().files] == [
        "a-walk-up-and-down.ics",
        "a-walk-up-and-down-2.ics",
        "event.ics",
    ]


def test_what_is_attached_is_told_by_its_name_in_both_parts() -> None:
    html, text = texts(reading(WALK).edition())
    for part in (html, text):
        assert "open a-walk-up-and-down.ics, which is attached" in " ".join(part.split())


def test_a_file_on_the_web_is_linked_and_not_attached() -> None:
    rendering = reading(WALK)
    (file,) = rendering.calendars
    edition = rendering.edition((), {}, {file.digest: "https://img.example.org/walk.ics"})
    html, text = texts(edition)
    assert not edition.files
    assert '<a href="https://img.example.org/walk.ics"' in html
    assert "Add it to your calendar: https://img.example.org/walk.ics" in text


def test_a_file_in_the_archive_is_attached_and_linked() -> None:
    rendering = reading(WALK)
    (file,) = rendering.calendars
    edition = rendering.edition((), {}, {}, {file.digest: "https://letter.example.org/archive/walk.ics"})
    html, text = texts(edition)
    assert edition.files == (file,)
    assert '<a href="https://letter.example.org/archive/walk.ics"' in html
    assert "https://letter.example.org/archive/walk.ics" in text
    assert "attached" not in text


def test_an_event_in_a_condition_is_linked_in_the_archive_and_not_attached() -> None:
    rendering = reading("{% if subscriber.tags %}\n\n::event[A]{date=2026-12-06}\n\n{% endif %}")
    (file,) = rendering.calendars
    edition = rendering.edition((), {}, {}, {file.digest: "https://letter.example.org/archive/a.ics"})
    assert not edition.files
    assert '<a href="https://letter.example.org/archive/a.ics"' in texts(edition)[0]


@pytest.mark.parametrize(
    "markdown",
    [
        "::event[A]{date=2026-12-06 ics=/mine.ics}",
        "::event[A]{date=2026-12-06 ics=no}",
        "::event[For {{ subscriber.first_name }}]{date=2026-12-06}",
        "{% if subscriber.tags %}\n\n::event[A]{date=2026-12-06}\n\n{% endif %}",
        "{% if subscriber.tags %}\n\n:::lead\n::event[A]{date=2026-12-06}\n:::\n\n{% endif %}",
        ":::lead\n{% if subscriber.tags %}\n::event[A]{date=2026-12-06}\n{% endif %}\n:::",
        ":::web-only\n::event[A]{date=2026-12-06}\n:::\n\nText.",
    ],
)
def test_nothing_is_attached_that_is_not_for_everybody_or_that_the_author_has_seen_to(markdown: str) -> None:
    edition = reading(markdown).edition()
    assert not edition.files
    assert "attached" not in texts(edition)[1]


def test_an_event_in_a_condition_can_link_to_a_file_on_the_web() -> None:
    rendering = reading("{% if subscriber.tags %}\n\n::event[A]{date=2026-12-06}\n\n{% endif %}")
    (file,) = rendering.calendars
    assert "/a.ics" in texts(rendering.edition((), {}, {file.digest: "https://img.example.org/a.ics"}))[0]


def test_what_is_for_some_readers_does_not_stand_in_the_file_for_all() -> None:
    text = ':::event[A]{date=2026-12-06 place="{{ subscriber.fields.city }}" href="/{{ subscriber.email }}"}\n'
    found = event(f"{text}{{% if subscriber.tags %}}\nSecret.\n{{% endif %}}\n:::")
    assert not {"LOCATION", "DESCRIPTION", "URL"} & found.keys()


def test_the_page_on_the_web_has_nothing_attached() -> None:
    edition = reading(WALK, form="web").edition()
    assert not edition.files
    assert "attached" not in texts(edition)[0]
