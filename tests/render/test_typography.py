"""Typography: the spaces, quotes and dashes of each language, in running text and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it.rules_core import replace, smartquotes

from newsletter.render.markdown import parser
from newsletter.render.typography import _line_parser, quotes, typeset

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it import MarkdownIt

    Make = Callable[..., Any]

N, B = "\u202f", "\u00a0"  # narrow and full no-break space


@pytest.mark.parametrize(
    ("written", "set_in_french"),
    [
        ("Pourquoi ?", f"Pourquoi{N}?"),
        ("Pourquoi?", f"Pourquoi{N}?"),
        ("Quoi ?!", f"Quoi{N}?!"),
        ("Oui ! Non !", f"Oui{N}! Non{N}!"),
        ("un ; deux", f"un{N}; deux"),
        ("trois : quatre", f"trois{N}: quatre"),
        ("trois: quatre", f"trois{N}: quatre"),
        (f"déjà{B}! fait{B}:", f"déjà{N}! fait{N}:"),
        ('Elle dit "oui".', f"Elle dit «{N}oui{N}»."),
        ("\"Tu dis 'non' ?\"", f"«{N}Tu dis “non”{N}?{N}»"),
        ("«oui»", f"«{N}oui{N}»"),
        ('« Je dis "non" »', f"«{N}Je dis “non”{N}»"),
        ("l'art d'écrire", "l’art d’écrire"),
        ("12 500 lecteurs", f"12{N}500 lecteurs"),
        ("1 234 567", f"1{N}234{N}567"),
        ("en 2026 100 personnes", "en 2026 100 personnes"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("5 €, 30 %", f"5{B}€, 30{B}%"),
        ("10 km en 2 h", f"10{B}km en 2{B}h"),
        ("M. Durand et Mme Petit", f"M.{B}Durand et Mme{B}Petit"),
        ("n° 12", f"nº{B}12"),
        ("attendez...", "attendez…"),
        ("oui -- ou non", "oui – ou non"),
        # What must stay as it is.
        ("à 10:30", "à 10:30"),
        ("16:9", "16:9"),
        ("https://example.org/?a=b;c!d", "https://example.org/?a=b;c!d"),
        ("un clin d’œil :-) ;-)", "un clin d’œil :-) ;-)"),
        ("a;b;c", "a;b;c"),
    ],
)
def test_french_lines(written: str, set_in_french: str) -> None:
    assert typeset(written, "fr") == set_in_french
    assert typeset(set_in_french, "fr-CA") == set_in_french, "what is right already stays"


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("en", "\"It's 'so'\" -- really...", "“It’s ‘so’” – really…"),
        ("en", "Why ? Because: it is", "Why ? Because: it is"),
        ("de", '"Ja"', "„Ja“"),
        ("es", '"Sí"', "«Sí»"),
        ("xx", '"?"', "“?”"),
        ("en", "cd ../.. and ../data..", "cd ../.. and ../data…"),
        ("fr", "", ""),
    ],
)
def test_other_languages_keep_their_own_quotes(language: str, written: str, expected: str) -> None:
    assert typeset(written, language) == expected


def test_markup_between_a_word_and_its_sign_changes_nothing(mail: Make) -> None:
    got = mail("**Vraiment** ? Oui, _vraiment_!\n\n« *Ana* » : `a ; b`; fin", "lang: fr")
    assert got.body.replace("&nbsp;", B) == (
        f"<p><strong>Vraiment</strong>{N}? Oui, <em>vraiment</em>{N}!</p>"
        f"<p>«{N}<em>Ana</em>{N}»{N}: <code>a ; b</code>{N}; fin</p>"
    )


def test_code_addresses_and_attributes_are_left_alone(mail: Make) -> None:
    got = mail(
        "`Quoi ?`\n\n    Quoi ?\n\n[x](https://example.org/?q=a!) https://example.org/a?b=c;d\n\n"
        '<img alt="Quoi ?" src="a.png" /> <span title="Quoi ?">x</span>',
        "lang: fr",
    )
    assert N not in got.body
    assert got.body.count("Quoi ?") == 4


def test_the_subject_the_preheader_and_the_title_are_set_too(mail: Make) -> None:
    got = mail("x", "title: 'Pourquoi ?'\nsubject: 'Dis \"oui\" !'\npreheader: 'Un mot: non'\nlang: fr")
    assert (got.subject, got.preheader) == (f"Dis «{N}oui{N}»{N}!", f"Un mot{N}: non")
    assert f"<title>Pourquoi{N}?</title>" in got.html
    assert f'aria-label="Pourquoi{N}?"' in got.html
    assert f">Pourquoi{N}?</h1>" in got.html


@pytest.mark.parametrize(
    "block",
    [
        "{lang=en}\n%s",
        "{lang=en}\n> %s",
        "{lang=en}\n> - first\n> - %s",
        "## %s {lang=en}",
        "{lang=en}\n| %s | b |\n|---|---|\n| c | d |",
        "{lang=en}\n::: callout\n%s\n:::",
    ],
)
def test_a_block_in_another_language_is_set_as_that_language_is(mail: Make, block: str) -> None:
    around, inside = 'Elle dit "oui" !', block % 'She says: "yes"!'
    got = mail(f"{around}\n\n{inside}\n\n{around}", "lang: fr")
    assert "She says: “yes”!" in got.words
    assert got.words.count(f"Elle dit «{N}oui{N}»{N}!") == 2
    got = mail(f'{{lang=fr}}\n{around}\n\nShe says: "yes"!', "lang: en")
    assert got.words == f"Elle dit «{N}oui{N}»{N}!\n\nShe says: “yes”!"


def test_a_slot_counts_as_a_word(mail: Make) -> None:
    assert mail("Bonjour {{ subscriber.first_name }} !", "lang: fr").words == f"Bonjour Zoé{N}!"


def test_what_a_line_is_set_as_does_not_hang_on_the_rest_of_the_issue(mail: Make) -> None:
    line = "first\n--second, *a*--b and **--** again"
    assert mail(line).words == mail(f"x--y, x -- y and x---y...\n\n{line}").words.rpartition("\n\n")[2]


SIGNS = [
    "a", "b ", " ", "'", '"', "''", '""', "*", "**", "_", "--", "---", "-", "...", ".", "?", "!", "(c)", "(TM)", "+-",
    ",,", "????", "!!!!", "?....", "\n", "`x`", "1", "é", "(", ")", "\u202f", "\u00a0", "«", "»", "[a](/u)", "<b>",
    "&quot;", "\\'", "~~", "😀", "$", "^", "§",
]  # fmt: skip
MIXED = re.compile(r"(?=[?!]{4})(?:\?+!|!+\?)")


def _of_markdown_it(language: str) -> MarkdownIt:
    """The same parser with the rules of markdown-it for signs and quotes."""
    md = parser.__wrapped__(language)
    md.options["quotes"] = list(quotes(language))
    md.core.ruler.at("replacements", replace)
    md.core.ruler.at("smartquotes", smartquotes)
    return md


THEIRS = {language: _of_markdown_it(language) for language in ("en", "fr", "de")}


@given(st.lists(st.sampled_from(SIGNS), max_size=16).map("".join), st.sampled_from(sorted(THEIRS)))
@settings(max_examples=500)
def test_signs_and_quotes_are_set_as_markdown_it_sets_them(text: str, language: str) -> None:
    assume(not MIXED.search(text))  # markdown-it makes three of the last sign of a mixed row
    assert parser(language).render(text) == THEIRS[language].render(text)


PIECES = [
    "a", "M ", "Mme ", "MM. ", "N° ", "n°", "5", " ", "\u00a0", "\u202f", "€", "%", "$", "km", "h", "«", "»", "!", "?",
    ":", ";", "°", "-", "+", "(c)", "..", ",,", "\n", "\r", "\0", "&", "123", " 456", "'", '"', "“", "—",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.sampled_from(["en", "fr"]))
@settings(max_examples=500)
def test_a_line_that_is_left_alone_is_one_that_nothing_would_change(text: str, language: str) -> None:
    whole = _line_parser(language).parseInline(text)
    assert typeset(text, language) == "".join(child.content for token in whole for child in token.children or ())
