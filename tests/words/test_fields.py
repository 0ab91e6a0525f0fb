"""Fields: values of each type, as people write them and as they are kept; and what newsletter.toml says of them."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Config, parse_config
from newsletter.errors import ConfigError
from newsletter.field import Field, Kind, WrongValue, typed

SHIRT = Field("shirt", Kind.CHOICE, ("Small", "Très grand"))
NUMBER, DATE, BOOLEAN = Field("n", Kind.NUMBER), Field("d", Kind.DATE), Field("b", Kind.BOOLEAN)

KEPT = [
    (Field("city"), "  La   Baule ", "La Baule"),
    (NUMBER, "42", "42"),
    (NUMBER, "+0042", "42"),
    (NUMBER, "-0", "0"),
    (NUMBER, "3,5", "3.5"),
    (NUMBER, "-3.50", "-3.5"),
    (NUMBER, "0,125", "0.125"),
    (NUMBER, "1.234", "1.234"),
    (NUMBER, "1234,567", "1234.567"),
    (NUMBER, "1\u202f234\u202f567,8", "1234567.8"),
    (NUMBER, "1'234.5", "1234.5"),
    (NUMBER, "1,234.5", "1234.5"),
    (NUMBER, "1.234.567,5", "1234567.5"),
    (DATE, "2026-01-02", "2026-01-02"),
    (DATE, "2 janvier 2026", "2026-01-02"),
    (DATE, "31/12/2026", "2026-12-31"),
    (BOOLEAN, "OUI", "yes"),
    (BOOLEAN, "true", "yes"),
    (BOOLEAN, "non", ""),
    (BOOLEAN, "0", ""),
    (SHIRT, "SMALL", "Small"),
    (SHIRT, "TRÈS GRAND", "Très grand"),
    (SHIRT, "", ""),
    (NUMBER, "  ", ""),
]


@pytest.mark.parametrize(("field", "written", "kept"), KEPT)
def test_a_value_is_kept_in_one_form_however_it_is_written(field: Field, written: str, kept: str) -> None:
    assert field.read(written) == kept
    assert field.read(kept) == kept


@pytest.mark.parametrize(
    ("field", "written", "told", "fix"),
    [
        (NUMBER, "many", "'many' is no number", "digits"),
        (NUMBER, "1,234", "two ways", "write 1234, or 1.2340"),
        (NUMBER, "1,23,4", "no number", "digits"),
        (NUMBER, "٣", "no number", "digits"),
        (NUMBER, "1" * 31, "no number", "digits"),
        (DATE, "03/04/2026", "more than one way", "2026-03-04 or 2026-04-03"),
        (DATE, "soon", "not a date", "2026-11-21"),
        (BOOLEAN, "perhaps", "neither yes nor no", "yes or no"),
        (SHIRT, "Smal", "none of the choices", "did you mean 'Small'?"),
        (Field("city"), "x" * 1001, "1,001 characters", "1,000 at most"),
    ],
)
def test_a_value_of_another_type_is_refused_with_a_way_out(field: Field, written: str, told: str, fix: str) -> None:
    with pytest.raises(WrongValue, match=re.escape(told)) as raised:
        field.read(written)
    assert fix in raised.value.fix


@given(
    st.sampled_from([NUMBER, DATE, BOOLEAN, SHIRT, Field("t")]),
    st.text(max_size=40) | st.from_regex(r"[0-9.,' -]{1,12}"),
)
def test_what_is_kept_is_kept_as_it_is_the_next_time(field: Field, text: str) -> None:
    with suppress(WrongValue):
        kept = field.read(text)
        assert field.read(kept) == kept


def test_a_label_is_found_for_a_language_its_region_or_any() -> None:
    city = Field("home_city", labels={"fr": "Ville", "en": "City"})
    assert [city.label(language) for language in ("fr", "fr-CA", "de")] == ["Ville", "Ville", "Home city"]
    assert Field("x", labels={"": "Cross"}).label("fr") == "Cross"


def test_fields_that_entries_have_besides_are_text() -> None:
    assert typed({"n": NUMBER}, {"n", "city"}) == {"city": Field("city"), "n": NUMBER}


# ── newsletter.toml ──────────────────────────────────────────────────────────────────────────────────────────────────

SETTINGS = """\
[fields]
birthday = "date"
shirt = ["S", "M"]
city = { label = { fr = "Ville" }, public = true }
size = { choices = ["1", "2"], label = "How much" }

[segments]
volunteers = 'tag:volunteer and has city'
near = 'segment:volunteers and city = "Nantes"'
"""


def read(text: str) -> Config:
    return parse_config(text, "newsletter.toml")


def test_fields_are_told_by_a_type_a_list_or_a_table() -> None:
    config = read(SETTINGS)
    assert config.fields == {
        "birthday": Field("birthday", Kind.DATE),
        "shirt": Field("shirt", Kind.CHOICE, ("S", "M")),
        "city": Field("city", labels={"fr": "Ville"}, public=True),
        "size": Field("size", Kind.CHOICE, ("1", "2"), {"": "How much"}),
    }
    assert list(config.segments) == ["volunteers", "near"]


@pytest.mark.parametrize(
    ("line", "told", "fix"),
    [
        ('email = "text"', "every entry has this already", "another name"),
        ('"home city" = "text"', "is no name for a field", "postal_code"),
        ('City = "text"', "is no name for a field", "small letters"),
        ('age = "numbr"', "there is no type 'numbr'", "did you mean 'number'?"),
        ("age = 3", "must be a type", '"date"'),
        ('age = { typ = "number" }', "a field has no key 'typ'", "did you mean 'type'?"),
        ('age = { type = "choice" }', "a choice needs choices", "choices ="),
        ('age = { type = "number", choices = ["1"] }', "a choice needs choices", "choices ="),
        ('size = ["S", "s"]', "different short texts", "choices ="),
        ("size = [1, 2]", "different short texts", "choices ="),
        ('size = { type = "text", public = "yes" }', "must be true or false", "public = true"),
        ('size = { type = "text", label = 3 }', "a label is a text", "label ="),
        ('size = { type = "text", label = { french = "x" } }', "'french' is no language", "label ="),
    ],
)
def test_a_mistake_about_a_field_is_told_with_its_line(line: str, told: str, fix: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(f"[fields]\n{line}\n")
    (problem,) = raised.value.problems
    assert told in problem.message
    assert fix in (problem.fix or "")
    assert problem.line == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a = 3", "a must be a rule in quotes"),
        ("not = 'tag:a'", "'not' is no name for a segment"),
        ("'a b' = 'tag:a'", "'a b' is no name for a segment"),
        ("a = 'tag:a and'", "a condition is missing before the end"),
        ("a = 'segment:b'", "there is no segment 'b'"),
        ("a = 'not segment:a'", "the segment 'a' means itself: a → a"),
    ],
)
def test_a_mistake_in_a_named_segment_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(f"[segments]\n{line}\n")
    (problem,) = raised.value.problems
    assert told in problem.message
    assert problem.line == 2


def test_both_sections_may_stand_in_pyproject_toml() -> None:
    text = SETTINGS.replace("[fields]", "[tool.newsletter.fields]").replace("[segments]", "[tool.newsletter.segments]")
    config = parse_config(text, "pyproject.toml")
    assert (len(config.fields), len(config.segments)) == (4, 2)
