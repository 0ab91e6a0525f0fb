"""Uncertain deliveries are settled by what a log or a mailbox shows, or by the author's word; nothing else is."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.reconcile import look, reconcile
from newsletter.actions.send import send
from newsletter.delivery import State
from newsletter.errors import LedgerError, ListError
from newsletter.links import Signer
from newsletter.mailing import Wish
from newsletter.outcome import Accepted, Rejected, Reply, Uncertain
from newsletter.sources.mail_records import ids_in_log, ids_in_mailbox
from newsletter.store.amends import reopen_rejected, uncertain
from newsletter.store.keys import load_keys
from newsletter.store.leases import Worker, join
from newsletter.store.mailings import mailings_of, standing_of, tally_of, undelivered
from newsletter.store.schedules import wish
from newsletter.transports.memory import MemoryTransport
from tests.support.mail_log import postfix_log
from tests.support.sending import NOW, clock, fill_list, plan, post_for
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from newsletter.message import Message
    from newsletter.outcome import Outcome
    from newsletter.store.database import Database

ISSUE = "2026-11-hello"


def answer(message: Message) -> Outcome:
    """Readers 3 and 4 are uncertain, reader 5 is rejected."""
    number = message.envelope.recipient.removeprefix("reader").partition("@")[0]
    match number:
        case "3" | "4":
            return Uncertain(Reply(0, "4.4.2", "connection lost"))
        case "5":
            return Rejected(Reply(550, "5.7.1", "blocked"))
        case _:
            return Accepted()


@pytest.fixture
def database() -> Iterator[Database]:
    """Ten readers, two of them uncertain, one rejected."""
    with new_store() as database:
        fill_list(database, 10)
        mailing = plan(database)
        send(database, mailing, post_for(database, mailing), MemoryTransport(answer=answer), clock)
        yield database


def message_id(database: Database, number: int) -> str:
    (mailing,) = mailings_of(database)
    key = next(key for key, email in uncertain(database, mailing.id).items() if email == f"reader{number}@example.org")
    return Signer(load_keys(database)).message_id(mailing.id, key, "example.org")


def states(database: Database) -> dict[str, str]:
    (mailing,) = mailings_of(database)
    return {who.email.partition("@")[0]: who.state.name for who in undelivered(database, mailing.id)}


def resend(database: Database) -> list[str]:
    """Resume, and say who got a message."""
    (mailing,) = mailings_of(database)
    transport = MemoryTransport()
    send(database, mailing, post_for(database, mailing), transport, clock)
    return [message.envelope.recipient for message in transport.sent]


def test_what_is_in_the_log_of_the_mail_server_was_sent_and_the_rest_stays_uncertain(
    database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "mail.log.gz"
    log.write_bytes(gzip.compress(b"\xff\xfe garbage\n" + postfix_log(message_id(database, 3)).encode()))
    signer = Signer(load_keys(database))
    (finding,) = look(database, ISSUE, signer, ids_in_log(log))
    reconcile(database, [finding], unseen_were=None, where="mail.log", now=NOW)
    assert states(database) == {"reader4": "UNCERTAIN", "reader5": "REJECTED"}
    assert resend(database) == []


def test_a_message_whose_end_never_came_was_not_sent_though_its_id_is_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    cut_off = "Nov 21 08:00:01 host postfix/cleanup[7]: 4XyZ: message-id=<cut-off@example.org>\n"
    log.write_text(
        cut_off
        + "Nov 21 08:00:02 host postfix/smtpd[6]: lost connection after DATA (39045 bytes) from localhost[127.0.0.1]\n"
        + postfix_log("<whole@example.org>", "<another@example.org>", queue="4XyZ")
    )
    assert list(ids_in_log(log)) == ["<whole@example.org>", "<another@example.org>"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_two_lines_about_one_message_may_be_in_two_logs(tmp_path: Path, newest_first: bool) -> None:
    lines = postfix_log("<parted@example.org>").splitlines(keepends=True)
    logs = [tmp_path / "mail.log.1", tmp_path / "mail.log"]
    for log, part in zip(logs, (lines[:2], lines[2:]), strict=True):
        log.write_text("".join(part))
    assert set(ids_in_log(*logs[:: -1 if newest_first else 1])) == {"<parted@example.org>"}
    assert [list(ids_in_log(log)) for log in logs] == [[], []]


@pytest.mark.parametrize("form", ["maildir", "mbox"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_message_id_may_be_on_a_line_of_its_own(tmp_path: Path, form: str, end: str) -> None:
    raw = end.join(("Subject: a", " b", "Message-ID:", "\t<folded@example.org>", "", "Body", "")).encode()
    place = tmp_path / "box"
    if form == "maildir":
        place.mkdir()
        (place / "1.example").write_bytes(raw)
    else:
        place.write_bytes((b"From x Sat Nov 21\n" + raw) * 2)
    assert set(ids_in_mailbox(place)) == {"<folded@example.org>"}


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_what_is_in_a_mailbox_was_sent_and_what_is_not_may_be_called_unsent(
    database: Database, tmp_path: Path, form: str
) -> None:
    raw = f"From: x@example.org\r\nMessage-ID: {message_id(database, 4)}\r\n\r\nbody\r\n".encode()
    if form == "maildir":
        place = tmp_path / "Maildir"
        (place / "new").mkdir(parents=True)
        (place / "new" / "1.example").write_bytes(raw)
    else:
        place = tmp_path / "mbox"
        place.write_bytes(b"From x Sat Nov 21\n" + raw)
    signer = Signer(load_keys(database))
    (finding,) = look(database, ISSUE, signer, ids_in_mailbox(place))
    reconcile(database, [finding], unseen_were="unsent", where="a mailbox", now=NOW)
    counts = tally_of(database, finding.mailing)
    assert (counts.accepted, counts.pending, counts.uncertain) == (8, 1, 0)
    assert states(database) == {"reader3": "PENDING", "reader5": "REJECTED"}
    assert resend(database) == ["reader3@example.org"]


def test_the_author_may_call_all_of_them_sent(database: Database) -> None:
    (finding,) = look(database, ISSUE, Signer(load_keys(database)), ())
    reconcile(database, [finding], unseen_were="sent", where="", now=NOW)
    counts = tally_of(database, finding.mailing)
    assert (counts.accepted, counts.uncertain) == (9, 0)
    assert resend(database) == []


def test_what_was_found_and_what_was_assumed_are_written_down_together_or_not_at_all(database: Database) -> None:
    later = plan(database, issue="2026-12-next")
    send(database, later, post_for(database, later), MemoryTransport(answer=answer), clock)
    signer = Signer(load_keys(database))
    findings = [*look(database, ISSUE, signer, ()), *look(database, "2026-12-next", signer, ())]
    join(database, later.id, Worker("elsewhere", "boot", 1), int(NOW.timestamp()), lambda _: True)
    with pytest.raises(LedgerError, match="is being sent"):
        reconcile(database, findings, unseen_were="unsent", where="", now=NOW)
    assert [tally_of(database, each.mailing).uncertain for each in findings] == [2, 2]


def test_a_message_id_of_somebody_else_settles_nothing(database: Database) -> None:
    real = message_id(database, 3)
    forged = real.replace(real.split(".")[2][:4], "0000")
    (finding,) = look(database, ISSUE, Signer(load_keys(database)), [forged, "<x@example.org>"])
    assert finding.seen == {}


def test_what_is_sent_again_has_the_message_id_that_it_had(database: Database) -> None:
    before = message_id(database, 3)
    (finding,) = look(database, ISSUE, Signer(load_keys(database)), ())
    reconcile(database, [finding], unseen_were="unsent", where="", now=NOW)
    (mailing,) = mailings_of(database)
    transport = MemoryTransport()
    send(database, mailing, post_for(database, mailing), transport, clock)
    assert before in [message.message_id for message in transport.sent]


def test_rejected_deliveries_are_tried_again_when_the_author_says_so_and_only_these(database: Database) -> None:
    (mailing,) = mailings_of(database)
    assert reopen_rejected(database, mailing.id, int(NOW.timestamp())) == 1
    assert resend(database) == ["reader5@example.org"]
    assert tally_of(database, mailing.id).rejected == 0
    assert states(database) == {"reader3": State.UNCERTAIN.name, "reader4": State.UNCERTAIN.name}


def test_what_is_settled_or_tried_again_of_a_mailing_that_is_paused_leaves_it_paused(database: Database) -> None:
    (mailing,) = mailings_of(database)
    now = int(NOW.timestamp())
    reopen_rejected(database, mailing.id, now)  # from here on, somebody waits
    wish(database, mailing.id, Wish.PAUSE, now)
    (finding,) = look(database, ISSUE, Signer(load_keys(database)), ())
    reconcile(database, [finding], unseen_were="sent", where="", now=NOW)
    assert standing_of(database, mailing.id) == "paused"
    reopen_rejected(database, mailing.id, now)
    assert standing_of(database, mailing.id) == "paused"


def test_a_pause_that_came_too_late_holds_nobody_who_is_tried_again_after_the_end(database: Database) -> None:
    (mailing,) = mailings_of(database)
    with database.transaction() as connection:
        connection.execute("UPDATE mailings SET wish = ?", (Wish.PAUSE.value,))  # as its last message was under way
    reopen_rejected(database, mailing.id, int(NOW.timestamp()))
    assert resend(database) == ["reader5@example.org"]


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"no\.log: cannot be read"):
        list(ids_in_log(tmp_path / "no.log"))


WHOLE = gzip.compress(postfix_log(*(f"<{number}@example.org>" for number in range(1000))).encode())


@pytest.mark.parametrize(
    "content",
    [WHOLE[:-2000], WHOLE[:100] + b"\xff" * 100 + WHOLE[200:], WHOLE[:-8] + b"\0" * 8, b"Nov 21 08:00:01 host\n"],
    ids=["cut-off", "damaged", "other-sum", "no-gzip"],
)
@pytest.mark.parametrize("read", [ids_in_log, ids_in_mailbox])
def test_a_gzip_that_cannot_be_unpacked_is_named_with_what_to_do(
    tmp_path: Path, content: bytes, read: Callable[[Path], Iterator[str]]
) -> None:
    path = tmp_path / "mail.log.2.gz"
    path.write_bytes(content)
    with pytest.raises(ListError, match=r"mail\.log\.2\.gz: cannot be unpacked: .*\n  → .*gzip -dc"):
        list(read(path))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_mailbox_with_a_file_that_nobody_can_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.eml").symlink_to("/proc/self/mem")  # which is a file, and fails when it is read
    with pytest.raises(ListError, match=r"1\.eml: cannot be read: Input/output error\n  → check"):
        list(ids_in_mailbox(tmp_path))
