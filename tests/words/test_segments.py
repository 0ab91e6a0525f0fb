"""The rule language of segments: what it understands, and how it tells what it does not."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.audience import EVERYBODY, And, Audience, Between, Contains, Has, Not, OneOf, Or, Received, Rule, Tagged
from newsletter.errors import ListError
from newsletter.segment import DEEPEST, LONGEST, MOST_TERMS, parse

FIELDS = {"city", "birthday", "prénom_usuel"}
NANTES = OneOf("city", ("Nantes",))

UNDERSTOOD: list[tuple[str, Rule]] = [
    ("", EVERYBODY),
    ("  \n ", EVERYBODY),
    ("all", EVERYBODY),
    ("tag:volunteer", Tagged(("volunteer",))),
    ('tag:"board member"', Tagged(("board member",))),
    ("tag = volunteer", Tagged(("volunteer",))),
    ("tags in (a, b)", Tagged(("a", "b"))),
    ("tag != a", Not(Tagged(("a",)))),
    ("city = Nantes", NANTES),
    ('city == "Nantes"', NANTES),
    ("CITY = 'Nantes'", NANTES),
    ("fields.city = “Nantes”", NANTES),
    ("city = «\u202fNantes\u202f»", NANTES),
    ('city = "The \\"Rock\\" \\\\ \\n"', OneOf("city", ('The "Rock" \\ \\n',))),
    ('city = ""', OneOf("city", ("",))),
    ("city != Nantes", Not(NANTES)),
    ("not city = Nantes", Not(NANTES)),
    ("not not city = Nantes", NANTES),
    ('city in ("Nantes", Rennes)', OneOf("city", ("Nantes", "Rennes"))),
    ("city not in (Nantes)", Not(NANTES)),
    ("email contains @example.org", Contains("email", "@example.org")),
    ("email not contains example", Not(Contains("email", "example"))),
    ("prénom_usuel = Zoé", OneOf("prénom_usuel", ("Zoé",))),
    ("pre\u0301nom_usuel = Zoe\u0301", OneOf("prénom_usuel", ("Zoé",))),
    ("joined after 2026-01-01", Between("joined", first=date(2026, 1, 2))),
    ('joined before "2026-01-01"', Between("joined", last=date(2025, 12, 31))),
    ("joined = 2026-01-01", Between("joined", date(2026, 1, 1), date(2026, 1, 1))),
    ("birthday after 9999-12-31", Between("birthday", first=date.max)),
    ("has city", Has("city")),
    ("has tags", Has("tag")),
    ('received "2026-10-hello"', Received("2026-10-hello")),
    ("received 2026-10-hello", Received("2026-10-hello")),
    ("city = Nantes and tag:a or tag:b", Or((And((NANTES, Tagged(("a",)))), Tagged(("b",))))),
    ("city = Nantes AND (tag:a OR tag:b)", And((NANTES, Or((Tagged(("a",)), Tagged(("b",))))))),
    ("not tag:a and tag:b", And((Not(Tagged(("a",))), Tagged(("b",))))),
    ("tag:and-more", Tagged(("and-more",))),
    ('tag:"and"', Tagged(("and",))),
]


@pytest.mark.parametrize(("text", "rule"), UNDERSTOOD, ids=[text or "empty" for text, _ in UNDERSTOOD])
def test_a_rule_is_read_as_an_author_means_it(text: str, rule: Rule) -> None:
    assert parse(text, FIELDS) == rule


def test_the_rule_of_the_documentation_is_read() -> None:
    rule = 'tag:volunteer and city in ("Nantes", "Rennes") and joined after 2026-01-01 and not received "2026-10-hello"'
    assert parse(rule, FIELDS) == And(
        (
            Tagged(("volunteer",)),
            OneOf("city", ("Nantes", "Rennes")),
            Between("joined", first=date(2026, 1, 2)),
            Not(Received("2026-10-hello")),
        )
    )


MISUNDERSTOOD = [
    # the rule, the column of the caret, what is said, the way out
    ('tag:a and cty = "x"', 11, "nothing is called 'cty'", "did you mean 'city'?"),
    ("lenguage = fr", 1, "nothing is called 'lenguage'", "did you mean 'language'?"),
    ("shoe_size = 42", 1, "nothing is called 'shoe_size'", "known are: "),
    ("city = ", 7, "a value is missing before the end", "put it in quotes"),
    ('city "Nantes"', 6, "a comparison is missing", "known are: =, !=, in"),
    ("city contain Nantes", 6, "a comparison is missing", "did you mean 'contains'?"),
    ("city > 3", 6, "'>' is not known here", "before"),
    ("city = Nantes tag:a", 15, "'tag' comes unexpected", '"and" or "or"'),
    ("city = Nantes and", 18, "a condition is missing before the end", ""),
    ("and", 1, "a condition is missing before 'and'", "such as tag:volunteer"),
    ("tag = or", 7, "'or' is a word of this language", "in quotes"),
    ("(tag:a", 7, "a bracket is closed", ""),
    ("tag:a)", 6, "')' comes unexpected", ""),
    ("city in Nantes", 9, "comes a list in brackets", ""),
    ("city in (Nantes Rennes)", 17, "the list is closed", ""),
    ("city not = Nantes", 10, '"in" or "contains" may follow', ""),
    ('city = "Nantes', 8, "never closed", 'write " at its end'),
    ("city:Nantes", 5, '":" stands only after tag', 'write city = "…"'),
    ("joined after yesterday", 14, "a date is expected, not 'yesterday'", "2026-11-21"),
    ("joined after 2026-02-30", 14, "a date is expected, not '2026-02-30'", "2026-11-21"),
    ("joined contains 2026", 8, "joined cannot contain a text", "before and after"),
    ("tag before 2026-01-01", 5, "a tag has no date", "tag:volunteer"),
    ("city = Nantes; DROP TABLE subscribers", 14, "';' means nothing", "quotes"),
    ("status = active", 1, "nothing is called 'status'", ""),
    ("has ", 4, "the name of a field is missing", ""),
]


@pytest.mark.parametrize(("rule", "column", "told", "fix"), MISUNDERSTOOD, ids=[case[0] for case in MISUNDERSTOOD])
def test_a_mistake_is_shown_with_a_caret_below_it_and_a_way_out(rule: str, column: int, told: str, fix: str) -> None:
    with pytest.raises(ListError) as raised:
        parse(rule, FIELDS)
    (problem,) = raised.value.problems
    first, shown, caret = problem.message.split("\n")
    assert told in first
    assert shown.strip() == rule.strip()
    assert caret.index("^") - 4 == column - 1
    assert problem.column == column
    assert fix in (problem.fix or "")


def test_without_a_list_of_fields_any_name_is_a_field() -> None:
    assert parse("shoe_size = 42") == OneOf("shoe_size", ("42",))


def test_a_field_that_is_called_like_a_column_is_reached_by_its_full_name() -> None:
    assert parse("fields.language = fr", {"language"}) == OneOf("fields.language", ("fr",))
    assert parse("language = fr", {"language"}) == OneOf("language", ("fr",))


def test_of_a_very_long_rule_only_the_place_of_the_mistake_is_shown() -> None:
    rule = " or ".join(["tag:a"] * 60) + " or cty = x" + " or tag:b" * 60
    with pytest.raises(ListError) as raised:
        parse(rule, FIELDS)
    _, shown, caret = raised.value.problems[0].message.split("\n")
    assert len(shown) < 100
    assert shown[caret.index("^") :].startswith("cty")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("(" * (DEEPEST + 1) + "tag:a" + ")" * (DEEPEST + 1), "brackets go deeper"),
        (" or ".join(["tag:a"] * (MOST_TERMS + 1)), "more than 500 conditions and values"),
        (f"city in ({', '.join('x' for _ in range(MOST_TERMS + 1))})", "more than 500 conditions and values"),
        ("x" * (LONGEST + 1), "10000 are the most"),
    ],
    ids=["deep", "many conditions", "many values", "long"],
)
def test_a_rule_that_no_database_would_take_is_refused(rule: str, told: str) -> None:
    with pytest.raises(ListError, match=told):
        parse(rule, FIELDS)


WORDS = st.sampled_from(
    ("and", "or", "not", "(", ")", "tag", ":", "city", "=", "!=", "in", ",", '"a"', "has", "received", "joined",
     "after", "2026-01-01", "before", "contains", "all", "'", "«", "\\", "fields.", "x", "🕊", "٣")
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join)))
@example("not " * 2000 + "tag:a")
@example("(" * 5000)
@example("joined after ٢٠٢٦-٠١-٠١")
def test_any_text_is_a_rule_or_a_list_error(text: str) -> None:
    with suppress(ListError):
        parse(text, FIELDS)


def test_an_audience_and_those_left_out_are_everybody() -> None:
    assert Audience(recipients=5, pending=1, unsubscribed=2, suppressed=3, outside=4).total == 15
