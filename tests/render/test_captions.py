"""What is said of an image, by its alt and its caption, is set like the rest of the issue; code and addresses not."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

N = "\u202f"
SAID = 'Il dit "oui" ! Et--toi... a 14:30 ?'
SET = f"Il dit «{N}oui{N}»{N}! Et–toi… a 14:30{N}?"


def alts(html: str) -> list[str]:
    return [unescape(alt) for alt in re.findall(r'<img [^>]*?alt="([^"]*)"', html)]


@pytest.mark.parametrize(
    "markdown",
    [
        f"![{SAID}](a.png '{SAID}')",
        f"Words ![{SAID}](a.png '{SAID}') and words.",
        f":::gallery\n![{SAID}](a.png '{SAID}')\n![{SAID}](b.png)\n:::",
        f":::beside\n![{SAID}](a.png '{SAID}')\n\nText.\n:::",
        f":::hero\n![{SAID}](a.png '{SAID}')\n:::",
        f":::person[Ana]\n![{SAID}](a.png)\n\nText.\n:::",
        f":::cards\n- ![{SAID}](a.png) [Title](/a)\n:::",
        f"[![{SAID}](a.png '{SAID}')](/more)",
        f"- ![{SAID}](a.png '{SAID}')",
        f"| a |\n|---|\n| ![{SAID}](a.png) |",
    ],
)
def test_an_image_says_what_it_shows_as_the_issue_would(mail: Make, markdown: str) -> None:
    got = mail(markdown, "lang: fr")
    assert set(alts(got.html)) == {SET}
    assert SAID not in unescape(got.html)
    assert SAID not in got.text
    if "'" in markdown:
        assert unescape(got.html).count(SET) > len(alts(got.html))


def test_the_image_on_top_and_the_title_of_a_table_are_set_too(mail: Make) -> None:
    got = mail('{caption="Quoi ?"}\n| a |\n|---|\n| b |', f"lang: fr\nhero: a.png\nhero_alt: '{SAID}'")
    assert alts(got.html) == [SET]
    assert f">Quoi{N}?</caption>" in got.body


def test_code_in_an_alt_stays_as_it_is(mail: Make) -> None:
    assert alts(mail('![The "x" is `a--b "c"`!](a.png)').body) == ['The “x” is a--b "c"!']


def test_a_quotation_goes_on_through_emphasis(mail: Make) -> None:
    assert alts(mail('![He said "yes *and* no"](a.png)').body) == ["He said “yes and no”"]


def test_an_alt_that_is_empty_stays_empty(mail: Make) -> None:
    assert alts(mail("![](a.png)").body) == [""]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("address", ["https://example.org/a--b...c?x=1", "www.example.org/a--b"])
def test_an_address_in_a_line_stays_as_it_is(mail: Make, language: str, address: str) -> None:
    line = f'Look "here" -- {address} !'
    front = f"lang: {language}\nsubject: >-\n  {line}\npreheader: >-\n  {line}"
    got = mail(f"![{line}](a.png)", front)
    for text in (got.subject, got.preheader, *alts(got.body)):
        assert address in text
        assert '"' not in text
        assert "–" in text


def test_a_recipients_slot_stands_in_an_alt(mail: Make) -> None:
    assert alts(mail('![For "{{ subscriber.first_name }}"](a.png)', "lang: fr").body) == [f"For «{N}Zoé{N}»"]
