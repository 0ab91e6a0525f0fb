"""newsletter resume and status: where a mailing stands, who did not get it, and how it goes on."""

from __future__ import annotations

import csv
import io
import re
import shutil
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.send import send
from newsletter.delivery import State
from newsletter.inbox import HANG_UP
from newsletter.store.database import open_database
from newsletter.store.leases import Worker, join, leave
from newsletter.store.mailings import mailings_of
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.author import COUNTS, HELLO, readers_of
from tests.support.mail_log import postfix_log
from tests.support.sending import NOW, fill_list, plan, post_for
from tests.support.sink import Sink

if TYPE_CHECKING:
    from tests.support.author import Author

EVERYBODY = ["ana@example.org", "bo@example.com", "zoe@example.org"]
LATER = {"bo@example.com": "450 4.2.1 greylisted, try again"}
NEVER = {"bo@example.com": "550 5.1.1 no such user"}


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue and three readers."""
    author.issue()
    for email in EVERYBODY:
        author.reader(email)
    return author


@pytest.fixture
def stopped(ready: Author) -> Author:
    """The same, after a publish that found no server: everybody is still to be written to."""
    with ready.sink():
        pass  # gone, and its port with it
    assert ready.run("publish", HELLO, "--yes").code == 4
    return ready


# ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_resume_sends_what_is_left(stopped: Author) -> None:
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO, "--json")
        assert readers_of(inbox) == EVERYBODY
    assert answer.code == 0
    report = answer.report
    assert (report["state"], report["planned"], report["accepted"]) == ("finished", 3, 3)


@pytest.mark.parametrize("name", [HELLO, f"{HELLO}.md", f"issues/{HELLO}.md", f"./issues/{HELLO}"])
def test_an_issue_may_be_named_in_every_way_that_publish_takes(stopped: Author, name: str) -> None:
    assert "3  not sent yet" in stopped.run("status", name).out
    with stopped.inbox():
        assert stopped.run("resume", name).code == 0


def test_who_has_joined_since_is_not_in_it(stopped: Author) -> None:
    stopped.reader("late@example.org")
    with stopped.inbox() as inbox:
        assert stopped.run("resume", HELLO).code == 0
        assert readers_of(inbox) == EVERYBODY


def test_who_has_left_since_is_skipped_and_counted(stopped: Author) -> None:
    stopped.unsubscribes("bo@example.com")
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO, "--json")
        assert readers_of(inbox) == ["ana@example.org", "zoe@example.org"]
    assert answer.code == 0  # that one must not have it: all is well
    report = answer.report
    assert (report["state"], report["accepted"], report["skipped"]) == ("finished", 2, 1)
    assert report["planned"] == sum(report[name] for name in COUNTS)
    assert re.search(r"bo@example\.com +skipped +unsubscribed", stopped.run("status", HELLO).out)


def test_there_is_nothing_to_resume_at_the_end(ready: Author) -> None:
    with ready.inbox(refuse=NEVER) as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 1
        answer = ready.run("resume", HELLO)
        assert answer.code == 3
        assert "there is nothing to resume: 2 of 3 have it, and nobody is left" in answer.err
        assert "newsletter status 2026-11-hello" in answer.err
        assert len(inbox.messages()) == 2


def test_what_was_never_published_cannot_be_resumed(ready: Author) -> None:
    answer = ready.run("resume", HELLO)
    assert answer.code == 3
    assert "the issue '2026-11-hello' has not been published" in answer.err
    assert "newsletter publish 2026-11-hello" in answer.err


def test_a_part_of_an_issues_name_is_answered_with_the_whole_one(ready: Author) -> None:
    with ready.inbox():
        assert ready.run("publish", HELLO, "--yes").code == 0
    for command in ("status", "resume"):
        answer = ready.run(command, "hello")
        assert answer.code == 3
        assert "did you mean '2026-11-hello'?" in answer.err
        assert "see which ones were: newsletter status" in ready.run(command, "goodbye").err


def test_the_deferred_are_not_tried_before_their_time_which_is_told(ready: Author) -> None:
    with ready.inbox(refuse=LATER) as inbox:
        answer = ready.run("publish", HELLO, "--yes")
        assert answer.code == 1
        assert re.search(r"To try the deferred ones again, from \d\d:\d\d: newsletter resume 2026-11-hello", answer.out)
        before = datetime.now(UTC).replace(second=0, microsecond=0)
        answer = ready.run("resume", HELLO)
        assert answer.code == 3
        told = re.search(r"come back at (\d{4}-\d\d-\d\d \d\d:\d\d) UTC", answer.err)
        assert told
        due = datetime.strptime(told[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        assert timedelta(minutes=4) <= due - before <= timedelta(minutes=6)
        assert "newsletter resume 2026-11-hello --now" in answer.err
        assert len(inbox.messages()) == 2


def test_now_tries_the_deferred_at_once(ready: Author) -> None:
    with ready.inbox(refuse=LATER):
        ready.run("publish", HELLO, "--yes")
    with ready.inbox() as inbox:
        answer = ready.run("resume", HELLO, "--now", "--json")
        assert readers_of(inbox) == EVERYBODY
    assert answer.code == 0
    assert (answer.report["accepted"], answer.report["deferred"]) == (3, 0)


def test_when_their_time_has_come_resume_tries_the_deferred_without_being_told(ready: Author) -> None:
    with ready.inbox(refuse=LATER):
        ready.run("publish", HELLO, "--yes")
    with ready.database() as database, database.transaction() as connection:
        connection.execute("UPDATE deliveries SET next_at = next_at - 3600")
    with ready.inbox() as inbox:
        assert ready.run("resume", HELLO).code == 0
        assert readers_of(inbox) == EVERYBODY


def test_every_attempt_carries_the_same_message_id(ready: Author) -> None:
    with ready.inbox(refuse_content={"bo@example.com": "451 4.3.0 try again"}):
        ready.run("publish", HELLO, "--yes")
    with ready.sink(keep_data=True) as sink:
        ready.run("resume", HELLO, "--now")
    [second] = sink.message_ids
    with ready.database() as database:
        from newsletter.links import Signer
        from newsletter.store.keys import load_keys
        from newsletter.store.mailings import mailings_of

        (mailing,) = mailings_of(database)
        assert second == Signer(load_keys(database)).message_id(mailing.id, 2, "letter.example.org")


def test_who_is_uncertain_is_not_written_to_again(ready: Author) -> None:
    with ready.inbox(refuse_content={"bo@example.com": HANG_UP}) as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 1
        assert ready.run("resume", HELLO, "--now").code == 3
        assert readers_of(inbox) == EVERYBODY  # it was taken, but nobody said so
    assert re.search(r"bo@example\.com +uncertain", ready.run("status", HELLO).out)


def test_it_may_go_on_through_another_transport(stopped: Author) -> None:
    assert stopped.run("resume", HELLO, "--transport", "outbox").code == 0
    assert len(list((stopped.folder / "outbox").glob("*.eml"))) == 3


def test_it_goes_on_through_the_one_in_use_when_its_own_is_gone(stopped: Author) -> None:
    stopped.settings("[transports.relay]", "[transports.other]")
    stopped.settings('use = "relay"', 'use = "outbox"')
    assert stopped.run("resume", HELLO).code == 0
    assert len(list((stopped.folder / "outbox").glob("*.eml"))) == 3


# ── what has changed meanwhile


def test_a_changed_issue_is_not_gone_on_with_unless_as_planned(ready: Author) -> None:
    ready.issue("Hello, first text.\n")
    with ready.inbox(refuse=LATER):
        ready.run("publish", HELLO, "--yes")
    ready.issue("Hello, second text.\n")
    with ready.inbox() as inbox:
        inbox.empty()
        answer = ready.run("resume", HELLO, "--now")
        assert answer.code == 3
        assert "issues/2026-11-hello.md: the letter (this issue, its theme, or what it shows" in answer.err
        assert "has changed since its sending began" in answer.err
        assert "newsletter resume 2026-11-hello --as-planned" in answer.err
        assert inbox.messages() == []
        assert ready.run("resume", HELLO, "--now", "--as-planned").code == 0
        [message] = inbox.messages()
        assert message.recipients == ("bo@example.com",)
        assert b"first text" in message.raw
        assert b"second text" not in message.raw


def test_a_change_that_no_reader_could_see_is_no_change(stopped: Author) -> None:
    stopped.issue(head='title: "Hello"\nnote_to_self: rewrite the ending')
    with stopped.inbox():
        assert stopped.run("resume", HELLO).code == 0


@pytest.mark.parametrize("broken", [True, False])
def test_an_issue_that_is_gone_or_broken_can_still_be_sent_as_planned(stopped: Author, broken: bool) -> None:
    path = stopped.folder / "issues" / f"{HELLO}.md"
    if broken:
        path.write_text("---\ntitle: [\n---\n", encoding="utf-8")
    else:
        path.unlink()
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO)
        assert answer.code == 3
        assert "newsletter resume 2026-11-hello --as-planned" in answer.err
        assert stopped.run("resume", HELLO, "--as-planned").code == 0
        assert readers_of(inbox) == EVERYBODY


def test_a_changed_sender_is_not_gone_on_with_unless_as_planned(stopped: Author) -> None:
    stopped.settings('name = "Camille"', 'name = "Dominique"')
    stopped.settings("camille@letter", "dominique@letter")
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO)
        assert answer.code == 3
        assert (
            "the sender was Camille <camille@letter.example.org>, and is Dominique <dominique@letter.example.org>"
            in answer.err
        )
        assert inbox.messages() == []
        assert stopped.run("resume", HELLO, "--as-planned").code == 0
        assert {message.parsed["From"] for message in inbox.messages()} == {"Camille <camille@letter.example.org>"}


def test_what_a_send_needs_a_resume_needs_too(stopped: Author) -> None:
    stopped.settings('base_url = "https://letter.example.org"\n', "")
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO, "--as-planned")
        assert answer.code == 3
        assert "base_url is missing" in answer.err
        assert inbox.messages() == []


# ── two at the same time


def test_of_two_that_send_at_the_same_time_one_is_refused_and_nobody_gets_it_twice(ready: Author) -> None:
    second_has_ended = Event()

    def first_waits(verb: str, _argument: str) -> None:
        if verb == "MAIL":
            assert second_has_ended.wait(60)

    ready.readers(20)
    with ready.sink(fault=first_waits) as sink, ready.start("publish", HELLO, "--yes") as first:
        assert first.stderr
        while not sink.connections:
            assert first.poll() is None
        second = ready.run("resume", HELLO)
        third = ready.run("publish", HELLO, "--yes")
        second_has_ended.set()
        first.communicate()
    assert first.returncode == 0
    assert second.code == third.code == 3
    assert f"another process is sending this mailing (process {first.pid} on " in second.err
    assert "the sending of this issue is not at its end" in third.err
    assert len(sink.accepted) == 23
    assert not sink.duplicates


def test_who_is_taken_over_from_in_the_middle_counts_what_was_sent_and_has_stopped(ready: Author) -> None:
    ready.readers(200)

    def take_over(verb: str, _argument: str) -> None:
        if verb == "." and len(sink.accepted) == 50:
            with ready.database() as database, database.transaction() as connection:
                connection.execute("DELETE FROM workers")

    with ready.sink(fault=take_over) as sink:
        answer = ready.run("publish", HELLO, "--yes", "--json")
    assert answer.code == 4, answer
    assert "another process has taken over this mailing" in answer.err
    assert (answer.report["planned"], answer.report["state"]) == (203, "sending")


def test_an_old_copy_of_the_database_that_was_put_back_sends_nothing_without_being_told(ready: Author) -> None:
    database, copy = ready.folder / "newsletter.db", ready.folder / "copy.db"
    ready.issue(name="2026-10-first")
    with ready.inbox(refuse=LATER):
        ready.run("publish", "2026-10-first", "--yes")
    shutil.copy(database, copy)
    with ready.inbox():
        assert ready.run("publish", HELLO, "--yes").code == 0
    shutil.copy(copy, database)
    with ready.inbox() as inbox:
        inbox.empty()
        for command in (("publish", HELLO, "--yes"), ("resume", "2026-10-first", "--now"), ("run", "2026-10-first")):
            answer = ready.run(*command)
            assert answer.code == 3, answer
            assert "an older copy of the one that was here" in answer.err
            assert f"newsletter {'publish' if command[0] == 'publish' else 'resume'} {command[1]} --force" in answer.err
        assert inbox.messages() == []
        assert ready.run("resume", "2026-10-first", "--now", "--force").code == 0
        assert readers_of(inbox) == ["bo@example.com"]
        assert ready.run("publish", HELLO, "--yes").code == 0


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_list_nothing_was_published_and_no_list_is_made(ready: Author) -> None:
    (ready.folder / "newsletter.db").unlink()
    assert "Nothing was published yet" in ready.run("status").out
    assert ready.run("status", "--json").report == []
    assert ready.run("status", HELLO).code == 3
    assert not (ready.folder / "newsletter.db").exists()


def test_status_lists_all_mailings_with_their_counts(ready: Author) -> None:
    ready.issue(name="2026-12-next")
    with ready.inbox(refuse=LATER):
        ready.run("publish", HELLO, "--yes")
    ready.run("publish", "2026-12-next", "--yes", "--transport", "outbox")
    first, second = ready.run("status").out.splitlines()
    assert "2026-11-hello  sending  2 of 3 accepted (1 deferred)" in first
    assert "2026-12-next  finished  3 of 3 accepted" in second
    reports = ready.run("status", "--json").report
    assert [(each["issue"], each["state"], each["accepted"]) for each in reports] == [
        (HELLO, "sending", 2),
        ("2026-12-next", "finished", 3),
    ]
    assert all(each["planned"] == sum(each[name] for name in COUNTS) for each in reports)


@pytest.fixture
def cut_short(ready: Author, monkeypatch: pytest.MonkeyPatch) -> Author:
    """The same, after a publish that was killed between the last answer and its end; one address does not exist."""
    with monkeypatch.context() as patched, ready.inbox(refuse=NEVER):
        patched.setattr("newsletter.actions.presence.receive_refusals", lambda *_: [])
        assert ready.run("publish", HELLO, "--yes").code == 1
    with ready.database() as database, database.transaction() as connection:
        connection.execute("UPDATE mailings SET state = 'sending', finished_at = NULL")
    return ready


def test_status_says_how_a_mailing_comes_to_its_end_in_which_nobody_is_left(cut_short: Author) -> None:
    told = f"To bring it to its end: newsletter resume {HELLO}"
    assert told in cut_short.run("status", HELLO).out
    with cut_short.database() as database:
        (mailing,) = mailings_of(database)
        now = int(datetime.now(UTC).timestamp())
        lease = join(database, mailing.id, Worker("elsewhere", "", 4711), now, lambda _: True)
        assert told not in cut_short.run("status", HELLO).out, "somebody is at it"
        leave(database, lease, now)
    assert told not in cut_short.run("status", HELLO).out


def test_the_next_issue_does_not_go_to_whom_the_server_refused_in_a_mailing_that_was_killed_at_its_end(
    cut_short: Author,
) -> None:
    cut_short.issue(name="2026-12-next")
    with cut_short.inbox() as inbox:
        before = len(readers_of(inbox))
        assert cut_short.run("publish", "2026-12-next", "--yes").code == 0
        assert len(readers_of(inbox)) == before + 2


def test_status_says_who_did_not_get_it_and_what_the_server_said(ready: Author) -> None:
    refuse = NEVER | {"zoe@example.org": "450 4.2.1 greylisted"}
    with ready.inbox(refuse=refuse):
        ready.run("publish", HELLO, "--yes")
    told = ready.run("status", HELLO).out
    assert "Hello · sending · planned" in told
    assert "Who did not get it:\n  bo@example.com  rejected  550 5.1.1 no such user" in told
    assert "zoe@example.org  deferred  450 4.2.1 greylisted" in told
    assert "ana@example.org" not in told
    report = ready.run("status", HELLO, "--json").report
    bo, zoe = report["undelivered"]
    assert bo == {
        "mailing": report["mailing"], "email": "bo@example.com", "state": "rejected", "code": 550, "enhanced": "5.1.1",
        "reply": "no such user", "attempts": 1, "next_attempt": "",
    }  # fmt: skip
    assert (zoe["state"], datetime.fromisoformat(zoe["next_attempt"]) > datetime.now(UTC)) == ("deferred", True)
    assert (report["planned"], report["accepted"], report["rejected"], report["deferred"]) == (3, 1, 1, 1)


def test_a_long_list_of_them_is_cut_for_people_and_whole_for_programs(author: Author) -> None:
    author.issue()
    author.readers(70)
    with author.sink(fault=lambda verb, _: "552 5.2.2 full" if verb == "RCPT" else None):
        author.run("publish", HELLO, "--yes")
    told = author.run("status", HELLO).out
    assert told.count("rejected  552") == 50
    assert "… and 20 more; all of them: newsletter status 2026-11-hello --csv" in told
    assert len(author.run("status", HELLO, "--csv").out.splitlines()) == 71
    assert len(author.run("status", HELLO, "--json").report["undelivered"]) == 70


def test_csv_is_a_table_that_no_spreadsheet_runs(author: Author) -> None:
    author.issue()
    for email in ("=1+1@example.org", "+ana@example.org", "bo@example.org"):
        author.reader(email)

    def rude(verb: str, argument: str) -> str | None:
        if verb != "RCPT":
            return None
        return "550 5.1.1 no, really" if "bo@" in argument else '550 5.1.1 =HYPERLINK("https://example.org","me")'

    with author.sink(fault=rude):
        author.run("publish", HELLO, "--yes")
    answer = author.run("status", HELLO, "--csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert answer.code == 0
    assert [row["email"] for row in rows] == ["'=1+1@example.org", "'+ana@example.org", "bo@example.org"]
    assert rows[2]["reply"] == "no, really"
    assert rows[0]["reply"].startswith("'=HYPERLINK")
    assert not re.search(r"(^|,)\"?[=+\-@]", answer.out, re.MULTILINE)


def test_a_reply_of_the_server_cannot_play_with_the_terminal(ready: Author) -> None:
    with ready.sink(fault=lambda verb, _: "550 5.1.1 \x1b[2Jgone\x07" if verb == "RCPT" else None):
        ready.run("publish", HELLO, "--yes")
    told = ready.run("status", HELLO).out
    assert "gone" in told
    assert "\x1b" not in told
    assert "\x07" not in told


def test_all_mailings_of_an_issue_are_told_of(ready: Author) -> None:
    with ready.inbox(refuse=NEVER):
        ready.run("publish", HELLO, "--yes", "--segment", "not email = zoe@example.org")
        ready.run("publish", HELLO, "--yes", "--new-only")
    assert ready.run("status", HELLO).out.count("Hello · finished") == 2
    report = ready.run("status", HELLO, "--json").report
    first, second = report.pop("mailings")
    assert report == second, "what stands outside is the last one, and nothing of the others"
    assert first["mailing"] < second["mailing"]
    assert [(each["planned"], each["accepted"], each["rejected"]) for each in (first, second)] == [(2, 1, 1), (1, 1, 0)]
    assert [(each["mailing"], each["email"]) for each in first["undelivered"]] == [(first["mailing"], "bo@example.com")]
    assert (first["heard"]["hard"], second["heard"]["hard"], second["undelivered"]) == (1, 0, [])


def test_a_misspelt_name_is_told_the_nearest(ready: Author) -> None:
    ready.run("publish", HELLO, "--yes", "--transport", "outbox")
    answer = ready.run("status", "2026-11-helo")
    assert answer.code == 3
    assert "did you mean '2026-11-hello'?" in answer.err


@pytest.mark.parametrize("arguments", [("--csv",), (HELLO, "--csv", "--json")])
def test_csv_needs_an_issue_and_is_not_json(ready: Author, arguments: tuple[str, ...]) -> None:
    assert ready.run("status", *arguments).code == 2


# ── what nobody knows ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def doubtful(ready: Author) -> Author:
    """The same, after a publish whose connection broke when bo@example.com's message was out."""
    with ready.inbox(refuse_content={"bo@example.com": HANG_UP}):
        assert ready.run("publish", HELLO, "--yes").code == 1
    return ready


def test_the_way_to_settle_what_is_uncertain_is_told(doubtful: Author) -> None:
    told = doubtful.run("status", HELLO).out
    assert "To settle the uncertain ones: newsletter reconcile 2026-11-hello --log FILE, or --mailbox PATH" in told
    assert "newsletter reconcile 2026-11-hello" in doubtful.run("resume", HELLO).err


def test_a_script_that_resumes_leaves_the_uncertain_alone(doubtful: Author) -> None:
    with doubtful.inbox() as inbox:
        before = readers_of(inbox)
        assert doubtful.run("resume", HELLO).code == 3
        assert readers_of(inbox) == before


def test_the_author_may_have_the_uncertain_sent_again(doubtful: Author) -> None:
    with doubtful.inbox() as inbox:
        before = len(readers_of(inbox))
        assert doubtful.run("resume", HELLO, "--on-uncertain", "resend").code == 0
        assert len(readers_of(inbox)) == before + 1
    assert doubtful.run("status", HELLO, "--json").report["accepted"] == 3


@pytest.mark.parametrize(("answer", "accepted"), [("n", 2), ("y", 3)])
def test_asked_about_the_uncertain_only_a_clear_yes_sends_again(doubtful: Author, answer: str, accepted: int) -> None:
    with doubtful.inbox():
        doubtful.run("resume", HELLO, "--on-uncertain", "ask", answer=answer)
    assert doubtful.run("status", HELLO, "--json").report["accepted"] == accepted


def test_where_nobody_answers_about_the_uncertain_the_answers_that_resume_knows_are_named(doubtful: Author) -> None:
    answer = doubtful.run("resume", HELLO, "--on-uncertain", "ask")
    assert answer.code == 2
    assert "there is nobody here to answer; --on-uncertain skip, or resend, answers beforehand" in answer.err
    assert "--yes" not in answer.err


def test_rejected_readers_are_tried_again_by_retry_and_only_these(ready: Author) -> None:
    with ready.inbox(refuse=NEVER):
        assert ready.run("publish", HELLO, "--yes").code == 1
    ready.run("subscribers", "list")
    with ready.database() as database, database.transaction() as connection:
        connection.execute("DELETE FROM suppressions")  # the author has found out that the address is good
    with ready.inbox() as inbox:
        assert ready.run("retry", HELLO, "--yes").code == 0
        assert readers_of(inbox).count("bo@example.com") == 1


@pytest.fixture
def half_way(ready: Author) -> Author:
    """The same, after a publish in which one was rejected, and that found no server for the two others."""
    with ready.inbox(refuse={"bo@example.com": "554 5.7.1 blocked"}):
        assert ready.run("publish", HELLO, "--yes").code == 1
    with ready.database() as database, database.transaction() as connection:
        connection.execute("UPDATE deliveries SET state = 0 WHERE state = ?", (State.ACCEPTED.value,))
        connection.execute("UPDATE mailings SET state = 'sending', finished_at = NULL")
    return ready


def test_before_retry_writes_to_others_who_wait_it_asks_so(half_way: Author) -> None:
    asked = half_way.run("retry", HELLO, answer="n\n")
    assert "Try 1 rejected delivery again, and send to 2 others who wait?" in asked.out + asked.err
    with half_way.inbox() as inbox:
        before = len(readers_of(inbox))
        assert half_way.run("retry", HELLO, "--yes").code == 0
        assert len(readers_of(inbox)) == before + 3


def test_retry_of_a_mailing_that_is_paused_is_refused_and_says_how_to_go_on(half_way: Author) -> None:
    with half_way.inbox() as inbox:
        before = readers_of(inbox)
        assert half_way.run("pause", HELLO).code == 0
        answer = half_way.run("retry", HELLO, "--yes")
        assert readers_of(inbox) == before
    assert answer.code == 3
    assert "this mailing is paused" in answer.err
    assert f"newsletter resume {HELLO}" in answer.err
    report = half_way.run("status", HELLO, "--json").report
    assert (report["state"], report["rejected"]) == ("paused", 1)


def test_reconcile_settles_by_the_mail_servers_log(doubtful: Author) -> None:
    with doubtful.inbox() as inbox:
        received = [message for message in inbox.messages() if "bo@example.com" in message.recipients]
    log = doubtful.folder / "mail.log"
    log.write_text(postfix_log(*(each.parsed["Message-ID"] for each in received)))
    answer = doubtful.run("reconcile", HELLO, "--log", str(log), "--yes")
    assert (answer.code, "1 delivery found, so sent" in answer.out) == (0, True)
    assert doubtful.run("status", HELLO, "--json").report["accepted"] == 3


def test_reconcile_that_finds_nothing_says_what_comes_next(doubtful: Author) -> None:
    log = doubtful.folder / "mail.log"
    log.write_text(postfix_log("<another@example.org>"))
    answer = doubtful.run("reconcile", HELLO, "--log", str(log), "--yes")
    assert answer.code == 1
    assert answer.out == (
        "1 delivery not found: still uncertain\n"
        "  bo@example.com\n"
        "To settle it: name another log or mailbox, or decide: newsletter reconcile 2026-11-hello --assume unsent, "
        "and the next resume sends it; or --assume sent\n"
    )


def test_reconcile_reads_a_log_on_from_where_it_was_rotated(doubtful: Author) -> None:
    with doubtful.inbox() as inbox:
        received = [message for message in inbox.messages() if "bo@example.com" in message.recipients]
    lines = postfix_log(*(each.parsed["Message-ID"] for each in received)).splitlines(keepends=True)
    logs = [doubtful.folder / "mail.log.1", doubtful.folder / "mail.log"]
    logs[0].write_text("".join(lines[:2]))
    logs[1].write_text("".join(lines[2:]))
    answer = doubtful.run("reconcile", HELLO, "--log", str(logs[0]), "--log", str(logs[1]), "--yes")
    assert (answer.code, "1 delivery found, so sent" in answer.out) == (0, True)


@pytest.mark.parametrize("way", ["--log", "--mailbox"])
def test_what_tells_of_no_message_at_all_proves_nothing(doubtful: Author, way: str) -> None:
    file = doubtful.folder / "shopping.txt"
    file.write_text("bread\ntea\n")
    answer = doubtful.run("reconcile", HELLO, way, str(file), "--assume", "unsent", "--yes")
    assert answer.code == 3
    assert "shopping.txt: no message is told of here" in answer.err
    assert doubtful.run("status", HELLO, "--json").report["uncertain"] == 1


def test_reconcile_wants_to_be_told_how(doubtful: Author) -> None:
    answer = doubtful.run("reconcile", HELLO)
    assert answer.code == 2
    assert "--log FILE, --mailbox PATH, or --assume sent or unsent" in answer.err


def test_reconcile_may_be_looked_at_first(doubtful: Author) -> None:
    answer = doubtful.run("reconcile", HELLO, "--assume", "unsent", "--dry-run", "--json")
    assert (answer.code, answer.report["not_found"]) == (0, ["bo@example.com"])
    assert doubtful.run("status", HELLO, "--json").report["uncertain"] == 1


# ── an old copy ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mailing_that_nobody_has_touched_for_days_goes_on_only_by_force(stopped: Author) -> None:
    with stopped.database() as database, database.transaction() as connection:
        connection.execute("UPDATE mailings SET planned_at = planned_at - 1000000")
        connection.execute("UPDATE deliveries SET updated_at = 0")
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO)
        assert answer.code == 3
        assert "nothing was heard of this mailing for 11 days: this may be an old copy of the database" in answer.err
        assert "newsletter resume 2026-11-hello --force" in answer.err
        assert readers_of(inbox) == []
        assert stopped.run("resume", HELLO, "--force").code == 0
        assert readers_of(inbox) == EVERYBODY


def test_a_database_that_came_from_another_machine_goes_on_only_by_force(stopped: Author) -> None:
    with stopped.database() as database:
        (mailing,) = mailings_of(database)
        join(database, mailing.id, Worker("elsewhere", "boot", 1), 1, lambda _: True)
    with stopped.inbox() as inbox:
        answer = stopped.run("resume", HELLO)
        assert (answer.code, "sent from another machine (elsewhere)" in answer.err) == (3, True)
        assert stopped.run("resume", HELLO, "--force").code == 0
        assert readers_of(inbox) == EVERYBODY


@pytest.mark.parametrize("jump", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_clock_that_jumps_in_the_middle_of_a_send_loses_and_doubles_nobody(jump: timedelta) -> None:
    moments = iter([NOW] * 40)
    with Sink() as sink, open_database("sqlite://") as database:
        fill_list(database, 200)
        mailing = plan(database)
        transport = SmtpTransport(Server("127.0.0.1", sink.port), 3)
        counts = send(database, mailing, post_for(database, mailing), transport, lambda: next(moments, NOW + jump))
    assert counts.accepted == 200
    assert (len(sink.accepted), sink.duplicates) == (200, [])


# ── two mailings of one issue ────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_uncertain_in_the_first_of_two_mailings_can_be_settled(doubtful: Author) -> None:
    doubtful.reader("new@example.org")
    with doubtful.inbox():
        assert doubtful.run("publish", HELLO, "--new-only", "--yes").code == 0
    assert doubtful.run("reconcile", HELLO, "--assume", "unsent", "--yes").code == 0
    with doubtful.inbox() as inbox:
        before = len(readers_of(inbox))
        assert doubtful.run("resume", HELLO).code == 0
        assert len(readers_of(inbox)) == before + 1


def test_who_was_rejected_in_the_first_of_two_mailings_can_be_tried_again(ready: Author) -> None:
    with ready.inbox(refuse={"bo@example.com": "554 5.7.1 blocked"}):
        assert ready.run("publish", HELLO, "--yes").code == 1
    ready.reader("new@example.org")
    with ready.inbox() as inbox:
        assert ready.run("publish", HELLO, "--new-only", "--yes").code == 0
        assert ready.run("retry", HELLO, "--yes").code == 0
        assert readers_of(inbox).count("bo@example.com") == 1


def test_a_log_tells_of_messages_that_another_sender_of_ours_sent(doubtful: Author) -> None:
    with doubtful.inbox() as inbox:
        ids = [each.parsed["Message-ID"] for each in inbox.messages() if "bo@example.com" in each.recipients]
    log = doubtful.folder / "mail.log"
    log.write_text(postfix_log(*ids))
    doubtful.settings('email = "', 'email = "moved.')
    answer = doubtful.run("reconcile", HELLO, "--log", str(log), "--yes")
    assert (answer.code, "1 delivery found, so sent" in answer.out) == (0, True)
