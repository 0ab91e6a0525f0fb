"""Where keys stand in a TOML text, whatever the text looks like."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.toml_places import Found, KeyPath, read_toml, toml_places

DECOYS = '''\
# [not] a = section
title = "a # b ] } = \\" c"   # title = 2
"quo.ted" . 'x y' = 1
many = """
[fake]
key = 1 \\"""
"""""
quotes = \'\'\'\'it's\'\'\'\'
[ a . "b c" ]   # ]
list = [ # ]
  1, "]", [2],
  { z = 1, y.w = [ 3 ] },
]
[[cards]]
when = 1979-05-27 07:32:00
[[cards]]
[cards.link]
to = 'C:\\x'
'''


def keys_at(text: str) -> dict[KeyPath, tuple[int, int]]:
    return {path: (found.key.line, found.key.column) for path, found in toml_places(text).items()}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("title",), (2, 1)),
        (("quo.ted", "x y"), (3, 13)),
        (("many",), (4, 1)),
        (("quotes",), (8, 1)),
        (("a",), (9, 3)),
        (("a", "b c"), (9, 7)),
        (("a", "b c", "list"), (10, 1)),
        (("a", "b c", "list", 1), (11, 6)),
        (("a", "b c", "list", 3, "y", "w"), (12, 14)),
        (("cards", 0, "when"), (15, 1)),
        (("cards", 1, "link", "to"), (18, 1)),
    ],
)
def test_a_key_is_found_among_decoys(path: KeyPath, place: tuple[int, int]) -> None:
    assert keys_at(DECOYS)[path] == place


def test_nothing_else_is_found_than_what_is_there() -> None:
    assert set(toml_places(DECOYS)) == set(paths_of(tomllib.loads(DECOYS)))


def test_a_value_has_a_place_of_its_own() -> None:
    assert toml_places('\n  port =  "25"\n')[("port",)] == Found((2, 3), (2, 11))  # type: ignore[arg-type]


def test_lines_of_windows_count_like_others() -> None:
    assert keys_at("a = 1\r\n\r\n[b]\r\nc = 2\r\n")[("b", "c")] == (4, 1)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("title = La lettre\n", 1, "invalid value"),
        ("\n[newsletter\n", 2, "expected ']'"),
        ('title = "a\nb = 1', 1, "illegal character"),
        ("a = 1\na = 2\n", 2, "cannot overwrite"),
        ("tags = [1,\n\n", 1, "invalid value"),
        ('path = "C:\\letters"', 1, "unescaped '\\'"),
    ],
)
def test_a_text_that_is_not_toml_is_refused_with_its_place(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read_toml(text, "newsletter.toml", ConfigError)
    (problem,) = refusal.value.problems
    assert (problem.path, problem.line) == ("newsletter.toml", line)
    assert problem.column  # the reader counts it, and not always alike in all versions of Python
    assert message in problem.message
    assert problem.fix


def test_brackets_without_end_get_an_answer() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_toml("a = " + "[" * 20_000 + "]" * 20_000, "newsletter.toml", ConfigError)


# ── Any document ─────────────────────────────────────────────────────────────────────────────────────────────────────

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\x7f"), max_size=6)
scalars = st.one_of(
    st.integers(-(2**60), 2**60).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.sampled_from(
        ["1979-05-27", "07:32:00", "1979-05-27 07:32:00Z", "6.5e3", "inf", "''", "'# [x]'", '"""\n"]"\n"""']
    ),
    names.map(lambda text: json.dumps(text, ensure_ascii=False).replace("\x7f", "")),
)
gaps = st.sampled_from(["", " ", "\t "])
breaks = st.sampled_from(["", "\n", " # ] } \" '\n", "\r\n\n"])


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = [draw(breaks) + draw(inner) + draw(breaks) for _ in range(draw(st.integers(0, 3)))]
    return "[" + ",".join(items) + draw(st.sampled_from(["", ","]) if items else st.just("")) + draw(breaks) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(names, max_size=3, unique=True))
    return "{" + ",".join(f"{draw(gaps)}{quoted(key)}{draw(gaps)}={draw(gaps)}{draw(inner)}" for key in keys) + "}"


def quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


values = st.recursive(scalars, lambda inner: st.one_of(arrays(inner), inline_tables(inner)), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = draw(breaks)
    sections = draw(st.lists(st.lists(names, min_size=1, max_size=3), max_size=4, unique_by=tuple))
    for number, section in enumerate([[], *sections]):
        if section:
            dots = f"{draw(gaps)}.{draw(gaps)}"
            brackets = draw(st.sampled_from(["[]", "[[]]"]))
            half = len(brackets) // 2
            text += f"{brackets[:half]}{draw(gaps)}{dots.join(map(quoted, section))}{brackets[half:]}{draw(breaks)}\n"
        for key in draw(st.lists(names, max_size=3, unique=True)):
            text += f"{draw(gaps)}{quoted(key + str(number))}{draw(gaps)}={draw(gaps)}{draw(values)} # c\n"
    return text


def paths_of(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    found: list[KeyPath] = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += paths_of(inner, (*path, key))
    return found


@given(documents())
def test_every_key_of_any_document_is_found_where_it_stands(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # the sections that were drawn contradict each other
    places = toml_places(text)
    lines = text.split("\n")
    assert set(places) == set(paths_of(document))
    for path, found in places.items():
        line, column = found.key
        if isinstance(path[-1], str):
            assert lines[line - 1][column - 1 :].startswith(quoted(path[-1]))
