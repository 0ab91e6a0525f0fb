"""hunspell and SpamAssassin are asked where they are installed; without them nothing is missing but their advice."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from newsletter.sources.spam import spam_points
from newsletter.sources.spelling import misspelt
from tests.support.author import Author

HUNSPELL = pytest.mark.skipif(
    not shutil.which("hunspell") or not Path("/usr/share/hunspell/fr.dic").exists(),
    reason="hunspell with its French and English dictionaries is not installed",
)
SPAMASSASSIN = pytest.mark.skipif(not shutil.which("spamassassin"), reason="SpamAssassin is not installed")

MESSAGE = b"""\
From: Ana <ana@example.org>\r
To: zoe@example.org\r
Subject: %b\r
Date: Sat, 21 Nov 2026 10:00:00 +0000\r
Message-ID: <1.2.0123456789abcdef@example.org>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
%b\r
"""


@HUNSPELL
def test_unknown_words_are_told_with_what_may_have_been_meant(tmp_path: Path) -> None:
    found = misspelt(["We recieved your letters from Metz."], "en", tmp_path / "words.txt")
    assert [*found] == ["recieved"]
    assert found["recieved"][0] == "received"


@HUNSPELL
def test_french_is_read_with_its_apostrophes_and_in_either_form(tmp_path: Path) -> None:
    text = "Nous avons reçu l’école et l'arbre, aujourd’hui, vis-à-vis de l’écolle."
    assert [*misspelt([text], "fr-FR", tmp_path / "words.txt")] == ["l’écolle"]


@HUNSPELL
def test_names_slots_addresses_and_the_author_s_own_words_are_left_alone(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("mailhop\n", encoding="utf-8")
    text = "Nadjia writes to {{ subscriber.frstname }} at ana@exmaple.org about the mailhop, see exmple.org/abotu."
    assert misspelt([text], "en", words) == {}


def test_a_language_without_a_dictionary_has_no_mistakes(tmp_path: Path) -> None:
    assert misspelt(["zzyzx qwrtz"], "tlh", tmp_path / "words.txt") == {}


PILLS = MESSAGE % (b"CHEAP PILLS FOR YOU", b"Buy viagra: http://1.2.3.4/pills")
LETTER = MESSAGE % (b"What we did since September", b"Dear Zoe, we have planted the trees.\r\n")


@pytest.fixture
def nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `spamc` that asks where no spamd is, whatever runs on this machine."""
    _spamc(tmp_path, monkeypatch, _free_port())


def _spamc(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """A `spamc` that asks at this port."""
    client = folder / "bin" / "spamc"
    client.parent.mkdir(exist_ok=True)
    client.write_text(f'#!/bin/sh\nexec {shutil.which("spamc")} -d 127.0.0.1 -p {port} "$@"\n', "utf-8")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{client.parent}:{os.environ['PATH']}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@SPAMASSASSIN
@pytest.mark.usefixtures("nobody_listens")
def test_spamassassin_reads_several_messages_in_one_go_and_nothing_of_a_way_that_was_not_gone() -> None:
    judged = spam_points([PILLS, LETTER], start=True)
    assert judged.by == "spamassassin"
    pills, letter = judged.points
    assert pills
    assert letter is not None
    assert pills["SUBJ_ALL_CAPS"] > 0
    assert not pills.keys() & {"NO_RELAYS", "NO_RECEIVED"}
    assert sum(letter.values()) < 2


@SPAMASSASSIN
@pytest.mark.usefixtures("nobody_listens")
def test_where_no_spamd_answers_spamassassin_is_not_started_unasked() -> None:
    assert spam_points([PILLS]) == ("", (None,))


@SPAMASSASSIN
def test_a_spamd_that_runs_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = _free_port()
    _spamc(tmp_path, monkeypatch, port)
    command = ["spamd", "-L", "-x", "-m", "1", "-u", "nobody", "--listen", f"127.0.0.1:{port}", "-s", "stderr"]
    if os.geteuid():
        command = [part for part in command if part not in {"-u", "nobody"}]
    log: list[str] = []
    with subprocess.Popen([*command, "-H", str(tmp_path)], stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        try:
            for line in daemon.stderr:
                log.append(line)
                if "server started" in line:
                    break
            judged = spam_points([PILLS, LETTER])
        finally:
            daemon.terminate()
    assert judged.by == "spamd", log
    pills, letter = judged.points
    assert pills is not None
    assert letter is not None
    assert sum(pills.values()) > sum(letter.values())


@HUNSPELL
def test_several_issues_are_spelt_in_one_go_and_each_hears_of_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = Author(tmp_path / "letter", monkeypatch)
    head = "title: A letter\npreheader: What is in it\n"
    author.issue("We recieved your letters.\n", name="2026-11-one", head=head)
    author.issue("We wrote to you befor.\n", name="2026-12-two", head=head)
    found = json.loads(author.run("check", "2026-11-one", "2026-12-two", "--offline", "--json").out)
    told = [(each["path"], each["message"]) for each in found if each["rule"] == "spelling"]
    assert told == [
        ("issues/2026-11-one.md", "the dictionary does not know “recieved”"),
        ("issues/2026-12-two.md", "the dictionary does not know “befor”"),
    ]
