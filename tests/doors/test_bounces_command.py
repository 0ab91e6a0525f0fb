"""`newsletter bounces`: from a mailbox to who is written to, and the second run does nothing."""

from __future__ import annotations

import io
import mailbox
import signal
import sys
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.event import Event, EventKind
from newsletter.reports import Reading, ReportKind, read_report
from newsletter.store.database import open_database
from newsletter.store.subscribers import Subscribers
from tests.support.author import HELLO, Answer, Author, author
from tests.support.reports import LETTER_BY_HAND, NEWS_OF_OTHERS, Witness

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.links import Signer

__all__ = ["author"]

GONE, FULL, BLOCKED, ANGRY, LEAVING, AWAY = (f"reader{n}@example.org" for n in range(6))


@pytest.fixture
def sent(author: Author) -> Author:
    """A newsletter whose first issue went to ten readers."""
    author.settings("[transport]\n", 'bounces = "bounces@letter.example.org"\n\n[transport]\n')
    author.issue()
    author.readers(10)
    assert author.run("publish", HELLO, "--yes", "--quiet", "--transport", "outbox").code == 0
    return author


def everything(witness: Witness) -> list[bytes]:
    """One of each that may be in a mailbox."""
    return [
        witness.bounce(GONE),
        LETTER_BY_HAND,
        witness.bounce(FULL, "552 5.2.2 over quota"),
        witness.bounce(BLOCKED, "550 5.7.26 unauthenticated"),
        witness.complaint(ANGRY),
        NEWS_OF_OTHERS,
        witness.goodbye(LEAVING),
        witness.holiday(AWAY),
        witness.bounce(AWAY, "451 4.4.1 try later", action="delayed"),
    ]


def maildir(folder: Path, messages: list[bytes]) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(messages):
        name = f"{1_700_000_000 + number}.M1P1.host"
        # A mail program has looked at some of them.
        path = folder / "new" / name if number % 2 else folder / "cur" / f"{name}:2,S"
        path.write_bytes(raw.replace(b"\n", b"\r\n") if number % 3 else raw)
    return folder


def mbox(path: Path, messages: list[bytes]) -> Path:
    box = mailbox.mbox(path)
    for raw in messages:
        box.add(raw)
    box.close()
    return path


def in_mbox(path: Path) -> int:
    """How many messages an mbox holds."""
    with closing(mailbox.mbox(path)) as box:
        return len(box)


def in_pipe(monkeypatch: pytest.MonkeyPatch, author: Author, raw: bytes, *options: str) -> Answer:
    """Run the command as a mail server's alias would."""
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw), isatty=lambda: False))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        from newsletter.cli import main

        code = main(["bounces", "-", *options])
    return Answer(code, out.getvalue(), err.getvalue())


def standing(author: Author) -> dict[str, str]:
    """Who gets nothing more, and why."""
    with open_database(f"sqlite:///{author.folder}/newsletter.db") as database:
        people = list(Subscribers(database).iterate())
    return {person.email: reason.value for person, reason in people if reason}


def effects(report: dict[str, Any]) -> dict[str, str]:
    return {f"{each['email']} {each['class'] or each['event']}": each["effect"] for each in report["events"]}


ALL = {
    f"{GONE} hard": "suppressed",
    f"{FULL} soft": "counted",
    f"{BLOCKED} block": "counted",
    f"{ANGRY} complained": "unsubscribed",
    f"{LEAVING} unsubscribed": "unsubscribed",
    f"{AWAY} auto": "ignored",
    f"{AWAY} deferred": "counted",
}
OUT = {GONE: "bounced", ANGRY: "complained", LEAVING: "unsubscribed"}


def test_a_maildir_is_read_and_what_was_read_is_moved(sent: Author) -> None:
    box = maildir(sent.folder / "Maildir", everything(Witness(sent.folder)))
    report = sent.run("bounces", str(box), "--json").report
    assert effects(report) == ALL
    assert standing(sent) == OUT
    assert report["kinds"] == {"bounce": 5, "complaint": 1, "unsubscribe": 1, "auto": 1, "other": 1}
    assert (report["messages"], report["left"], report["forged"], report["nobody"]) == (9, 2, 1, 0)
    left = [path.read_bytes().replace(b"\r\n", b"\n") for part in ("new", "cur") for path in (box / part).iterdir()]
    assert sorted(left) == sorted([LETTER_BY_HAND, NEWS_OF_OTHERS]), "a person's letter, a report on another list"
    assert len(list((box / ".Processed" / "cur").iterdir())) == 7
    again = sent.run("bounces", str(box), "--json").report
    assert (again["messages"], again["left"], again["events"]) == (2, 2, [])


def test_an_mbox_is_read_and_what_was_read_is_moved(sent: Author) -> None:
    path = mbox(sent.folder / "mbox", everything(Witness(sent.folder)))
    assert effects(sent.run("bounces", str(path), "--json").report) == ALL
    assert standing(sent) == OUT
    assert in_mbox(path) == 2
    assert in_mbox(path.with_name("mbox.processed")) == 7
    assert sent.run("bounces", str(path), "--json").report["events"] == []
    assert not (sent.folder / "mbox.lock").exists()


def test_files_are_read_and_stay_and_are_known_the_second_time(sent: Author) -> None:
    files = [sent.folder / f"{number}.eml" for number in range(2)]
    for path, raw in zip(files, everything(Witness(sent.folder))[::2], strict=False):
        path.write_bytes(raw)
    names = [str(path) for path in files]
    assert list(effects(sent.run("bounces", *names, "--json").report).values()) == ["suppressed", "counted"]
    assert list(effects(sent.run("bounces", *names, "--json").report).values()) == ["repeated", "repeated"]
    assert all(path.exists() for path in files)


def test_a_message_may_come_through_a_pipe(sent: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"From MAILER-DAEMON Sat Nov 21 08:00:05 2026\n" + Witness(sent.folder).bounce(GONE) + b"x\n" * 2_000_000
    answer = in_pipe(monkeypatch, sent, raw)
    assert answer.code == 0, answer.err
    assert standing(sent) == {GONE: "bounced"}
    assert effects(in_pipe(monkeypatch, sent, raw, "--json").report) == {f"{GONE} hard": "repeated"}


def test_the_mailbox_of_the_settings_is_read_when_none_is_named(sent: Author) -> None:
    maildir(sent.folder / "Maildir", everything(Witness(sent.folder)))
    sent.settings("[transport]\n", '[bounces]\nkind = "maildir"\npath = "Maildir"\n\n[transport]\n')
    assert effects(sent.run("bounces", "--json").report) == ALL


def test_a_dry_run_tells_the_same_and_changes_nothing(sent: Author) -> None:
    box = maildir(sent.folder / "Maildir", everything(Witness(sent.folder)))
    before = sorted(str(path) for path in box.rglob("*"))
    dry = sent.run("bounces", str(box), "--json", "--dry-run").report
    assert standing(sent) == {}
    assert sorted(str(path) for path in box.rglob("*")) == before
    assert sent.run("bounces", str(box), "--json").report == dry


def test_what_was_done_is_told_in_words(sent: Author) -> None:
    box = maildir(sent.folder / "Maildir", everything(Witness(sent.folder)))
    answer = sent.run("bounces", str(box))
    assert answer.out.splitlines() == [
        f"9 messages in {box}",
        "         1  hard: there is no such address → suppressed",
        "         1  soft: not now: full, away, unreachable → counted",
        "         1  block: they refuse us, not the reader → counted",
        "         1  complained → unsubscribed, for ever",
        "         1  unsubscribed → unsubscribed, for ever",
        "         1  auto: an automatic reply: on holiday, delayed → ignored",
        "         1  deferred → counted",
        "         2  left as they are: mail of people, and reports on others",
        "         1  of these, with an id that somebody else signed",
        f"  {GONE}  suppressed  550 5.1.1 no such user",
        f"  {ANGRY}  unsubscribed",
        f"  {LEAVING}  unsubscribed",
    ]


def test_who_bounced_gets_nothing_more_and_show_says_why(sent: Author) -> None:
    box = maildir(sent.folder / "Maildir", [Witness(sent.folder).bounce(GONE)])
    sent.run("bounces", str(box))
    sent.issue("Again.\n", name="2026-12-again", head='title: "Again"')
    report = sent.run("publish", "2026-12-again", "--yes", "--quiet", "--transport", "outbox", "--json").report
    assert (report["planned"], report["accepted"]) == (9, 9)
    assert "bounced" in sent.run("subscribers", "show", GONE).out


def test_a_report_without_proof_is_not_believed_where_messages_have_return_paths(sent: Author) -> None:
    raw = NEWS_OF_OTHERS.replace(b"bounces+01000000000c00000003aaaaaaaaaaaaaaaaaaaa@", b"bounces@")
    path = sent.folder / "one.eml"
    path.write_bytes(raw)
    assert sent.run("bounces", str(path), "--json").report["nobody"] == 1
    assert standing(sent) == {}
    sent.settings('bounces = "bounces@letter.example.org"\n', "")
    assert sent.run("bounces", str(path), "--json").report["nobody"] == 0
    assert standing(sent) == {GONE: "bounced"}


HOSTILE = (
    b"From: MAILER-DAEMON\nSubject: failure notice\nMessage-ID: <hostile@example.com>\n"
    b"Content-Type: text/plain; charset=unicode_escape\n\n"
    b"\\ud800bob@example.org: 550 5.1.1 no such user \xff\n"
)


def test_a_hostile_message_stops_no_other(sent: Author) -> None:
    sent.settings('bounces = "bounces@letter.example.org"\n', "")
    box = maildir(sent.folder / "Maildir", [HOSTILE, *everything(Witness(sent.folder))])
    report = sent.run("bounces", str(box), "--json").report
    assert effects(report) == ALL
    assert report["nobody"] == 1


def test_a_message_that_we_stumble_over_is_named_and_stays_and_the_others_are_dealt_with(
    sent: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = everything(Witness(sent.folder))
    box = maildir(sent.folder / "Maildir", [b"Subject: we stumble\n\n", *messages, b"Subject: they stumble\n\n"])

    def read_or_stumble(raw: bytes, signer: Signer) -> Reading:
        if b"we stumble" in raw:
            raise RecursionError
        if b"they stumble" in raw:  # when it is to be stored
            return Reading(ReportKind.BOUNCE, (Event(EventKind.BOUNCED, "id", "dsn", address="\ud800@example.org"),))
        return read_report(raw, signer)

    monkeypatch.setattr("newsletter.actions.bounces.read_report", read_or_stumble)
    sent.settings('bounces = "bounces@letter.example.org"\n', "")
    answer = sent.run("bounces", str(box), "--json")
    assert answer.code == 70
    assert effects(answer.report) == ALL
    assert (answer.report["messages"], answer.report["left"]) == (11, 4)
    assert "2 messages could not be dealt with, and stay where they are" in answer.err
    assert "1700000000.M1P1.host: RecursionError" in answer.err
    assert "1700000010.M1P1.host: UnicodeEncodeError" in answer.err


# ── what is wrong is told ────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_mailbox_the_way_to_name_one_is_told(sent: Author) -> None:
    answer = sent.run("bounces")
    assert answer.code == 3
    assert "no mailbox for bounces is configured" in answer.err
    assert "[bounces]" in answer.err


def test_a_mailbox_that_is_not_there_is_named(sent: Author) -> None:
    answer = sent.run("bounces", "Maildri")
    assert (answer.code, answer.err) == (
        3,
        "newsletter: Maildri: there is no such file or folder\n  → check the name\n",
    )


def test_a_folder_that_is_no_maildir_is_said_to_be_none(sent: Author) -> None:
    answer = sent.run("bounces", "issues")
    assert answer.code == 3
    assert "issues: this is no Maildir" in answer.err


def test_a_mailbox_that_another_program_holds_is_left_alone(sent: Author) -> None:
    path = mbox(sent.folder / "mbox", [Witness(sent.folder).bounce(GONE)])
    other = mailbox.mbox(path)
    other.lock()
    try:
        answer = sent.run("bounces", str(path))
    finally:
        other.unlock()
        other.close()
    assert answer.code == 4
    assert "another program holds this mailbox locked" in answer.err
    assert "try again in a moment; if no such program runs, remove mbox.lock" in answer.err
    assert standing(sent) == {}


def test_a_mailbox_is_unlocked_though_another_program_wrote_into_it_without_a_lock(
    sent: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mbox(sent.folder / "mbox", [Witness(sent.folder).bounce(GONE)])

    def read_while_another_comes(raw: bytes, signer: Signer) -> Reading:
        with path.open("ab") as file:
            file.write(b"From x Sat Nov 21 08:00:05 2026\n" + LETTER_BY_HAND)
        return read_report(raw, signer)

    with monkeypatch.context() as patch:
        patch.setattr("newsletter.actions.bounces.read_report", read_while_another_comes)
        answer = sent.run("bounces", str(path))
    assert answer.code == 4
    assert "mbox: another program has changed this mailbox in the meantime" in answer.err
    assert "→ run the command again" in answer.err
    assert sorted(each.name for each in sent.folder.glob("mbox*")) == ["mbox", "mbox.processed"]
    assert effects(sent.run("bounces", str(path), "--json").report) == {f"{GONE} hard": "repeated"}
    assert (in_mbox(path), standing(sent)) == (1, {GONE: "bounced"}), "the letter is there"


def test_a_lock_of_the_mailbox_that_messages_are_moved_to_is_named(sent: Author) -> None:
    path = mbox(sent.folder / "mbox", [Witness(sent.folder).bounce(GONE)])
    (sent.folder / "mbox.processed.lock").touch()
    answer = sent.run("bounces", str(path))
    assert answer.code == 4
    assert "if no such program runs, remove mbox.processed.lock" in answer.err
    assert not (sent.folder / "mbox.lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_lock_behind(sent: Author, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    path = mbox(sent.folder / "mbox", everything(Witness(sent.folder)))
    locked = []

    def read_when_it_comes(raw: bytes, signer: Signer) -> Reading:
        locked.append((sent.folder / "mbox.lock").exists())
        signal.raise_signal(number)
        return read_report(raw, signer)

    def unheard(*_: object) -> None:
        raise AssertionError(number)

    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else unheard)
    try:
        with monkeypatch.context() as patch:
            patch.setattr("newsletter.actions.bounces.read_report", read_when_it_comes)
            answer = sent.run("bounces", str(path))
        assert number == signal.SIGINT or signal.getsignal(number) is unheard
    finally:
        signal.signal(number, before)
    assert (answer.code, answer.err) == (4, "newsletter: stopped\n")
    assert locked == [True]
    assert [each.name for each in sent.folder.glob("mbox*")] == ["mbox"]
    assert effects(sent.run("bounces", str(path), "--json").report) == ALL


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_signal_that_is_to_be_ignored_stops_nothing(sent: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mbox(sent.folder / "mbox", everything(Witness(sent.folder)))

    def read_when_it_comes(raw: bytes, signer: Signer) -> Reading:
        signal.raise_signal(signal.SIGHUP)
        return read_report(raw, signer)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr("newsletter.actions.bounces.read_report", read_when_it_comes)
        assert effects(sent.run("bounces", str(path), "--json").report) == ALL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_empty_mailbox_is_fine(sent: Author) -> None:
    path = sent.folder / "mbox"
    path.write_bytes(b"")
    assert sent.run("bounces", str(path)).out == f"0 messages in {path}\n"


def test_status_counts_what_was_heard(sent: Author) -> None:
    box = maildir(sent.folder / "Maildir", everything(Witness(sent.folder)))
    sent.run("bounces", str(box))
    assert sent.run("status", HELLO, "--json").report["heard"] == {
        "hard": 1, "soft": 1, "block": 1, "content": 0, "sender": 0, "auto": 0, "complaint": 1,
    }  # fmt: skip
    assert "         1  hard: there is no such address (suppressed at once)" in sent.run("status", HELLO).out
