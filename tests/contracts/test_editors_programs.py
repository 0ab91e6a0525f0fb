"""hunspell and SpamAssassin are asked where they are installed; without them nothing is missing but their advice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from newsletter.sources.spam import spam_points
from newsletter.sources.spelling import misspelt

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


@SPAMASSASSIN
def test_spamassassin_names_its_rules_and_nothing_of_the_way_that_was_not_gone() -> None:
    points = spam_points(MESSAGE % (b"CHEAP PILLS FOR YOU", b"Buy viagra: http://1.2.3.4/pills"))
    assert points
    assert points["SUBJ_ALL_CAPS"] > 0
    assert not points.keys() & {"NO_RELAYS", "NO_RECEIVED"}


@SPAMASSASSIN
def test_a_letter_has_hardly_a_point() -> None:
    points = spam_points(MESSAGE % (b"What we did since September", b"Dear Zoe, we have planted the trees.\r\n"))
    assert points is not None
    assert sum(points.values()) < 2
