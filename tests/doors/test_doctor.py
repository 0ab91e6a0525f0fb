"""newsletter doctor as its user meets it: from a folder, with a real mail server and a real name server beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.zone import Zone

if TYPE_CHECKING:
    from tests.support.author import Author

RECORDS = {
    "letter.example.org TXT": ['"v=spf1 ip4:198.51.100.7 ~all"'],
    "_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none; rua=mailto:d@letter.example.org"'],
    "letter.example.org MX": ["10 mx.letter.example.org."],
}


def test_it_looks_at_settings_list_server_quota_dns_and_pages_and_sums_up_for_each_receiver(author: Author) -> None:
    author.reader("zoe@example.org")
    with Zone(RECORDS) as zone, author.inbox():
        text = author.config.read_text("utf-8")
        settings = f'{text}\n[dns]\nservers = ["127.0.0.1:{zone.port}"]\n'.replace("https://letter.example.org", "")
        author.config.write_text(settings, "utf-8")
        answer = author.run("doctor")
        told = json.loads(author.run("doctor", "--json").out)
    sections = list(dict.fromkeys(each["section"] for each in told))
    assert sections == ["Settings", "Way out", "Domain", "Receivers"]
    by_name = {each["about"]: each for each in told}
    assert by_name["List"]["message"] == "it opens, and has 1 active reader"
    assert "the settings allow any number of messages" in by_name["Quota"]["message"]
    assert by_name["SPF"]["health"] == by_name["DMARC"]["health"] == "good"
    assert [each["about"] for each in told if each["section"] == "Receivers"] == [
        "Gmail", "Yahoo", "Microsoft", "Orange", "La Poste"
    ]  # fmt: skip
    assert "✓ SPF: v=spf1 ip4:198.51.100.7 ~all (0 lookups)" in answer.out
    assert "asks from 5,000 a day: Sender, SPF, DMARC" in answer.out


def test_what_is_missing_stands_below_each_receiver_with_what_to_publish(author: Author) -> None:
    with Zone({}) as zone, author.inbox():
        text = author.config.read_text("utf-8").replace("https://letter.example.org", "")
        author.config.write_text(f'{text}\n[dns]\nservers = ["127.0.0.1:{zone.port}"]\n', "utf-8")
        answer = author.run("doctor")
    assert answer.code == 3
    orange = answer.out.partition("✗ Orange: ")[2].partition("✗ La Poste")[0]
    assert 'SPF: publish letter.example.org. TXT "v=spf1 include:YOUR-PROVIDER ~all"' in orange
    assert "DMARC: publish _dmarc.letter.example.org. TXT" in orange


def test_to_look_makes_no_list(author: Author) -> None:
    answer = author.run("doctor", "--offline")
    assert "List: there is none yet" in answer.out
    assert not list(author.folder.glob("*.db"))
