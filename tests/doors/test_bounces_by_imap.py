"""`newsletter bounces` on a mailbox of a real IMAP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.sources.imap import quoted
from tests.doors.test_bounces_command import ALL, OUT, effects, everything, sent, standing
from tests.support.author import Author, author
from tests.support.mailboxes import CERTIFICATE, LOGIN, ImapServer, imap_server
from tests.support.reports import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["author", "sent"]

SECTION = """\
[bounces]
kind = "imap"
host = "localhost"
port = {port}
security = "{security}"
username = "{user}"
password_env = "IMAP_PASSWORD"
ca_file = "{certificate}"
"""

# Folders by their names on the wire.
MOVED_TO = {"Processed": "Processed", "Été 2026": '"&AMk-t&AOk- 2026"'}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[ImapServer]:
    with imap_server() as server:
        yield server


@pytest.fixture
def server(dovecot: ImapServer, monkeypatch: pytest.MonkeyPatch) -> ImapServer:
    """The server, its account empty, its password known."""
    monkeypatch.setenv("IMAP_PASSWORD", LOGIN[1])
    dovecot.empty("INBOX", *MOVED_TO.values())
    return dovecot


def read_from(author: Author, server: ImapServer, security: str = "tls", more: str = "") -> None:
    """Let newsletter.toml name the server."""
    port = server.tls_port if security == "tls" else server.port
    section = SECTION.format(port=port, security=security, user=LOGIN[0], certificate=CERTIFICATE)
    author.settings("[transport]\n", f"{section}{more}\n[transport]\n")


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_mailbox_is_read_and_the_second_run_does_nothing(sent: Author, server: ImapServer, security: str) -> None:
    server.deliver(*everything(Witness(sent.folder)))
    read_from(sent, server, security)
    report = sent.run("bounces", "--json").report
    assert effects(report) == ALL
    assert standing(sent) == OUT
    again = sent.run("bounces", "--json").report
    assert (again["messages"], again["forged"], again["events"]) == (1, 1, []), "what another signed is left as it was"


def test_what_was_dealt_with_is_marked_and_a_persons_letter_stays_new(sent: Author, server: ImapServer) -> None:
    server.deliver(*everything(Witness(sent.folder)))
    read_from(sent, server)
    assert sent.run("bounces").code == 0
    done, seen, nothing = {r"\Seen", "$NewsletterDone"}, {"$NewsletterDone"}, set[str]()
    assert server.flags() == [done, seen, done, done, done, nothing, done, done, done]


@pytest.mark.parametrize("name", MOVED_TO)
def test_what_was_dealt_with_is_moved_to_a_folder_that_is_made_for_it(
    sent: Author, server: ImapServer, name: str
) -> None:
    server.deliver(*everything(Witness(sent.folder)))
    read_from(sent, server, more=f'processed = "{name}"\n')
    answer = sent.run("bounces")
    assert answer.code == 0, answer.err
    assert (len(server.flags()), len(server.flags(MOVED_TO[name]))) == (2, 7)


def test_more_reports_than_fit_into_one_answer_are_all_read(sent: Author, server: ImapServer) -> None:
    witness = Witness(sent.folder)
    messages = [
        witness.bounce(f"reader{n % 10}@example.org", f"550 5.7.{n} no").replace(b"Undelivered", b"U" * 100)
        for n in range(130)
    ]
    server.deliver(*messages)
    read_from(sent, server)
    report = sent.run("bounces", "--json").report
    assert (report["messages"], report["left"], len(report["events"])) == (130, 0, 130)
    assert sent.run("bounces", "--json").report["messages"] == 0


def test_a_dry_run_leaves_every_message_as_it_was(sent: Author, server: ImapServer) -> None:
    server.deliver(*everything(Witness(sent.folder)))
    before = server.flags()
    read_from(sent, server)
    dry = sent.run("bounces", "--json", "--dry-run").report
    assert server.flags() == before
    assert standing(sent) == {}
    assert sent.run("bounces", "--json").report == dry


# ── what is wrong is told ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_password_is_told(sent: Author, server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    read_from(sent, server)
    monkeypatch.setenv("IMAP_PASSWORD", "clé")
    answer = sent.run("bounces")
    assert answer.code == 4
    assert f"the login as {LOGIN[0]} was refused (localhost:{server.tls_port})" in answer.err
    assert "clé" not in answer.err
    monkeypatch.delenv("IMAP_PASSWORD")
    answer = sent.run("bounces")
    assert (answer.code, "[bounces] takes its password from the variable IMAP_PASSWORD" in answer.err) == (3, True)


def test_a_folder_that_is_not_there_is_told(sent: Author, server: ImapServer) -> None:
    read_from(sent, server, more='folder = "Bounces"\n')
    answer = sent.run("bounces")
    assert answer.code == 4
    assert "there is no folder 'Bounces'" in answer.err


def test_a_certificate_that_nobody_vouches_for_is_refused(sent: Author, server: ImapServer) -> None:
    read_from(sent, server)
    sent.settings(f'ca_file = "{CERTIFICATE}"\n', "")
    answer = sent.run("bounces")
    assert answer.code == 4
    assert f"cannot read the mailbox on localhost:{server.tls_port}: self-signed certificate" in answer.err


def test_a_server_that_is_not_there_is_told(sent: Author, server: ImapServer) -> None:
    read_from(sent, server)
    sent.settings(f"port = {server.tls_port}\nsecurity", "port = 1\nsecurity")
    answer = sent.run("bounces")
    assert answer.code == 4
    assert "cannot read the mailbox on localhost:1: Connection refused" in answer.err


def test_a_password_does_not_leave_this_machine_in_the_clear(sent: Author, server: ImapServer) -> None:
    read_from(sent, server, "none")
    sent.settings('host = "localhost"', 'host = "imap.example.org"')
    answer = sent.run("bounces")
    assert answer.code == 4
    assert "the password would go to imap.example.org" in answer.err


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("A&B", '"A&-B"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("台北", '"&U,BTFw-"'),
    ],
)
def test_a_folders_name_is_written_as_imap_wants_it(name: str, written: str) -> None:
    assert quoted(name) == written


def test_a_server_that_cannot_move_copies_and_deletes(sent: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", LOGIN[1])
    with imap_server("imap_capability = IMAP4rev1 UIDPLUS\n") as server:
        server.deliver(*everything(Witness(sent.folder)))
        read_from(sent, server, more='processed = "Processed"\n')
        assert sent.run("bounces").code == 0
        assert (len(server.flags()), len(server.flags("Processed"))) == (2, 7)
