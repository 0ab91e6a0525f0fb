"""`newsletter bounces` on a mailbox of a real IMAP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.sources.imap import quoted
from tests.doors.test_bounces_command import ALL, OUT, effects, everything, sent, standing
from tests.support.author import Author, author
from tests.support.mailboxes import CERTIFICATE, LOGIN, ImapServer, imap_server
from tests.support.reports import LETTER_BY_HAND, NEWS_OF_OTHERS, Witness
from tests.support.talker import Peer, Talker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    read_from_port(author, server.tls_port if security == "tls" else server.port, security, more)


def read_from_port(author: Author, port: int, security: str, more: str = "") -> None:
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


BACKSCATTER = NEWS_OF_OTHERS.replace(b"bounces+01000000000c00000003aaaaaaaaaaaaaaaaaaaa@", b"bounces@").replace(
    b"reader0@", b"stranger@"
)


def test_a_report_about_nobody_here_is_looked_at_once_and_stays_new(sent: Author, server: ImapServer) -> None:
    sent.settings('bounces = "bounces@letter.example.org"\n', "")
    server.deliver(BACKSCATTER, LETTER_BY_HAND)
    read_from(sent, server, more='processed = "Processed"\n')
    report = sent.run("bounces", "--json").report
    assert (report["messages"], report["left"], report["nobody"]) == (2, 2, 1)
    assert server.flags() == [{"$NewsletterDone"}] * 2
    assert sent.run("bounces", "--json").report["messages"] == 0


# ── servers have their own manners ───────────────────────────────────────────────────────────────────────────────────


class Server:
    """An IMAP server that answers FETCH as `answer`, which gets a message's number and its octets, has it."""

    def __init__(self, answer: Callable[[int, bytes], bytes], *messages: bytes) -> None:
        self._answer = answer
        self._messages = messages
        self.stored: list[str] = []

    def talk(self, peer: Peer) -> None:
        peer.say("* OK [CAPABILITY IMAP4rev1] here I am")
        while line := peer.hear():
            tag, _, command = line.partition(" ")
            match command.split():
                case ["CAPABILITY"]:
                    peer.say("* CAPABILITY IMAP4rev1")
                case ["SELECT", *_]:
                    peer.say(f"* {len(self._messages)} EXISTS", "* OK [PERMANENTFLAGS (\\Seen \\*)] all")
                case ["UID", "SEARCH", *_]:
                    uids = (str(70 + number) for number, _ in enumerate(self._messages))
                    peer.say(f"* SEARCH {' '.join(uids)}")
                case ["UID", "FETCH", *_]:
                    for number, raw in enumerate(self._messages):
                        peer.say(b"* %d FETCH (%b)\r\n" % (number + 1, self._answer(70 + number, raw)))
                case ["UID", "STORE", uids, *_]:
                    self.stored.append(uids)
                case ["LOGOUT"]:
                    peer.say("* BYE", f"{tag} OK")
                    return
            peer.say(f"{tag} OK done")


def literal(raw: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(raw), raw)


@pytest.mark.parametrize(
    "answer",
    [
        lambda uid, raw: b"UID %d BODY[]<0> %b" % (uid, literal(raw)),
        lambda uid, raw: b"BODY[]<0> %b UID %d" % (literal(raw), uid),
        lambda uid, raw: b"FLAGS () BODY[]<0> %b FLAGS (\\Seen) uid %d" % (literal(raw), uid),
    ],
    ids=["before", "behind", "among-flags"],
)
def test_a_server_may_tell_the_number_before_a_message_or_behind_it(
    sent: Author, monkeypatch: pytest.MonkeyPatch, answer: Callable[[int, bytes], bytes]
) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", LOGIN[1])
    witness = Witness(sent.folder)
    server = Server(answer, witness.bounce("reader0@example.org"), witness.bounce("reader1@example.org"))
    with Talker(server.talk) as talker:
        read_from_port(sent, talker.port, "none")
        report = sent.run("bounces", "--json").report
    assert report["messages"] == len(report["events"]) == 2
    assert server.stored == ["70,71"]


def test_a_message_without_its_number_is_told_and_not_passed_over(
    sent: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAP_PASSWORD", LOGIN[1])
    server = Server(lambda _, raw: b"BODY[]<0> " + literal(raw), Witness(sent.folder).bounce("reader0@example.org"))
    with Talker(server.talk) as talker:
        read_from_port(sent, talker.port, "none")
        answer = sent.run("bounces")
    assert answer.code == 4
    assert f"cannot read the mailbox on localhost:{talker.port}: it sent a message without its UID" in answer.err


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
