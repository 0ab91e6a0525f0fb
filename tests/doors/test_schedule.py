"""Schedules at the command line: planned now, sent then, once; moved, confirmed, cancelled; and on every clock."""

from __future__ import annotations

import io
import json
import re
import signal
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.cli import main
from newsletter.cli.console import Console
from newsletter.cli.shell import Session
from tests.support.author import HELLO, Answer
from tests.support.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.author import Author

MORNING = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)  # 08:00 in Paris
# When the tests begin, for a minute that a runner waits has its price, too: what they schedule is due an hour later.
EARLY = MORNING + timedelta(hours=23)


class Watch(Clock):
    """A clock that can be set, beside the time that passes."""

    def __init__(self, start: datetime = EARLY, *, sleepy: float = 1.0) -> None:
        """A machine that is `sleepy` wakes only after so many times what it was told to wait."""
        super().__init__(start, step=0.0)
        self._sleepy = sleepy
        self.passed = 0.0
        self.when: dict[datetime, Callable[[], object]] = {}

    def ticks(self) -> float:
        """What passed, whatever the clock was set to."""
        return self.passed

    def wait(self, seconds: float) -> None:
        seconds *= self._sleepy
        self.passed += seconds
        super().wait(seconds)
        for moment in sorted(each for each in self.when if each <= self.moment):
            self.when.pop(moment)()


@pytest.fixture
def ready(author: Author) -> Author:
    """An author in Paris with an issue."""
    author.issue()
    author.settings('language = "en"', 'language = "en"\ntimezone = "Europe/Paris"')
    return author


def run_at(clock: Watch, *arguments: str) -> Answer:
    """Run a command by this clock, for which time passes as soon as it waits."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments), Session(clock=clock, wait=clock.wait, ticks=clock.ticks))
    assert "Traceback" not in err.getvalue()
    return Answer(code, out.getvalue(), err.getvalue())


def schedule(clock: Watch, *when: str) -> Answer:
    answer = run_at(clock, "publish", HELLO, "--yes", *when)
    assert answer.code == 0, answer
    return answer


def arrivals(clock: Watch, sink_accepted: list[str]) -> Callable[[str, str], None]:
    """A fault that is none, and writes down when each message came."""

    def hear(verb: str, _argument: str) -> None:
        if verb == ".":
            sink_accepted.append(f"{clock.moment:%m-%d %H:%M}")

    return hear


def test_a_mailing_waits_for_its_time_and_is_sent_then(ready: Author) -> None:
    everybody = ready.readers(5)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        told = schedule(clock, "--at", "2026-12-01 08:00")
        assert "2026-12-01 08:00 CET  5 recipients" in told.out
        assert sink.accepted == []
        listed = run_at(clock, "schedule")
        assert f"2026-12-01 08:00 CET  {HELLO}  scheduled" in listed.out
        answer = run_at(clock, "run", "--until-done")
    assert answer.code == 0, answer
    assert sorted(sink.accepted) == sorted(everybody)
    assert set(came) == {"12-01 07:00"}
    assert run_at(clock, "schedule").out.startswith("Nothing is scheduled")


def test_publish_and_schedule_print_json(ready: Author) -> None:
    ready.readers(2)
    clock = Watch()
    with ready.sink():
        planned = schedule(clock, "--at", "2026-12-01 08:00", "--json").report
        assert (planned["state"], planned["planned"], planned["pending"]) == ("scheduled", 2, 2)
        (row,) = run_at(clock, "schedule", "--json").report
        assert (row["state"], row["starts_at"], row["pending"]) == ("scheduled", "2026-12-01T07:00:00+00:00", 2)
        assert row["waves"] == [{"at": "2026-12-01T07:00:00+00:00", "recipients": 2}]
        page = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text("utf-8")
        told = page.partition("## schedule")[2].partition("\n## ")[0]
        assert set(re.findall(r"`([a-z_]+)`", told)) >= {*row, *row["waves"][0]}
        (status,) = ready.run("status", "--json").report
        assert status["state"] == "scheduled"


@pytest.mark.parametrize("sender", [("run", "--until-done"), ("worker", "--once")], ids=["run", "worker"])
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("554 5.7.1 blocked", 4),  # 20 in a row: the mailing is paused
        ("550 5.1.1 no such user", 1),
    ],
    ids=["it refuses us", "one address is gone"],
)
def test_whoever_sends_and_ends_by_itself_says_with_its_exit_code_how_it_went(
    ready: Author, sender: tuple[str, ...], reply: str, code: int
) -> None:
    ready.readers(30)
    clock = Watch()

    def answer(verb: str, argument: str) -> str | None:
        return reply if verb == "RCPT" and (code == 4 or "reader7@" in argument) else None

    with ready.sink(fault=answer):
        schedule(clock, "--at", "2026-12-01 08:00")
        clock.wait((MORNING + timedelta(days=1) - clock.moment).total_seconds())
        assert run_at(clock, *sender).code == code
    if code == 4:
        with ready.sink():
            assert run_at(clock, "resume", HELLO).code == 0


def test_whoever_is_stopped_before_its_time_says_so_with_its_exit_code_unless_it_was_to_stay(ready: Author) -> None:
    ready.readers(3)
    clock = Watch()
    schedule(clock, "--at", "2026-12-01 08:00")
    for arguments, code in ((("--until-done",), 4), ((), 0)):
        clock.when[clock.moment + timedelta(seconds=2)] = lambda: signal.raise_signal(signal.SIGTERM)
        assert run_at(clock, "run", *arguments).code == code


def test_until_done_does_not_wait_for_what_only_the_author_can_mend(ready: Author) -> None:
    ready.readers(3)
    clock = Watch()
    with ready.sink() as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        ready.settings("postal_address", "# postal_address")
        answer = run_at(clock, "run", "--until-done")
        assert answer.code == 3, answer
        assert "postal_address" in answer.err
        assert f"{clock.moment:%m-%d %H:%M}" == "12-01 07:00"
        ready.settings("# postal_address", "postal_address")
        assert run_at(clock, "run", "--until-done").code == 0
    assert len(sink.accepted) == 3


def test_when_everybody_has_left_before_the_yes_nothing_is_scheduled(
    ready: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.reader("ana@example.org")

    def leave(*_: object, **__: object) -> bool:
        ready.unsubscribes("ana@example.org")
        return True

    monkeypatch.setattr(Console, "confirm", leave)
    clock = Watch()
    answer = run_at(clock, "publish", HELLO, "--at", "2026-12-01 08:00")
    assert answer.code == 3, answer
    assert "nobody is left who would get this issue" in answer.err
    assert run_at(clock, "schedule").out.startswith("Nothing is scheduled")


def test_each_gets_it_in_the_morning_of_their_own_time_zone(ready: Author) -> None:
    for name, zone in {"paris": "", "tokyo": "Asia/Tokyo", "ponta": "Atlantic/Azores", "perth": "Nowhere/X"}.items():
        ready.reader(f"{name}@example.org", time_zone=zone)
    clock, came = Watch(MORNING + timedelta(hours=15), sleepy=20), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        told = schedule(clock, "--at-local", "2026-12-01 08:00")
        assert told.out.count("recipient") > 3
        answer = run_at(clock, "run", "--until-done")
    assert answer.code == 0, answer
    assert sink.accepted[0] == "tokyo@example.org"
    assert sorted(sink.accepted[1:3]) == ["paris@example.org", "perth@example.org"]
    assert sink.accepted[3:] == ["ponta@example.org"]
    assert came == ["11-30 23:00", "12-01 07:00", "12-01 07:00", "12-01 09:00"]


def test_a_spread_sends_a_little_each_minute(ready: Author) -> None:
    ready.readers(8)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        schedule(clock, "--at", "2026-12-01 08:00", "--spread", "8min")
        assert run_at(clock, "run", "--until-done").code == 0
    assert came == [f"12-01 07:0{minute}" for minute in range(8)]
    assert sink.duplicates == []


def test_workers_send_what_is_spread_a_little_each_minute(ready: Author) -> None:
    ready.readers(8)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        schedule(clock, "--at", "2026-12-01 08:00", "--spread", "8min")
        assert run_at(clock, "worker", "--once").code == 0
        assert came == []
        clock.moment = MORNING + timedelta(days=1)
        while clock.moment < MORNING + timedelta(days=1, minutes=8):
            assert run_at(clock, "worker", "--once").code == 0
            clock.moment += timedelta(seconds=30)
    assert came == [f"12-01 07:0{minute}" for minute in range(8)]
    assert sink.duplicates == []


def test_workers_send_to_each_in_the_morning_of_their_own_time_zone(ready: Author) -> None:
    for name, zone in {"paris": "", "tokyo": "Asia/Tokyo", "ponta": "Atlantic/Azores"}.items():
        ready.reader(f"{name}@example.org", time_zone=zone)
    clock, came = Watch(MORNING + timedelta(hours=15)), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        schedule(clock, "--at-local", "2026-12-01 08:00")
        for _ in range(24):
            assert run_at(clock, "worker", "--once").code == 0
            clock.moment += timedelta(minutes=30)
    assert sink.accepted == ["tokyo@example.org", "paris@example.org", "ponta@example.org"]
    assert came == ["11-30 23:00", "12-01 07:00", "12-01 09:00"]


def test_who_leaves_meanwhile_gets_nothing_and_who_joins_neither(ready: Author) -> None:
    ready.readers(3)
    clock = Watch()
    with ready.sink() as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        ready.unsubscribes("reader1@example.org")
        ready.reader("late@example.org")
        assert run_at(clock, "run", "--until-done").code == 0
    assert sorted(sink.accepted) == ["reader0@example.org", "reader2@example.org"]
    (counts,) = ready.tallies()
    assert (counts.accepted, counts.skipped, counts.planned) == (2, 1, 3)


def test_what_is_sent_is_what_was_planned_whatever_the_issue_says_since(ready: Author) -> None:
    ready.readers(1)
    clock = Watch()
    with ready.sink(keep_data=True) as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        ready.issue("Something else.\n")
        assert run_at(clock, "run", "--until-done").code == 0
    assert b"Hello." in sink.data[0]
    assert b"Something else" not in sink.data[0]


def test_a_schedule_that_was_missed_by_more_than_an_hour_waits_for_a_word(ready: Author) -> None:
    ready.readers(3)
    clock = Watch()
    with ready.sink() as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        late = Watch(MORNING + timedelta(days=1, hours=1, minutes=5))
        answer = run_at(late, "run", "--until-done")
        assert f"{HELLO}: missed its time by 1 h 05 min; it waits for your word" in answer.err
        assert sink.accepted == []
        assert "missed" in run_at(late, "schedule").out
        assert run_at(late, "schedule", "confirm", HELLO).code == 0
        assert run_at(late, "run", "--until-done").code == 0
    assert len(sink.accepted) == 3


def test_a_little_late_is_not_missed(ready: Author) -> None:
    ready.readers(3)
    with ready.sink() as sink:
        schedule(Watch(), "--at", "2026-12-01 08:00")
        assert run_at(Watch(MORNING + timedelta(days=1, minutes=59)), "run", "--until-done").code == 0
    assert len(sink.accepted) == 3


def test_a_schedule_is_moved_and_goes_out_at_the_other_time_only(ready: Author) -> None:
    ready.readers(2)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)):
        schedule(clock, "--at-local", "2026-12-01 08:00")
        moved = run_at(clock, "schedule", "move", HELLO, "--at", "2026-12-01 09:30", "--json")
        assert moved.report["starts_at"] == "2026-12-01T08:30:00+00:00"
        assert moved.report["local"] == ""
        assert run_at(clock, "run", "--until-done").code == 0
        assert run_at(clock, "schedule", "move", HELLO, "--at", "now").code == 3
    assert came == ["12-01 08:30"] * 2


def test_a_schedule_that_is_cancelled_reaches_nobody_and_the_issue_can_be_published_anew(ready: Author) -> None:
    everybody = ready.readers(2)
    clock = Watch()
    with ready.sink() as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        assert ready.run("schedule", "cancel", HELLO).code == 2  # nobody is there to answer
        answer = run_at(clock, "schedule", "cancel", HELLO, "--yes", "--json")
        assert (answer.report["state"], answer.report["skipped"], answer.report["planned"]) == ("cancelled", 2, 2)
        assert run_at(Watch(MORNING + timedelta(days=1)), "run", "--until-done").code == 0
        assert sink.accepted == []
        assert ready.run("resume", HELLO).code == 3
        assert ready.run("publish", HELLO, "--yes").code == 0
    assert sorted(sink.accepted) == sorted(everybody)


def test_an_issue_that_is_scheduled_is_not_published_beside_it(ready: Author) -> None:
    ready.readers(2)
    clock = Watch()
    with ready.sink() as sink:
        schedule(clock, "--at", "2026-12-01 08:00")
        for command in ("publish", "resume"):
            answer = run_at(clock, command, HELLO, *(["--yes"] if command == "publish" else []))
            assert answer.code == 3
            assert "scheduled" in answer.err
            assert f"newsletter schedule move {HELLO}" in answer.err
    assert sink.accepted == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--at", "2026-03-29 02:30"), "does not exist in Europe/Paris"),
        (("--at", "2027-10-31 02:30"), "comes twice in Europe/Paris"),
        (("--at", "2026-11-01 08:00"), "is over"),
        (("--at", "soon"), "is not a day and an hour"),
        (("--at-local", "noon"), "no hour that every clock has"),
        (("--spread", "6"), "between a minute and a week"),
        (("--at", "2026-12-01 08:00", "--at-local", "08:00"), "choose one"),
    ],
)
def test_a_time_that_is_none_is_wrong_usage_and_nothing_is_planned(
    ready: Author, options: tuple[str, ...], told: str
) -> None:
    ready.readers(1)
    answer = run_at(Watch(), "publish", HELLO, "--yes", *options)
    assert answer.code == 2
    assert told in answer.err
    assert ready.tallies() == []


# ── Clocks that jump ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_goes_back_an_hour_in_the_middle_sends_nothing_twice(ready: Author) -> None:
    ready.readers(60)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)) as sink:
        schedule(clock, "--at", "2026-12-01 08:00", "--spread", "60min")

        def back() -> None:
            clock.moment -= timedelta(hours=1)

        clock.when[MORNING + timedelta(days=1, minutes=30)] = back
        assert run_at(clock, "run", "--until-done").code == 0
    assert (len(sink.accepted), sink.duplicates) == (60, [])


def test_a_clock_that_is_wrong_for_less_than_a_minute_fires_nothing_early(ready: Author) -> None:
    ready.readers(2)
    clock, came = Watch(), list[str]()
    with ready.sink(fault=arrivals(clock, came)):
        schedule(clock, "--at", "2026-12-01 08:00")
        wrong = EARLY + timedelta(minutes=10)
        ahead = timedelta(minutes=50, seconds=5)  # as if the time had come

        def forward() -> None:
            clock.moment += ahead
            clock.when[clock.moment + timedelta(seconds=50)] = back

        def back() -> None:
            clock.moment -= ahead

        clock.when[wrong] = forward
        assert run_at(clock, "run", "--until-done").code == 0
    assert came == ["12-01 07:00"] * 2
    assert clock.passed >= 3_600


def test_the_report_of_a_schedule_is_one_json_value(ready: Author) -> None:
    assert json.loads(run_at(Watch(), "schedule", "--json").out) == []
