"""The rule language of segments: what it understands, and how it tells what it does not."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.audience import (
    EVERYBODY,
    Amount,
    And,
    Audience,
    Between,
    Bounced,
    Contains,
    Has,
    InState,
    Not,
    OneOf,
    Or,
    Received,
    Rule,
    Tagged,
)
from newsletter.errors import ListError
from newsletter.field import Field, Kind, typed
from newsletter.segment import DEEPEST, LONGEST, MOST_TERMS, parse
from newsletter.segment_values import Vocabulary

FIELDS = {
    "children": Field("children", Kind.NUMBER),
    "born": Field("born", Kind.DATE),
    "member": Field("member", Kind.BOOLEAN),
    "shirt": Field("shirt", Kind.CHOICE, ("Small", "Large")),
}
NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
KNOWN = Vocabulary(typed(FIELDS, {"city", "birthday", "prénom_usuel"}), now=NOW)
TODAY = date(2026, 11, 21)
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
    ("city is empty", Not(Has("city"))),
    ("city is not empty", Has("city")),
    ("tag is empty", Not(Has("tag"))),
    ("joined in the last 90 days", Between("joined", date(2026, 8, 23), TODAY)),
    ("joined in last 2 weeks", Between("joined", date(2026, 11, 7), TODAY)),
    ("last_active not in the last 3 years", Not(Between("last_active", date(2023, 11, 21), TODAY))),
    ("born in the last 1 month", Between("born", date(2026, 10, 21), TODAY)),
    ("joined in the last 99999 years", Between("joined", date.min, TODAY)),
    ("joined in the last 99999 weeks", Between("joined", date(110, 5, 17), TODAY)),
    ("joined >= 2026-01-01", Between("joined", first=date(2026, 1, 1))),
    ("joined < 2026-01-01", Between("joined", last=date(2025, 12, 31))),
    ("birthday > 1990-01-01", Between("birthday", first=date(1990, 1, 2))),
    ("born <= 1990-01-01", Between("born", last=date(1990, 1, 1))),
    ('born = "1 janvier 1990"', Between("born", date(1990, 1, 1), date(1990, 1, 1))),
    (
        "joined in (2026-01-01, 2026-01-03)",
        Or(
            (
                Between("joined", date(2026, 1, 1), date(2026, 1, 1)),
                Between("joined", date(2026, 1, 3), date(2026, 1, 3)),
            )
        ),
    ),
    ("children = 2", Amount("children", "=", 2.0)),
    ("children != 2", Not(Amount("children", "=", 2.0))),
    ("children >= -1.5", Amount("children", ">=", -1.5)),
    ('children < "1 234,5"', Amount("children", "<", 1234.5)),
    ("children in (1, 2)", Or((Amount("children", "=", 1.0), Amount("children", "=", 2.0)))),
    ('children = ""', OneOf("children", ("",))),
    ("member", OneOf("member", ("yes",))),
    ("not member and tag:a", And((Not(OneOf("member", ("yes",))), Tagged(("a",))))),
    ("member = oui", OneOf("member", ("yes",))),
    ("member = no", Not(OneOf("member", ("yes",)))),
    ("shirt = LARGE", OneOf("shirt", ("Large",))),
    ("shirt in (small, large)", OneOf("shirt", ("Small", "Large"))),
    ("pending", InState("pending", NOW)),
    ("active or paused", Or((InState("active", NOW), InState("paused", NOW)))),
    ("status = Suppressed", InState("suppressed", NOW)),
    ("status != active", Not(InState("active", NOW))),
    ("status in (pending, unsubscribed)", Or((InState("pending", NOW), InState("unsubscribed", NOW)))),
    ("bounced", Bounced()),
    ("not bounced and tag:a", And((Not(Bounced()), Tagged(("a",))))),
    ('bounced "2026-10-hello"', Bounced("2026-10-hello")),
    ("time_zone = Europe/Paris", OneOf("time_zone", ("Europe/Paris",))),
    ("tag:and-more", Tagged(("and-more",))),
    ('tag:"and"', Tagged(("and",))),
]


@pytest.mark.parametrize(("text", "rule"), UNDERSTOOD, ids=[text or "empty" for text, _ in UNDERSTOOD])
def test_a_rule_is_read_as_an_author_means_it(text: str, rule: Rule) -> None:
    assert parse(text, KNOWN) == rule


def test_the_rule_of_the_documentation_is_read() -> None:
    rule = 'tag:volunteer and city in ("Nantes", "Rennes") and joined after 2026-01-01 and not received "2026-10-hello"'
    assert parse(rule, KNOWN) == And(
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
    ("city = ", 7, "a value is missing before the end", "write one, in quotes if it has several words"),
    ('city "Nantes"', 6, "a comparison is missing", "known are: =, !=, in"),
    ("city contain Nantes", 6, "a comparison is missing", "did you mean 'contains'?"),
    ("city > 3", 6, "'>' compares numbers and dates, and city holds none", "write below [fields] in newsletter.toml"),
    ("email > 3", 7, "compares numbers and dates, and email holds none", ""),
    ("tag > 3", 5, "compares numbers and dates", "tag:volunteer"),
    ("children > many", 12, "a number is expected, not 'many'", "digits"),
    ("children = 1,5", 13, "',' comes unexpected", ""),
    ("children after 2026-01-01", 10, "children is no date", ""),
    ("first_name before 2026-01-01", 12, "first_name is no date", ""),
    ("born = soon", 8, "'soon' is not a date", "2026-11-21"),
    ("shirt = Lrge", 9, "'Lrge' is none of the choices", "did you mean 'Large'?"),
    ("member = perhaps", 10, "neither yes nor no", "yes or no"),
    ("joined in the last month", 20, "a number is expected, not 'month'", "in the last 90 days"),
    ("joined in the last 3 moons", 22, "a time is expected, not 'moons'", "'month'"),
    ("city in the last 3 days and", 28, "a condition is missing before the end", ""),
    ("city is blue", 9, '"empty" or "not empty" follows here', ""),
    ("has status", 11, "everybody has a status", "status = active"),
    ("status = actve", 10, "there is no status 'actve'", "did you mean 'active'?"),
    ("pendng", 1, "nothing is called 'pendng'", "did you mean 'pending'?"),
    ("segment:a", 9, "there is no segment 'a'", "none is in newsletter.toml"),
    ("segment volunteers", 9, 'after "segment" comes', ""),
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
    ("city:Nantes", 5, '":" stands only after tag and segment', 'write city = "…"'),
    ("joined after yesterday", 14, "a date is expected, not 'yesterday'", "2026-11-21"),
    ("joined after 2026-02-30", 14, "a date is expected, not '2026-02-30'", "2026-11-21"),
    ("joined contains 2026", 8, "joined cannot contain a text", "before and after"),
    ("tag before 2026-01-01", 5, "a tag has no date", "tag:volunteer"),
    ("city = Nantes; DROP TABLE subscribers", 14, "';' means nothing", "quotes"),
    ("has ", 4, "the name of a field is missing", ""),
]


@pytest.mark.parametrize(("rule", "column", "told", "fix"), MISUNDERSTOOD, ids=[case[0] for case in MISUNDERSTOOD])
def test_a_mistake_is_shown_with_a_caret_below_it_and_a_way_out(rule: str, column: int, told: str, fix: str) -> None:
    with pytest.raises(ListError) as raised:
        parse(rule, KNOWN)
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
    assert parse("fields.language = fr", Vocabulary({"language": Field("language")})) == OneOf(
        "fields.language", ("fr",)
    )
    assert parse("language = fr", Vocabulary({"language": Field("language")})) == OneOf("language", ("fr",))


# ── named segments ───────────────────────────────────────────────────────────────────────────────────────────────────

NAMED = {
    "volunteers": "tag:volunteer and has city",
    "young": "segment:volunteers and born after 2000-01-01",
    "egg": "segment:hen or tag:egg",
    "hen": "not segment:chick",
    "chick": "segment:egg",
    "broken": "tag:a and cty = x",
}
SPEAKING = Vocabulary(KNOWN.fields, NAMED, now=NOW)
VOLUNTEERS = And((Tagged(("volunteer",)), Has("city")))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("segment:volunteers", VOLUNTEERS),
        (" volunteers ", VOLUNTEERS),
        ('segment:"volunteers"', VOLUNTEERS),
        ("not segment:volunteers", Not(VOLUNTEERS)),
        ("young", And((VOLUNTEERS, Between("born", first=date(2000, 1, 2))))),
    ],
)
def test_a_named_segment_stands_for_its_rule(text: str, rule: Rule) -> None:
    assert parse(text, SPEAKING) == rule


@pytest.mark.parametrize(
    ("text", "told", "fix"),
    [
        ("segment:voluntears", "there is no segment 'voluntears'", "did you mean 'volunteers'?"),
        ("voluntears", "nothing is called 'voluntears'", "did you mean segment:volunteers?"),
        ("tag:a or segment:egg", "the segment 'egg' means itself: egg → hen → chick → egg", "take one of these"),
        ("tag:a or segment:broken", "'broken', nothing is called 'cty'\n    tag:a and cty = x\n              ^",
         "did you mean 'city'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_named_segment_is_told(text: str, told: str, fix: str) -> None:
    with pytest.raises(ListError) as raised:
        parse(text, SPEAKING)
    (problem,) = raised.value.problems
    assert told in problem.message
    assert fix in (problem.fix or "")


def test_named_segments_that_double_each_other_end_in_an_error_and_not_in_the_memory() -> None:
    names = {f"s{number}": f"segment:s{number + 1} or segment:s{number + 1}" for number in range(30)}
    with pytest.raises(ListError, match="more than 500 conditions"):
        parse("s0", Vocabulary(segments={**names, "s30": "tag:a"}))


@pytest.mark.parametrize("rule", ["received 2026-10-helo", "bounced 2026-10-helo", 'not received "2026-10-helo"'])
def test_an_issue_that_was_never_sent_is_an_error_where_the_sent_ones_are_known(rule: str) -> None:
    parse(rule)
    with pytest.raises(ListError, match="no issue '2026-10-helo' was sent") as raised:
        parse(rule, Vocabulary(issues=["2026-10-hello"]))
    assert raised.value.problems[0].fix == "did you mean '2026-10-hello'?"


def test_of_a_very_long_rule_only_the_place_of_the_mistake_is_shown() -> None:
    rule = " or ".join(["tag:a"] * 60) + " or cty = x" + " or tag:b" * 60
    with pytest.raises(ListError) as raised:
        parse(rule, KNOWN)
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
        parse(rule, KNOWN)


WORDS = st.sampled_from(
    ("and", "or", "not", "(", ")", "tag", ":", "city", "=", "!=", "in", ",", '"a"', "has", "received", "joined",
     "after", "2026-01-01", "before", "contains", "all", "'", "«", "\\", "fields.", "x", "🕊", "٣", "is", "empty",
     "last", "the", "9", "months", "segment", "segment:egg", "bounced", "pending", "status", "children", ">", "born",
     "member")
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join)))
@example("not " * 2000 + "tag:a")
@example("(" * 5000)
@example("joined after ٢٠٢٦-٠١-٠١")
def test_any_text_is_a_rule_or_a_list_error(text: str) -> None:
    with suppress(ListError):
        parse(text, SPEAKING)


def test_an_audience_and_those_left_out_are_everybody() -> None:
    assert Audience(recipients=5, pending=1, unsubscribed=2, suppressed=3, outside=4).total == 15
