"""The courier: what becomes of a notice when a server takes it, puts it off, refuses it, or is not there."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from newsletter.inbox import Inbox, Manners
from newsletter.limits import ALL
from newsletter.store.notices import Kind, Progress, put, take
from newsletter.store.tokens import spend, used_today
from newsletter.subscriber import Status
from newsletter.suppression import Reason
from tests.support.served import SETTINGS, Served

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.subscriber import Subscriber

ZOE = "zoe@example.org"


def served_by(folder: Path, port: int) -> Served:
    return Served(folder, settings=SETTINGS.replace("port = 2525", f"port = {port}"))


def waiting(served: Served, kind: Kind = Kind.CONFIRM) -> Subscriber:
    """Somebody for whom a notice waits."""
    person = served.reader(ZOE, status=Status.PENDING if kind is Kind.CONFIRM else Status.ACTIVE)
    with served.parts.write() as connection:
        put(connection, kind, person.id, served.parts.now)
    return person


def progress(served: Served) -> tuple[Progress, int]:
    with served.database.reading() as connection:
        state, next_at = connection.execute("SELECT state, next_at FROM notices").fetchone()
    return Progress(state), next_at


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [("451 4.3.0 come back later", Progress.WAITING), ("550 5.1.1 no such user", Progress.FAILED), ("", Progress.SENT)],
)
def test_what_the_server_says_decides(tmp_path: Path, answer: str, becomes: Progress) -> None:
    manners = Manners(refuse={ZOE: answer} if answer else {})
    with (
        Inbox(tmp_path / "box", http_port=None, manners=manners) as inbox,
        served_by(tmp_path, inbox.smtp_port) as served,
    ):
        waiting(served)
        assert served.courier.work() == 1
        state, next_at = progress(served)
        assert state is becomes
        if becomes is Progress.WAITING:
            assert next_at > served.parts.now
            assert served.courier.work() == 0  # not before its time
            served.clock.pass_by(hours=1)
            assert served.courier.work() == 1
        else:
            served.clock.pass_by(days=1)
            assert served.courier.work() == 0
        assert len(inbox.messages()) == (becomes is Progress.SENT)


def test_without_a_server_it_waits_and_gives_up_after_a_day(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with served_by(tmp_path, port) as served:
        waiting(served)
        assert served.courier.work() == 1
        assert progress(served)[0] is Progress.WAITING
        served.clock.pass_by(hours=25)
        assert served.courier.work() == 1
        assert progress(served)[0] is Progress.FAILED


def test_who_takes_a_notice_and_dies_leaves_it_to_the_next_one(tmp_path: Path) -> None:
    with Inbox(tmp_path / "box", http_port=None) as inbox, served_by(tmp_path, inbox.smtp_port) as served:
        waiting(served)
        assert len(take(served.database, 10, served.parts.now)) == 1  # and is gone
        assert served.courier.work() == 0
        served.clock.pass_by(minutes=6)
        assert served.courier.work() == 1
        assert progress(served)[0] is Progress.SENT


@pytest.mark.parametrize(
    ("kind", "reason", "sent"),
    [
        (Kind.WELCOME, Reason.UNSUBSCRIBED, False),
        (Kind.ALREADY, Reason.UNSUBSCRIBED, False),
        (Kind.CONFIRM, Reason.MANUAL, False),
        (Kind.CONFIRM, Reason.UNSUBSCRIBED, True),
        (Kind.GOODBYE, Reason.UNSUBSCRIBED, True),
        (Kind.GOODBYE, Reason.COMPLAINED, False),
        (Kind.OWN_DATA, Reason.UNSUBSCRIBED, True),
    ],
)
def test_what_is_no_longer_wanted_is_not_sent(tmp_path: Path, kind: Kind, reason: Reason, sent: bool) -> None:
    with Inbox(tmp_path / "box", http_port=None) as inbox, served_by(tmp_path, inbox.smtp_port) as served:
        waiting(served, kind)
        served.people.unsubscribe(ZOE, now=served.parts.now, source="test", reason=reason)
        served.courier.work()
        assert len(inbox.messages()) == sent


def test_notices_count_towards_the_limits_and_wait_for_none(tmp_path: Path) -> None:
    with Inbox(tmp_path / "box", http_port=None) as inbox:
        text = SETTINGS.replace("port = 2525", f"port = {inbox.smtp_port}") + '\n[limits]\nrate = "1/s"\ndaily = 5\n'
        with Served(tmp_path, settings=text) as served:
            for number in range(3):
                reader = served.reader(f"reader{number}@example.org")
                with served.parts.write() as connection:
                    put(connection, [Kind.ALREADY, Kind.ALREADY, Kind.CONFIRM][number], reader.id, served.parts.now)
            served.courier.work()
            messages = inbox.wait(3)
            assert messages[0].recipients == ("reader2@example.org",)  # who has to confirm comes first
            rates, now = served.config.limits.rates, served.parts.now * 1000
            today = served.parts.clock().astimezone().date().toordinal()
            assert used_today(served.database, ALL, today) == 3
            assert spend(served.database, 9, rates, {ALL: 5}, today, now).number == 0
            assert spend(served.database, 9, rates, {ALL: 5}, today, now + 3000).number == 1


def test_a_second_attempt_has_the_same_message_id(tmp_path: Path) -> None:
    with Inbox(tmp_path / "box", http_port=None) as inbox, served_by(tmp_path, inbox.smtp_port) as served:
        waiting(served)
        served.courier.work()
        with served.parts.write() as connection:
            connection.execute("UPDATE notices SET state = 0")  # as if the courier had died before it wrote it down
        served.clock.pass_by(minutes=6)
        served.courier.work()
        first, second = (message.parsed["Message-ID"] for message in inbox.wait(2))
        assert first == second


@pytest.mark.parametrize("theme", ["digest", "interview", "portrait", "report"])
def test_notices_look_like_the_newsletter_in_every_theme_and_language(tmp_path: Path, theme: str) -> None:
    text = SETTINGS.replace('language = "en"', f'language = "en"\ntheme = "{theme}"')
    with Served(tmp_path, "goodbye = true", settings=text, mail=True) as served:
        for number, language in enumerate(("fr", "en", "de"), start=1):
            served.post("/subscribe", {"email": f"{language}@example.org", "language": language})
            message = served.mailed(number).parsed
            html, plain = message.get_body(("html",)), message.get_body(("plain",))
            assert html is not None
            assert plain is not None
            assert "Springfield" in html.get_content()
            for part in (html, plain):
                assert "/confirm/" in part.get_content()
                assert "/archive/" not in part.get_content()
                assert "ConfirmationTokenGoesHere" not in part.get_content()
        served.courier.check()


def test_the_file_is_scrubbed_once_an_hour_after_people_deleted_themselves(tmp_path: Path) -> None:
    def trace() -> bool:
        files = [tmp_path / "newsletter.db", tmp_path / "newsletter.db-wal"]
        return any(b"zoe@" in file.read_bytes() for file in files if file.exists())

    with Served(tmp_path) as served:
        served.courier.work()
        reader = served.reader(ZOE)
        served.post(f"{served.own_data(reader)}/forget")
        served.clock.pass_by(minutes=30)
        served.courier.work()
        assert trace()
        served.clock.pass_by(minutes=31)
        served.courier.work()
        assert not trace()
        assert "scrub wanted" not in dict(served.rows("meta"))
