"""Bad input gets a clear error, and nothing is lost: what is wrong is told with its place and a way out, before a send.

What happens during one, to the server, the database or the process, stands in test_interruptions.py.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.author import HELLO, ROOT, Answer, hurry

if TYPE_CHECKING:
    from tests.support.author import Author

ISSUE = f"issues/{HELLO}.md"
COMMANDS = {
    "render": ("render", HELLO),
    "test": ("test", HELLO, "--to", "me@example.org"),
    "publish": ("publish", HELLO, "--yes"),
}
every_command = pytest.mark.parametrize("command", list(COMMANDS.values()), ids=list(COMMANDS))


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue and one reader, of whom a city is known."""
    author.issue()
    author.reader("ana@example.org", fields={"city": "Nantes"})
    return author


def refused(author: Author, *command: str, code: int = 3) -> Answer:
    """Run it with a server at hand: it must be refused, with one complaint for people, and nothing may have left."""
    with author.inbox() as inbox:
        answer = author.run(*command)
        assert inbox.messages() == []
    assert answer.code == code, answer
    assert answer.out == ""
    assert answer.err.startswith("newsletter: ")
    assert author.tallies() == []
    return answer


# ── The issue ────────────────────────────────────────────────────────────────────────────────────────────────────────


@every_command
def test_a_missing_issue_is_told_with_the_nearest_name(ready: Author, command: tuple[str, ...]) -> None:
    verb, _, *rest = command
    answer = refused(ready, verb, "2026-11-helo", *rest)
    assert "2026-11-helo: there is no such issue\n  → did you mean '2026-11-hello'?" in answer.err


@every_command
@pytest.mark.parametrize("name", ["issues", "issues/", "."])
def test_a_folder_is_not_an_issue(ready: Author, command: tuple[str, ...], name: str) -> None:
    verb, _, *rest = command
    assert "this is a folder; an issue is one file" in refused(ready, verb, name, *rest).err


WRONG_ISSUES = {
    "YAML that is never closed": (
        'title: "Hello\nlang: en',
        "Hello.\n",
        [f"{ISSUE}:2:8", "the quote that opens here is never closed"],
    ),
    "YAML that is not indented as it should be": (
        "title: Hello\n  lang: en\n tags: [a",
        "Hello.\n",
        [f"{ISSUE}:"],
    ),
    "no title": ("lang: en", "Hello.\n", [ISSUE, "title"]),
    "an empty title": ("title: ''", "Hello.\n", [f"{ISSUE}:2:", "title"]),
    "a date that is none": ("title: Hello\ndate: the ides of March", "Hello.\n", [f"{ISSUE}:3:7", "date"]),
    "an unknown theme": (
        "title: Hello\ntheme: leter",
        "Hello.\n",
        [f"{HELLO}.md:3:8: there is no theme 'leter'", "did you mean 'letter'?"],
    ),
    "an unknown slot": (
        "title: Hello",
        "Good day.\n\nDear {{ subscriber.nmae }},\n",
        [f"{ISSUE}:7", "nmae", "name"],
    ),
    "an unknown field": (
        "title: Hello",
        "Good day.\n\nIn {{ subscriber.fields.cty }}.\n",
        [f"{ISSUE}:7", "cty", "city"],
    ),
    "an unknown thing": ("title: Hello", "Dear {{ reader.name }},\n", [f"{ISSUE}:5", "reader"]),
    "an unknown filter": (
        "title: Hello",
        "Dear {{ subscriber.name | defalt('you') }},\n",
        [f"{ISSUE}:5", "defalt", "default"],
    ),
    "a slot that is never closed": ("title: Hello", "One.\n\nDear {{ subscriber.name,\n", [f"{ISSUE}:7"]),
    "a condition that is never closed": (
        "title: Hello",
        "One.\n\n{% if subscriber.name %}\nDear you,\n",
        [f"{ISSUE}:7", "endif"],
    ),
    "an unknown slot in the subject": (
        "title: Hello\nsubject: 'For {{ subscriber.frist_name }}'",
        "Hello.\n",
        [f"{ISSUE}:3", "frist_name", "first_name"],
    ),
}


@every_command
@pytest.mark.parametrize("wrong", list(WRONG_ISSUES))
def test_what_is_wrong_in_an_issue_is_told_with_its_line_and_what_would_be_right(
    ready: Author, command: tuple[str, ...], wrong: str
) -> None:
    head, body, told = WRONG_ISSUES[wrong]
    ready.issue(body, head=head)
    answer = refused(ready, *command)
    assert [part for part in told if part not in answer.err] == [], answer.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"---\ntitle: \xc9t\xe9\n---\n\nBonjour.\n", ":2:8: the file is not UTF-8"),
        ("---\ntitle: Été\n---\n\nBonjour.\n".encode("utf-16"), "the file is saved as UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is not UTF-8"),
    ],
)
def test_a_file_that_is_not_utf8_is_told_what_it_probably_is(ready: Author, content: bytes, told: str) -> None:
    (ready.folder / ISSUE).write_bytes(content)
    assert told in refused(ready, "publish", HELLO, "--yes").err


# ── The theme ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own_theme(ready: Author) -> Path:
    """The author's own copy of the theme."""
    return Path(shutil.copytree(ROOT / "templates" / "letter", ready.folder / "templates" / "letter"))


@every_command
@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("blocks/paragraph.mjml.j2", "{% if %}", "paragraph.mjml.j2"),
        ("blocks/paragraph.mjml.j2", "{{ nobody.knows }}", "nobody"),
        ("layout.mjml.j2", "{% endfor %}", "endfor"),
        ("text.j2", "{{ unclosed", "text.j2"),
    ],
)
def test_a_broken_template_is_told_with_its_file_and_line(
    ready: Author, own_theme: Path, command: tuple[str, ...], file: str, line: str, told: str
) -> None:
    path = own_theme / file
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, line, ""]), encoding="utf-8")
    answer = refused(ready, *command)
    assert f"templates/letter/{file}:{len(lines) + 1}" in answer.err
    assert told in answer.err


def test_a_broken_theme_toml_is_told_with_its_line(ready: Author, own_theme: Path) -> None:
    path = own_theme / "theme.toml"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, "[colours", ""]), encoding="utf-8")
    assert f"templates/letter/theme.toml:{len(lines) + 1}" in refused(ready, "publish", HELLO, "--yes").err


# ── The settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


@every_command
def test_all_mistakes_in_the_settings_are_told_at_once_with_their_lines(
    ready: Author, command: tuple[str, ...]
) -> None:
    ready.settings('title = "The letter"', 'titel = "The letter"')
    ready.settings('email = "camille@letter.example.org"', 'email = "camille at letter"')
    ready.settings('kind = "folder"', 'kind = "foldr"')
    with ready.inbox():
        answer = ready.run(*command)
    assert answer.code == 3
    assert "newsletter.toml:2:1: " in answer.err
    assert "did you mean 'title'?" in answer.err
    assert "newsletter.toml:9:9: email" in answer.err
    assert "did you mean 'folder'?" in answer.err


@every_command
def test_without_settings_the_way_to_them_is_told(ready: Author, command: tuple[str, ...]) -> None:
    ready.config.unlink()
    answer = ready.run(*command)
    assert answer.code == 3
    assert "there is no newsletter.toml in " in answer.err
    assert "newsletter init" in answer.err


def test_a_password_that_is_not_there_is_told_by_the_name_of_its_variable(
    ready: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETTER_PASSWORD", raising=False)
    ready.settings('security = "none"', 'security = "none"\nusername = "camille"\npassword_env = "LETTER_PASSWORD"')
    assert "LETTER_PASSWORD, which is not set" in refused(ready, "publish", HELLO, "--yes").err


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_without_a_column_of_addresses_is_refused_and_its_columns_are_told(author: Author) -> None:
    (author.folder / "list.csv").write_text("name,city\nAna,Nantes\n", encoding="utf-8")
    answer = author.run("subscribers", "import", "list.csv")
    assert answer.code == 3
    assert "list.csv" in answer.err
    assert "email" in answer.err
    assert "city" in answer.err


def test_a_broken_row_is_told_with_its_line_and_stops_no_other(author: Author) -> None:
    rows = ["email,first_name", "ana@example.org,Ana", "bo at example.org,Bo", "", ",Nobody", "zoe@example.org,Zoé"]
    (author.folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    answer = author.run("subscribers", "import", "list.csv", "--json")
    assert answer.code == 0
    report = answer.report
    assert (report["rows"], report["added"], report["invalid"]) == (4, 2, 2)
    assert [(each["line"], each["email"]) for each in report["problems"]] == [(3, "bo at example.org"), (5, "")]
    told = author.run("subscribers", "import", "list.csv").err
    assert "list.csv:3: bo at example.org: " in told
    people = author.run("subscribers", "list", "--json").report
    assert [person["email"] for person in people] == ["ana@example.org", "zoe@example.org"]


def test_a_missing_list_is_told(author: Author) -> None:
    answer = author.run("subscribers", "import", "list.csv")
    assert answer.code == 3
    assert "list.csv: there is no such file" in answer.err


# ── The database ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_locked_database_is_told_and_nothing_is_sent(ready: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    other = sqlite3.connect(ready.folder / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ready.inbox() as inbox:
        answer = ready.run("publish", HELLO, "--yes")
        assert answer.code == 4
        assert "newsletter.db: the database is locked by another process" in answer.err
        assert "run this one again" in answer.err
        other.execute("ROLLBACK")
        other.close()
        assert ready.tallies() == []
        assert ready.run("publish", HELLO, "--yes").code == 0
        assert len(inbox.messages()) == 1


def test_to_look_needs_no_lock(ready: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    ready.run("publish", HELLO, "--yes", "--transport", "outbox")
    other = sqlite3.connect(ready.folder / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for command in (
        ("status", HELLO),
        ("status",),
        ("render", HELLO, "--as", "ana@example.org"),
        ("subscribers", "list"),
    ):
        assert ready.run(*command).code == 0
    other.close()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are other ones there")
@pytest.mark.parametrize("folder_too", [False, True])
def test_a_read_only_database_is_told_with_its_folder_and_nothing_is_sent(ready: Author, folder_too: bool) -> None:
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root may write everywhere, and cannot give that up here")
    database = ready.folder / "newsletter.db"
    database.chmod(0o444)
    with ready.inbox() as inbox:
        if folder_too:
            ready.folder.chmod(0o555)
        try:
            answer = ready.run_process("publish", HELLO, "--yes", under="without-rights")
        finally:
            ready.folder.chmod(0o755)
            database.chmod(0o644)
        assert inbox.messages() == []
    assert answer.code == 4
    assert "newsletter.db: the database is read-only" in answer.err
    assert f"check that you may read and write the file and its folder {ready.folder}" in answer.err
    assert ready.tallies() == []


def test_a_file_that_is_no_database_is_told_and_not_touched(author: Author) -> None:
    author.issue()
    path = author.folder / "newsletter.db"
    path.write_bytes(b"This is my diary. " * 500)
    answer = author.run("publish", HELLO, "--yes")
    assert answer.code == 4
    assert "newsletter.db: this file is not a database" in answer.err
    assert path.read_bytes() == b"This is my diary. " * 500


def test_a_database_of_a_newer_program_is_told_and_not_touched(ready: Author) -> None:
    with ready.database() as database, database.transaction() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 4
    assert "newsletter.db: this database was written by newsletter " in answer.err
    assert "upgrade this program" in answer.err


# ── The server, before anything was sent ─────────────────────────────────────────────────────────────────────────────


def test_a_server_that_cannot_be_reached_is_told_nothing_counts_as_sent_and_resume_is_named(ready: Author) -> None:
    with ready.sink() as sink:
        pass  # gone, and its port with it
    answer = ready.run("publish", HELLO, "--yes", "--json")
    assert answer.code == 4
    assert f"cannot use the mail server 127.0.0.1:{sink.port}: Connection refused" in answer.err
    assert "is the server running?" in answer.err
    assert "To go on: newsletter resume 2026-11-hello" in answer.err
    report = answer.report
    assert (report["state"], report["planned"], report["accepted"], report["pending"]) == ("sending", 1, 0, 1)
    with ready.inbox() as inbox:
        assert ready.run("resume", HELLO).code == 0
        assert len(inbox.messages()) == 1


@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
def test_a_wrong_password_is_told_but_never_shown(
    ready: Author, monkeypatch: pytest.MonkeyPatch, verbose: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LETTER_PASSWORD", "correct horse")
    ready.settings('security = "none"', 'security = "none"\nusername = "camille"\npassword_env = "LETTER_PASSWORD"')
    with ready.inbox(login=("camille", "battery staple")) as inbox:
        answer = ready.run_process("publish", HELLO, "--yes", *verbose)
        assert answer.code == 4
        assert "camille" in answer.err
        assert "535" in answer.err
        assert "password" in answer.err
        assert "To go on: newsletter resume 2026-11-hello" in answer.out
        for secret in ("correct horse", "Y29ycmVjdCBob3JzZ", "bWlsbGUAY29ycmVjdCBob3JzZQ"):
            assert secret not in answer.out + answer.err
        assert inbox.messages() == []
        assert [tally.pending for tally in ready.tallies()] == [1]
        monkeypatch.setenv("LETTER_PASSWORD", "battery staple")
        assert ready.run("resume", HELLO).code == 0
        assert len(inbox.messages()) == 1


def test_a_server_that_refuses_the_sender_is_told_with_its_words(ready: Author) -> None:
    with ready.inbox(refuse_sender={"camille@letter.example.org": "550 5.7.1 we do not know you"}):
        answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 4
    assert "550 5.7.1 we do not know you" in answer.err
    assert [(tally.accepted, tally.pending) for tally in ready.tallies()] == [(0, 1)]


def test_a_server_that_does_not_speak_smtp_is_told(ready: Author) -> None:
    with ready.sink(fault=lambda verb, _: "HTTP/1.1 400 Bad Request" if verb == "CONNECT" else None):
        answer = ready.run("publish", HELLO, "--yes")
    assert answer.code == 4
    assert "does not speak SMTP" in answer.err
    assert [(tally.accepted, tally.pending) for tally in ready.tallies()] == [(0, 1)]
