"""An issue is read as its author wrote it, for whichever tool; what is wrong with it is said at once and exactly."""

from __future__ import annotations

import dataclasses
import datetime
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import IssueError, Problem
from newsletter.issue import FIELDS, Issue, parse_issue, stem_of

FIXTURES = Path(__file__).parent / "fixtures" / "issues"


def problems_of(text: str, path: str = "issues/x.md") -> tuple[Problem, ...]:
    with pytest.raises(IssueError) as caught:
        parse_issue(text, path)
    return caught.value.problems


def the_problem_of(text: str) -> Problem:
    (problem,) = problems_of(text)
    return problem


def with_front_matter(*lines: str) -> str:
    return "\n".join(("---", *lines, "---", "Text.", ""))


# ── Issues of other tools ────────────────────────────────────────────────────────────────────────────────────────────

TAKEN_AS_THEY_ARE: dict[str, dict[str, Any]] = {
    "astro.md": {
        "stem": "astro",
        "title": "Fifty-two Sundays",
        "subject": "Fifty-two Sundays",
        "preheader": "What a year of weekly letters taught us about keeping a promise.",
        "date": datetime.date(2022, 7, 15),
        "hero": "../../assets/sundays.jpg",
        "hero_alt": None,
        "authors": ("Maren Holt",),
        "language": None,
        "tags": ("habits", "letters", "2022"),
        "status": "unset",
        "slug": "astro",
        "canonical_url": "https://example.org/blog/fifty-two-sundays/",
        "number": None,
        "theme": None,
        "body_line": 13,
    },
    "astro-tutorial.md": {
        "title": "My First Letter",
        "date": datetime.date(2022, 7, 1),
        "hero": "https://example.org/images/arc.png",
        "hero_alt": "An arc over the words: build in public.",
        "tags": ("astro", "blogging", "learning in public"),
        "body": "# My First Letter\n\nPublished on: 2022-07-01\n",
    },
    "hugo.md": {
        "title": "Écrire court : dix règles qui tiennent",
        "preheader": "« Couper, c’est choisir. » Dix règles pour que la lettre soit lue jusqu’au bout.",
        "date": datetime.date(2026, 3, 5),
        "hero": "couverture.jpg",
        "hero_alt": "Une paire de ciseaux sur une page",
        "authors": ("Élodie Durand", "Anaïs Lefèvre"),
        "language": "fr-FR",
        "tags": ("écriture", "lettres"),
        "status": "unset",
        "slug": "ecrire-court",
        "number": None,
        "body_line": 32,
    },
    "jekyll.md": {
        "title": "Welcome to the letter!",
        "preheader": "Jekyll folds this summary over two lines.",
        "date": datetime.date(2022, 7, 15),
        "hero": "/assets/img/welcome.jpg",
        "hero_alt": "A red letterbox",
        "authors": ("Sam Okafor",),
        "tags": ("news updates", "letters"),
        "status": "unset",
        "body": "You will find this post in your `_posts` directory.\n",
    },
    "buttondown.md": {
        "title": "La lettre n° 12",
        "subject": "La lettre n° 12",
        "preheader": "Au sommaire : trois villes, une recette, un silence.",
        "date": datetime.date(2026, 11, 21),
        "hero": "https://example.org/images/lettre-12.png",
        "status": "unset",
        "slug": "la-lettre-12",
        "canonical_url": "https://example.org/archive/la-lettre-12/",
        "number": 12,
    },
    "lettre.md": {
        "title": "L’hiver, mode d’emploi",
        "subject": 'L’hiver, mode d’emploi : {{ subscriber.first_name | default("chère lectrice, cher lecteur") }}',
        "preheader": "Ce que les jardins font quand ils ne font rien.",
        "date": datetime.date(2026, 12, 1),
        "number": 3,
        "theme": "letter",
        "status": "ready",
        "language": "fr",
        "authors": ("Élodie Durand",),
        "hero": "jardin.jpg",
        "hero_alt": "",
    },
}


@pytest.mark.parametrize("name", TAKEN_AS_THEY_ARE)
def test_an_issue_written_for_another_tool_is_taken_as_it_is(name: str) -> None:
    issue = parse_issue((FIXTURES / name).read_text("utf-8"), f"issues/{name}")
    assert {key: getattr(issue, key) for key in TAKEN_AS_THEY_ARE[name]} == TAKEN_AS_THEY_ARE[name]


@pytest.mark.parametrize("name", TAKEN_AS_THEY_ARE)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_make_no_difference(name: str, line_end: str, mark: str) -> None:
    text = (FIXTURES / name).read_text("utf-8")
    assert parse_issue(mark + text.replace("\n", line_end)) == parse_issue(text)


def test_every_other_key_stays_available_as_plain_data() -> None:
    extra = parse_issue((FIXTURES / "lettre.md").read_text("utf-8")).extra
    assert extra["reading_time"] == 7
    assert extra["sponsor"] == {
        "name": "La Librairie des Lilas",
        "until": datetime.date(2026, 12, 31),
        "seats": 12,
        "share": 0.5,
        "loud": False,
        "note": None,
    }
    sponsor = extra["sponsor"]
    assert type(sponsor) is dict
    assert {type(value) for value in sponsor.values()} == {str, datetime.date, int, float, bool, type(None)}


def test_a_foreign_word_feeds_its_field_and_stays_in_extra_but_our_own_words_do_not() -> None:
    issue = parse_issue(with_front_matter("Title: A", "description: B", "draft: no", "layout: post"))
    assert issue.preheader == "B"
    assert dict(issue.extra) == {"description": "B", "layout": "post"}


def test_hugo_tables_and_their_dates_are_plain_data_too() -> None:
    extra = parse_issue((FIXTURES / "hugo.md").read_text("utf-8")).extra
    assert extra["params"] == {"issue": "le seuil", "toc": True}
    assert extra["resources"] == [{"src": "ciseaux.jpg", "title": "Ciseaux"}]
    moment = extra["publishDate"]
    assert moment == datetime.date(2026, 3, 6)
    assert type(moment) is datetime.date


def test_nothing_of_an_issue_can_be_changed() -> None:
    issue = parse_issue("# Hello")
    with pytest.raises(dataclasses.FrozenInstanceError):
        issue.title = "Bye"  # type: ignore[misc]
    with pytest.raises(TypeError):
        issue.extra["key"] = "value"  # type: ignore[index]
    assert hash(issue) == hash(parse_issue("# Hello"))


# ── Which key counts ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("field", "keys"), [(field.name, field.keys) for field in FIELDS if len(field.keys) > 1])
def test_of_two_words_for_one_field_the_first_in_the_table_counts_wherever_it_stands(
    field: str, keys: tuple[str, ...]
) -> None:
    values = {
        "date": ["2026-01-01", "2026-02-02"],
        "language": ["fr", "en"],
        "number": ["1", "2"],
        "canonical_url": ["https://one.example.org/", "https://two.example.org/"],
    }.get(field, ["one", "two"])
    for first, second in pairwise(keys):
        expected = getattr(parse_issue(with_front_matter("title: T", f"{first}: {values[0]}")), field)
        issue = parse_issue(with_front_matter("title: T", f"{second}: {values[1]}", f"{first}: {values[0]}"))
        assert getattr(issue, field) == expected
        other = parse_issue(with_front_matter("title: T", f"{first}:", f"{second}: {values[0]}"))
        assert getattr(other, field) == expected, "an empty one leaves the word to the next"


def test_title_and_subject_are_two_things_and_either_is_enough() -> None:
    both = parse_issue(with_front_matter("title: On the page", "subject: In the inbox"))
    assert (both.title, both.subject) == ("On the page", "In the inbox")
    assert parse_issue(with_front_matter("title: T")).subject == "T"
    assert parse_issue(with_front_matter("subject: S")).title == "S"


@pytest.mark.parametrize("key", ["pubDate", "pubdate", "pub_date", "pub-date", "PubDate", "PUB_DATE"])
def test_capitals_underscores_and_hyphens_in_a_key_do_not_count(key: str) -> None:
    assert parse_issue(with_front_matter("title: T", f"{key}: 2026-11-21")).date == datetime.date(2026, 11, 21)


def test_one_word_in_two_spellings_is_an_error_that_names_both_lines() -> None:
    problem = the_problem_of(with_front_matter("title: T", "pubDate: 2026-11-21", "pub_date: 2026-11-22"))
    assert str(problem) == "issues/x.md:4:1: 'pub_date' is the same key as 'pubDate' on line 3\n  → keep one of the two"


def test_without_a_date_the_day_counts_with_which_jekyll_begins_the_file_name() -> None:
    assert parse_issue("# T", "_posts/2022-07-15-welcome.md").date == datetime.date(2022, 7, 15)
    assert parse_issue("---\ntitle: T\ndate: 2023-01-01\n---", "2022-07-15-x.md").date == datetime.date(2023, 1, 1)
    assert parse_issue("# T", "2022-07-letter.md").date is None
    assert parse_issue("# T", "2022-02-30-letter.md").date is None


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("issues/2026-11-hello.md", "2026-11-hello"),
        ("2026-11-hello.markdown", "2026-11-hello"),
        ("issues/hello/index.md", "hello"),
        ("index.md", "index"),
        ("issues/v1.2.md", "v1.2"),
        ("<issue>", "issue"),
        ("issues/e\u0301te\u0301.md", "été"),
    ],
)
def test_an_issue_is_known_by_the_name_of_its_file(path: str, stem: str) -> None:
    assert stem_of(path) == stem
    assert parse_issue("# T", path).key == stem


def test_without_a_slug_the_file_name_makes_one() -> None:
    assert parse_issue("# T", "issues/2026-11-hello.md").slug == "2026-11-hello"
    assert parse_issue("# T", "issues/Été à Nantes !.md").slug == "ete-a-nantes"
    assert parse_issue("# T", "issues/!!!.md").slug == "issue"


# ── The title ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "title", "rest"),
    [
        ("# Hello\n\nText.", "Hello", "\n\nText."),
        ("Lead.\n\n# Hello ##\nText.", "Hello", "Lead.\n\n\nText."),
        ("   #   C# and F#\nText.", "C# and F#", "\nText."),
        ("Hello\n=====\nText.", "Hello", "\n\nText."),
        ("Text.\n\nHello\n===\n", "Hello", "Text.\n\n\n\n"),
        ("# *Hello* **you** `x` [there](https://example.org) \\* {#id .wide}", "Hello you x there *", ""),
        ("# {{ subscriber.first_name }}, hello", "{{ subscriber.first_name }}, hello", ""),
        (
            "# *{{ a.first_name | default('x *y*') }}* and _{{ a.last_name }}_",
            "{{ a.first_name | default('x *y*') }} and {{ a.last_name }}",
            "",
        ),
        ("# [there]({{ a }}) is {{ b }}", "there is {{ b }}", ""),
        ("# my_own_name and __init__", "my_own_name and init", ""),
        ("# {% if a_b %}Dear _you_{% endif %}", "{% if a_b %}Dear you{% endif %}", ""),
        ("# L’été : 2 * 3 * 4", "L’été : 2 * 3 * 4", ""),
        ("```\n# comment\n```\n# Hello", "Hello", "```\n# comment\n```\n"),
        ("~~~~\n# a\n~~~\n# b\n~~~~\n# Hello", "Hello", "~~~~\n# a\n~~~\n# b\n~~~~\n"),
        ("<!-- \n# old\n-->\n# Hello", "Hello", "<!-- \n# old\n-->\n"),
        ("## Second\n# First", "First", "## Second\n"),
        ("#hashtag\n\n# Hello", "Hello", "#hashtag\n\n"),
    ],
)
def test_without_a_title_the_first_heading_is_it_and_leaves_the_body(body: str, title: str, rest: str) -> None:
    issue = parse_issue(body)
    assert (issue.title, issue.subject, issue.body, issue.body_line) == (title, title, rest, 1)
    assert issue.body.count("\n") == body.count("\n"), "every other line keeps its number"


def test_the_heading_is_the_title_also_below_front_matter_that_has_none() -> None:
    issue = parse_issue("---\nlang: fr\n---\n\n# Bonjour\n")
    assert (issue.title, issue.body_line, issue.place("title")) == ("Bonjour", 4, (5, 1))


def test_a_heading_stays_in_the_body_when_the_front_matter_has_the_title() -> None:
    assert parse_issue("---\ntitle: T\n---\n# Hello\n").body == "# Hello\n"


@pytest.mark.parametrize("text", ["", "\n\n", "Hello.", "## Hello", "#", "---\n---\nHello", "+++\n+++\n", "    # code"])
def test_an_issue_without_a_title_is_refused(text: str) -> None:
    problem = the_problem_of(text)
    assert problem.message == "the issue has no title"
    assert problem.place == "issues/x.md:1:1"
    assert "title:" in (problem.fix or "")


@pytest.mark.parametrize("key", ["titel", "titre", "tittle", "sujet", "Titlle"])
def test_a_misspelt_title_is_recognised(key: str) -> None:
    assert the_problem_of(with_front_matter(f"{key}: Hello")).fix == f"did you mean 'title' by {key!r} on line 2?"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("2022", "2022"),
        ("1.10", "1.10"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("'null'", "null"),
        ("2026-11-21", "2026-11-21"),
        (">-\n  Two\n  lines", "Two lines"),
        ("|\n  Two\n\n  lines", "Two lines"),
        ("'Lettre\u00a0: la suite\u202f!'", "Lettre\u00a0: la suite\u202f!"),
        ("A \\ B", "A \\ B"),
    ],
)
def test_a_title_is_the_very_text_that_was_written(written: str, title: str) -> None:
    assert parse_issue(with_front_matter(f"title: {written}")).title == title


def test_an_issue_may_be_empty_and_says_so() -> None:
    assert parse_issue("---\ntitle: T\n---").is_empty
    assert parse_issue("---\ntitle: T\n---\n \n\n").is_empty
    assert not parse_issue("---\ntitle: T\n---\nx").is_empty


# ── Status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], "unset"),
        (["draft: true"], "draft"),
        (["draft: yes"], "draft"),
        (["draft: 'True'"], "draft"),
        (["draft: 1"], "draft"),
        (["draft: false"], "unset"),
        (["draft: no"], "unset"),
        (["status: draft"], "draft"),
        (["status: Ready"], "ready"),
        (["status: ready", "draft: false"], "ready"),
        (["status: draft", "draft: true"], "draft"),
        (["status: scheduled", "draft: true"], "draft"),
        (["published: false"], "draft"),
        (["published: true"], "unset"),
        (["published: 2022-07-15"], "unset"),
        (["published: false", "status: ready"], "draft"),
    ],
)
def test_an_issue_is_a_draft_as_soon_as_one_key_says_so(lines: list[str], status: str) -> None:
    issue = parse_issue(with_front_matter("title: T", *lines))
    assert issue.status == status
    assert issue.is_draft == (status == "draft")


@pytest.mark.parametrize(
    "foreign", ["about_to_send", "scheduled", "sent", "imported", "transactional", "in_flight", "published"]
)
def test_no_status_of_another_tool_lets_an_issue_go_unasked(foreign: str) -> None:
    assert parse_issue(with_front_matter("title: T", f"status: {foreign}")).status == "unset"


@pytest.mark.parametrize(("draft", "status"), [("true", "ready"), ("false", "draft")])
def test_a_contradiction_between_draft_and_status_is_an_error(draft: str, status: str) -> None:
    problem = the_problem_of(with_front_matter("title: T", f"status: {status}", f"draft: {draft}"))
    assert problem.message == f"draft: {draft} contradicts the status on line 3"
    assert problem.line == 4


@pytest.mark.parametrize(
    ("line", "meant"),
    [("darft: true", "draft"), ("Drafts: yes", "draft"), ("isDraft: true", "draft"), ("statu: ready", "status")],
)
def test_a_misspelt_key_that_would_have_held_the_issue_back_is_an_error(line: str, meant: str) -> None:
    problem = the_problem_of(with_front_matter("title: T", line))
    assert problem.place == "issues/x.md:3:1"
    assert f"did you mean {meant!r}?" in (problem.fix or "")


@pytest.mark.parametrize("line", ["craft: beer", "stats: 12", "state: Ohio", "drafts: [a, b]"])
def test_a_key_of_the_author_that_merely_resembles_one_is_free(line: str) -> None:
    assert not parse_issue(with_front_matter("title: T", line)).is_draft


# ── Wrong values ─────────────────────────────────────────────────────────────────────────────────────────────────────

WRONG = [
    ("date: next tuesday", 7, "date: 'next tuesday' is not a date", "2026-11-21"),
    ("pubDate: 03/04/2022", 10, "pubDate: '03/04/2022' can be read in more than one way", "2022-03-04 or 2022-04-03"),
    ("date: [2026-11-21]", 7, "date: a list, where one line of text belongs", "write text"),
    ("draft: maybe", 8, "draft: 'maybe' is neither true nor false", "write true or false"),
    ("draft:", 1, "draft: nothing is written here", "take the key away"),
    ("status:", 1, "status: nothing is written here", "take the key away"),
    ("status: reddy", 9, "status: 'reddy' is not a status", "did you mean 'ready'?"),
    ("status: blue", 9, "status: 'blue' is not a status", "known are: draft, ready"),
    ("published: flase", 12, "published: 'flase' is neither true nor false", "write true or false"),
    ("tags: {a: b}", 7, "tags: a group of keys, where a list belongs", "[one, two]"),
    ("tags: [a, {b: c}]", 7, "tags: a group of keys, where one line of text belongs", "write text"),
    ("subject: [a, b]", 10, "subject: a list, where one line of text belongs", "in quotes"),
    ("description: {a: b}", 14, "description: a group of keys, where one line of text belongs", "in quotes"),
    ("lang: French", 7, "lang: 'French' is not a language code", "write fr"),
    ("lang: klingonisch", 7, "lang: 'klingonisch' is not a language code", "en, fr or pt-BR"),
    ("number: twelve", 9, "number: 'twelve' is not the number of an issue", "digits"),
    ("number: -1", 9, "number: '-1' is not the number of an issue", "digits"),
    ("canonical_url: /letters/12", 16, "canonical_url: '/letters/12' is not a whole web address", "https://"),
    ("canonical: https://[", 12, "canonical: 'https://[' is not a whole web address", "https://"),
    ("slug: La lettre 12", 7, "slug: 'La lettre 12' cannot be the last part of an address", "write la-lettre-12"),
    ("theme: ../secret", 8, "theme: '../secret' is not the name of a theme", "folder"),
    ("hero: {alt: A tree}", 7, "hero: an image without an address", "src:"),
    ("image: [a.jpg, b.jpg]", 8, "image: a list, where one line of text belongs", "write text"),
    ("authors: [{email: sam@example.org}]", 10, "authors: an author without a name", "name:"),
    ("subject: Letter #12", 10, "subject: '#12' is lost: behind a space, # begins a comment", 'subject: "Letter #12"'),
    ("number: #12", 1, "number: '#12' is lost: behind a space, # begins a comment", 'number: "#12"'),
    ('subject: "\\u0007"', 10, "'subject' holds a control character, written as an escape", "take the escape out"),
    ("subject: {{ name }}", 11, "a key must be a word, not a list or a group of keys", 'subject: "{{ name }}"'),
]


@pytest.mark.parametrize(("line", "column", "message", "fix"), WRONG, ids=[line for line, *_ in WRONG])
def test_a_wrong_value_is_named_with_its_place_and_what_would_be_right(
    line: str, column: int, message: str, fix: str
) -> None:
    problem = the_problem_of(with_front_matter("title: T", "layout: post", line))
    assert problem.message == message
    assert problem.place == f"issues/x.md:4:{column}"
    assert fix in (problem.fix or "")


def test_an_empty_title_and_one_that_is_a_list_are_errors() -> None:
    for line in ("title:", "title: ''", "title: [a, b]"):
        problem = the_problem_of(with_front_matter(line, "subject: S"))
        assert problem.message.startswith("title: ")
        assert problem.line == 2


def test_all_mistakes_are_reported_together_in_the_order_of_their_lines() -> None:
    lines = [line for line, *_ in WRONG if line.split(":")[0] in ("date", "tags", "lang", "slug", "theme")]
    unique = list({line.split(":")[0]: line for line in lines}.values())
    problems = problems_of(with_front_matter("title: T", *unique) + "A stray \x08 character.\n")
    assert [problem.line for problem in problems] == [*range(3, 3 + len(unique)), 3 + len(unique) + 2]
    assert all(problem.fix for problem in problems)


def test_an_error_of_the_body_is_reported_also_when_the_front_matter_cannot_be_read() -> None:
    lines = [problem.line for problem in problems_of("---\ntitle: a: b\n---\nText.\x00\n")]
    assert sorted(lines, key=str) == [2, 4]


@pytest.mark.parametrize("line", ["hero: false", "hero:", "image: {src: '', alt: ''}", "tags: ''", "by: []", "date:"])
def test_an_empty_value_counts_as_none(line: str) -> None:
    assert parse_issue(with_front_matter("title: T", line)) is not None


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("number: '#12'", "number", 12),
        ("issue: N° 7", "number", 7),
        ("number: No. 0", "number", 0),
        ("number: № 5", "number", 5),
        ("secondary_id: 007", "number", 7),
        ("lang: PT_br", "language", "pt-BR"),
        ("locale: zh-hant-tw", "language", "zh-Hant-TW"),
        ("locale: fr_FR.UTF-8", "language", "fr-FR"),
        ("tags: a, b , a,,", "tags", ("a", "b")),
        ("tags: [1.10, 2022, no]", "tags", ("1.10", "2022", "no")),
        ("author: Durand, Élodie", "authors", ("Durand, Élodie",)),
        ("authors: [{name: A, url: https://example.org}, B, A]", "authors", ("A", "B")),
        ("author: {name: A}", "authors", ("A",)),
        ("cover: {image: c.jpg, alt: C, caption: D}", "hero", "c.jpg"),
        ("slug: /la-lettre/", "slug", "la-lettre"),
        ("slug: l’été", "slug", None),
    ],
)
def test_values_are_read_in_the_forms_that_authors_use(line: str, field: str, value: object) -> None:
    text = with_front_matter("title: T", line)
    if value is None:
        assert the_problem_of(text).fix == "write l-ete"
    else:
        assert getattr(parse_issue(text), field) == value


def test_the_place_of_a_field_is_known_after_reading() -> None:
    issue = parse_issue(with_front_matter("title: T", "description: D", "mood: calm"))
    assert issue.place("title") == issue.place("subject") == (2, 8)
    assert issue.place("preheader") == (3, 14)
    assert issue.place("mood") == (4, 7)
    assert issue.place("hero") == (1, 1)


# ── Properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

PIECES = [
    "---", "+++", "...", "\n", "\r\n", "\r", ": ", "title", "date", "draft", "tags", "hero", "= ", "[", "]", "{", "}",
    "{{", "}}", "'", '"', '"""', "#", " #x", "- ", "* ", "&a ", "*a", "<<", "!!int ", "!x ", "|\n", ">\n", "\t", "  ",
    "? ", "%", "@", "true", "12", "1.5", "2026-11-21", "03/04/2022", "\\x00", "\\ud800", "\\U00110000", "\x00", "\x85",
    "\x92", "\u2028", "\ufeff", "\ufffe", "\u00a0", "\u202f", "é", "e\u0301", "# Title", "====", "```", "<!--", "-->",
    "[x](y)", "0x", "1_0", ".inf", "10:00", "null", "~", "\ud800",
]  # fmt: skip

UNFOLDING = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in pairwise("abcdefg")
)
HOSTILE = {
    "an alias of itself": "---\na: &x [*x]\n---\n",
    "one anchor twice": "---\na: &x 1\nb: &x 2\n---\n",
    "aliases that unfold to millions": f"---\n{UNFOLDING}---\n",
    "an escape beyond Unicode": '---\na: "\\U00110000"\n---\n',
    "odd keys": "---\n'': 1\n~: 2\n? [a]\n: b\n? |\n  c\n: d\n---\n",
    "half a character": "\ud800",
    "a number of 5,000 digits": "+++\na = " + "1" * 5_000 + "\n+++\n",
    "the same in YAML": "---\ntitle: T\na: " + "1" * 5_000 + "\n---\n",
    "brackets without end": "---\na: " + "[" * 40_000 + "\n---\n",
    "brackets without end in TOML": "+++\na = " + "[" * 40_000 + "\n+++\n",
    "a deep stair": "---\n" + "".join(" " * n + "a:\n" for n in range(300)) + "---\n",
    "a deep key": "+++\n" + "a." * 20_000 + "b = 1\n+++\n",
    "many keys": "---\n" + "".join(f"a{n}: 1\n" for n in range(5_000)) + "---\n",
    "one key many times": "---\n" + "a: 1\n" * 9_000 + "---\n",
    "empty keys": "---\n" + "?\n" * 20_000 + "---\n",
    "front matter without end": "---\n" + "a: 1\n" * 100_000,
    "front matter that is far too long": "---\n" + "a: 1\n" * 100_000 + "---\n",
    "only fences": "---\n" * 100_000,
    "a long title": "---\ntitle: " + "x" * 40_000 + "\n---\n",
    "a long date": "---\ntitle: T\ndate: " + "1/" * 20_000 + "\n---\n",
    "stars": "# " + "*" * 300_000,
    "square brackets": "# " + "[" * 300_000,
    "spaces": "# a" + " " * 300_000 + "b",
    "backticks": "`" * 300_000,
    "comments": "<!--" * 100_000,
    "short lines": "a\n" * 300_000,
    "empty lines": "\n" * 300_000,
    "NUL": "\x00" * 300_000,
}


def is_an_issue_or_an_error_with_a_place(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    try:
        issue = parse_issue(text, "issues/any.md")
    except IssueError as error:
        problems = error.problems
    else:
        problems = ()
        assert issue.title == issue.title.strip() != ""
        assert 1 <= issue.body_line <= lines + 1
        assert "\r" not in issue.body
    for problem in problems:
        assert problem.path == "issues/any.md"
        assert problem.line is None or 1 <= problem.line <= lines
        assert problem.message
        assert problem.fix
    assert len(problems) <= 51


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map("".join))
def test_any_text_is_an_issue_or_an_error_with_a_place_in_it(text: str) -> None:
    is_an_issue_or_an_error_with_a_place(text)


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=20).map("".join))
def test_any_front_matter_is_an_issue_or_an_error_with_a_place_in_it(text: str) -> None:
    is_an_issue_or_an_error_with_a_place(f"---\n{text}\n---\n# T")
    is_an_issue_or_an_error_with_a_place(f"+++\n{text}\n+++\n# T")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_gets_its_answer(name: str) -> None:
    is_an_issue_or_an_error_with_a_place(HOSTILE[name])


PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=40)
FACTS = st.fixed_dictionaries(
    {"title": PLAIN_TEXT.filter(lambda text: text.strip() != "")},
    optional={
        "subject": PLAIN_TEXT,
        "description": PLAIN_TEXT,
        "tags": st.lists(PLAIN_TEXT),
        "draft": st.booleans(),
        "date": st.dates(datetime.date(1, 1, 1)).map(str),
        "number": st.integers(0, 999_999),
        "mine": st.recursive(
            st.one_of(PLAIN_TEXT, st.integers(-(2**53), 2**53), st.booleans()),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            max_leaves=6,
        ),
    },
)


def one_line(text: str) -> str:
    return " ".join(part for part in text.replace("\u2028", " ").replace("\u2029", " ").split(" ") if part).strip()


def agrees(issue: Issue, facts: dict[str, Any]) -> None:
    assert issue.title == one_line(facts["title"])
    assert issue.subject == (one_line(facts.get("subject", "")) or issue.title)
    assert issue.preheader == one_line(facts.get("description", ""))
    assert issue.tags == tuple(dict.fromkeys(filter(None, map(one_line, facts.get("tags", [])))))
    assert issue.is_draft == facts.get("draft", False)
    assert str(issue.date) == facts.get("date", "None")
    assert issue.number == facts.get("number")
    assert issue.extra.get("mine") == facts.get("mine")


@given(FACTS, PLAIN_TEXT)
def test_what_is_written_in_yaml_comes_back(facts: dict[str, Any], body: str) -> None:
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    issue = parse_issue("\n".join(["---", *lines, "---", body]))
    agrees(issue, facts)
    assert (issue.body, issue.body_line) == (body, len(lines) + 3)


@given(FACTS, PLAIN_TEXT)
def test_what_is_written_in_toml_comes_back(facts: dict[str, Any], body: str) -> None:
    lines = [f"{key} = {as_toml(value)}" for key, value in facts.items()]
    issue = parse_issue("\n".join(["+++", *lines, "+++", body]))
    agrees(issue, facts)
    assert (issue.body, issue.body_line) == (body, len(lines) + 3)


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


FILLER = st.sampled_from(["", "# a comment", "mood{}: calm", "text{}: |\n  date: never\n\n  more", 'q{}: "a\n  b"'])
TOML_FILLER = st.sampled_from(
    ["", "# a comment", "mood{} = 1", 'text{} = """\ndate = "never"\n"""', "list{} = [\n1,\n]"]
)


@given(st.lists(FILLER, max_size=8), st.integers(0, 3))
def test_the_line_of_a_mistake_in_yaml_is_the_author_s(filler: list[str], blank: int) -> None:
    before = "\n" * blank + "---\ntitle: T\n" + "".join(f"{line.format(n)}\n" for n, line in enumerate(filler))
    problem = the_problem_of(f"{before}date: never\n---\n")
    assert (problem.line, problem.column) == (before.count("\n") + 1, 7)


@given(st.lists(TOML_FILLER, max_size=8), st.integers(0, 3))
def test_the_line_of_a_mistake_in_toml_is_the_author_s(filler: list[str], blank: int) -> None:
    before = "\n" * blank + "+++\ntitle = 'T'\n" + "".join(f"{line.format(n)}\n" for n, line in enumerate(filler))
    problem = the_problem_of(f"{before}date = 'never'\n[more]\na = 1\n+++\n")
    assert (problem.line, problem.column) == (before.count("\n") + 1, 8)
