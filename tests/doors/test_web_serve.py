"""newsletter serve, from the command line: where it listens, what it says, how it stops, what outlives it."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from newsletter.inbox import Inbox
from newsletter.store.notices import count_waiting
from newsletter.subscriber import Status

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.author import Author


@contextmanager
def serving(author: Author, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`newsletter serve` as a process, and its address."""
    with author.start("serve", "--port", "0", *arguments) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line + process.stderr.read()
        yield found[0], process


def stopped(process: subprocess.Popen[str], how: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
    process.send_signal(how)
    assert process.stdout
    assert process.stderr
    # Not by communicate(), which forgets what was read ahead of the first line.
    out, err = process.stdout.read(), process.stderr.read()
    return process.wait(20), out, err


def status_of(author: Author, email: str) -> Any:
    with author.database() as database, database.reading() as connection:
        return connection.execute("SELECT status FROM subscribers WHERE canonical = ?", (email,)).fetchone()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_who_has_to_lead_there_and_stops_in_order(author: Author, how: signal.Signals) -> None:
    with serving(author, "--no-inbox") as (url, process):
        assert requests.get(f"{url}/healthz", timeout=10).text == "ok\n"
        code, out, err = stopped(process, how)
    assert (code, err) == (0, "")
    assert f"let your web server lead from there to {url}" in out
    assert "https://letter.example.org" in out


def test_it_listens_on_this_machine_unless_told_otherwise(author: Author) -> None:
    with serving(author, "--no-inbox", "--host", "0.0.0.0") as (url, process):
        port = int(url.rpartition(":")[2])
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).ok
        _, out, _ = stopped(process)
    assert "without encryption" in out
    with serving(author, "--no-inbox") as (url, process):
        assert url.startswith("http://127.0.0.1:")
        _, out, _ = stopped(process)
    assert "without encryption" not in out


def test_a_port_that_is_taken_is_said_with_another_one(author: Author) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = author.run_process("serve", "--no-inbox", "--port", str(port))
    assert answer.code == 3
    assert f"port {port} on 127.0.0.1 is in use" in answer.err
    assert "--port" in answer.err


def test_settings_that_lack_something_are_refused_before_anything_runs(author: Author) -> None:
    author.settings('base_url = "https://letter.example.org"\n', "")
    answer = author.run_process("serve", "--no-inbox", "--port", "0")
    assert answer.code == 3
    assert "base_url is missing" in answer.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no such issue"),
        ("---\ntitle: Welcome\nstatus: draft\n---\nHello.\n", "is a draft"),
        ("---\ntitle: Welcome\n---\nHello {{ subscriber.nam }}.\n", "there is no `subscriber.nam`"),
    ],
)
def test_a_welcome_that_cannot_be_sent_is_told_at_the_start(author: Author, text: str, told: str) -> None:
    if text:
        (author.folder / "issues" / "welcome.md").write_text(text, encoding="utf-8")
    with author.config.open("a", encoding="utf-8") as settings:
        settings.write('\n[web]\nwelcome = "welcome"\n')
    answer = author.run_process("serve", "--no-inbox", "--port", "0")
    assert answer.code == 3
    assert told in answer.err


def test_what_could_not_be_sent_goes_out_at_the_next_start(author: Author) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        author.send_to(nobody.getsockname()[1])
    with serving(author, "--no-inbox") as (url, process):
        assert requests.post(f"{url}/subscribe", {"email": "zoe@example.org"}, timeout=10).ok
        code, out, err = stopped(process)
    assert code == 0, err
    assert "zoe" not in out + err
    assert "Stopped. 1 notice will be sent at the next start." in out
    with author.database() as database, database.transaction() as connection:
        assert connection.execute("UPDATE notices SET next_at = 0 WHERE state = 0").rowcount == 1
    with author.inbox() as inbox, serving(author, "--no-inbox") as (_, process):
        [message] = inbox.wait(1, timeout=30)
        assert message.recipients == ("zoe@example.org",)
        stopped(process)
    with author.database() as database:
        assert count_waiting(database) == 0


def test_a_wish_survives_a_server_that_is_killed(author: Author) -> None:
    with author.inbox() as inbox:
        for number in range(3):
            with serving(author, "--no-inbox") as (url, process):
                person = {"email": f"r{number}@example.org"}
                assert requests.post(f"{url}/subscribe", person, timeout=10).ok
                process.kill()
                process.communicate()
        with author.database() as database, database.transaction() as connection:
            connection.execute("UPDATE notices SET next_at = 0 WHERE state = 0")  # five minutes later
        with serving(author, "--no-inbox") as (_, process):
            # At least once: one that was on its way may come twice, under the same Message-ID.
            while len({message.recipients for message in inbox.messages()}) < 3:
                inbox.wait(len(inbox.messages()) + 1, timeout=30)
            stopped(process)
    assert status_of(author, "r0@example.org") == (Status.PENDING.value,)


def test_a_mailbox_that_runs_already_is_used(author: Author) -> None:
    author.send_to(2525)
    try:
        inbox = Inbox(author.folder / "mail", smtp_port=2525, http_port=None).__enter__()
    except Exception:
        pytest.skip("something else has port 2525 here")
    try:
        with serving(author) as (url, process):
            requests.post(f"{url}/subscribe", {"email": "zoe@example.org"}, timeout=10)
            [message] = inbox.wait(1, timeout=30)
            _, out, _ = stopped(process)
    finally:
        inbox.__exit__(None, None, None)
    assert "A mailbox runs on port 2525 already" in out
    body = message.parsed.get_body(("plain",))
    assert body is not None
    assert f"{url}/confirm/" in body.get_content()


def test_what_people_type_is_no_formula_in_the_export(author: Author) -> None:
    with author.config.open("a", encoding="utf-8") as settings:
        settings.write('\n[web]\nfields = ["first_name", "city"]\nconfirm = false\n')
    with author.inbox(), serving(author, "--no-inbox") as (url, process):
        wish = {"email": "zoe@example.org", "first_name": "=1+1", "city": "@SUM(A1)\r\nBcc: x@example.org"}
        requests.post(f"{url}/subscribe", wish, timeout=10)
        stopped(process)
    with serving(author, "--no-inbox") as (_, process):
        stopped(process)
    exported = author.run("subscribers", "export").out
    assert "zoe@example.org" in exported
    assert not re.search(r'(^|[,;"])[=@+\-]', exported, re.MULTILINE), exported
    assert "\nBcc" not in exported


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("confirm.html.j2", "{% extends 'page.html.j2' %}\n{% block content %}", "templates/web/confirm.html.j2:2"),
        ("page.html.j2", "<title>{{ newslettr.title }}</title>", "newslettr"),
    ],
)
def test_a_page_of_the_authors_own_that_is_wrong_is_told_at_the_start(
    author: Author, name: str, text: str, told: str
) -> None:
    folder = author.folder / "templates" / "web"
    folder.mkdir(parents=True)
    (folder / name).write_text(text, encoding="utf-8")
    answer = author.run_process("serve", "--no-inbox", "--port", "0")
    assert answer.code == 3
    assert told in answer.err
