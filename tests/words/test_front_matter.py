"""Front matter that cannot be read is explained in the author's words, at the author's line."""

from __future__ import annotations

import pytest

from newsletter.errors import IssueError
from newsletter.front_matter import read_front_matter

YAML = {
    "title: Lettre : la suite": (2, 15, "a colon and a space inside of a value", 'title: "Lettre : la suite"'),
    "title: 'L'été'": (2, 11, "the value ends here, but the line goes on", 'title: "L\'été"'),
    'title: "a "b" c"': (2, 12, "the value ends here, but the line goes on", "title: 'a \"b\" c'"),
    "title: 'it's \"x\"'": (2, 12, "the value ends here", 'title: "it\'s \\"x\\""'),
    "title: @home": (2, 8, "a value cannot begin with this character", 'title: "@home"'),
    "title: `code`": (2, 8, "a value cannot begin with this character", 'title: "`code`"'),
    "title: *stars*": (2, 8, "a value that begins with *", 'title: "*stars*"'),
    "title: [New] Hello": (2, 14, "the value ends here, but the line goes on", 'title: "[New] Hello"'),
    "title: {{ name }}, hello": (2, 18, "the value ends here, but the line goes on", 'title: "{{ name }}, hello"'),
    "title: [New": (2, 8, "the bracket that opens here is not closed", 'title: "[New"'),
    "title: > x": (2, 10, "> and | stand alone", 'title: "> x"'),
    "title: - x": (2, 8, "a list begins on the line after its key", 'title: "- x"'),
    'a: 1\ntitle: "Hello\nb: c': (3, 8, "the quote that opens here is never closed", "close it"),
    'a: "b\nc: "d"': (3, 5, "this quote closes one that was opened above", "on its own line"),
    "a: 1\n\tb: 2": (3, 1, "a tab, which YAML does not allow here", "spaces"),
    "title: Hello\n  world: x": (3, 8, "this line does not fit to the one above it", "begin every key"),
    "title:Hello": (2, 7, "YAML needs a space behind the colon", "write `title: …`"),
    "title:Hello\nb: c": (2, 7, "YAML needs a space behind the colon", "write `title: …`"),
    "a: 1\ntitle:\u00a0Hello\nb: c": (3, 7, "the space behind the colon is a no-break space", "type it again"),
    "title:\u202fHello": (2, 7, "the space behind the colon is a no-break space", "type it again"),
    "a: b\nDear readers,\nwelcome": (3, 1, "this line is not `key: value`", "close the front matter above it"),
    "- a\n- b": (2, 1, "the front matter holds no keys", "*** instead"),
    "Just a line": (2, 1, "the front matter holds no keys", "one `key: value` on each line"),
    'a: "\\U00110000"': (2, 1, "this is not YAML", "one `key: value`"),
    'a: "\\c"': (2, 6, "a backslash between double quotes begins an escape", "single quotes"),
    "a: b\n--- c": (3, 1, "this is not YAML", "one `key: value`"),
    "a: [" * 60: (2, 1, "brackets, groups or aliases are nested too deeply", "levels"),
    "a: &x {b: *x}": (2, 1, "brackets, groups or aliases are nested too deeply", "levels"),
}


@pytest.mark.parametrize("text", YAML)
def test_broken_yaml_is_explained_with_its_place_and_the_right_form(text: str) -> None:
    line, column, message, fix = YAML[text]
    with pytest.raises(IssueError) as caught:
        read_front_matter(f"---\n{text}\n---\nText.", "issues/x.md")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.place, fix in (problem.fix or "")) == (f"issues/x.md:{line}:{column}", True), problem


TOML = {
    "title = Hello": (2, 9, "this is not TOML", "quotes"),
    "title: Hello": (2, 6, "this is not TOML", 'title = "My letter"'),
    "draft = True": (2, 9, "this is not TOML", ""),
    "title = 'a'\nb = 1\ntitle = 'c'": (4, 1, "the key 'title' is there twice: on line 2 and here", "keep one"),
    "[a]\nb = 1\n[c]\nb = 1\nb = 2": (6, 1, "the key 'b' is there twice: on line 5 and here", "keep one"),
    "a." * 60 + "b = 1": (2, 1, "brackets, groups or aliases are nested too deeply", "levels"),
    "n = " + "1" * 5000: (2, 1, "this is not TOML", "quotes"),
}


@pytest.mark.parametrize("text", TOML, ids=lambda text: text[:20])
def test_broken_toml_is_explained_with_its_place(text: str) -> None:
    line, column, message, fix = TOML[text]
    with pytest.raises(IssueError) as caught:
        read_front_matter(f"+++\n{text}\n+++\nText.", "issues/x.md")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.place, fix in (problem.fix or "")) == (f"issues/x.md:{line}:{column}", True), problem


UNCLOSED = {
    "---\ntitle: T\nlang: fr\n\nDear readers,\n": (1, "write --- on a line of its own after line 3"),
    "---\ntitle: T": (1, "write --- on a line of its own after line 2"),
    "\n+++\ntitle = 'T'\n---\n": (2, "write +++ on a line of its own after line 3"),
    "---\nDear readers,\n": (1, "*** if this line is a rule"),
    "---": (1, "*** if this line is a rule"),
}


@pytest.mark.parametrize("text", UNCLOSED)
def test_front_matter_that_is_not_closed_is_an_error_that_says_where_to_close_it(text: str) -> None:
    line, fix = UNCLOSED[text]
    with pytest.raises(IssueError) as caught:
        read_front_matter(text, "issues/x.md")
    (problem,) = caught.value.problems
    assert "is never closed" in problem.message
    assert problem.place == f"issues/x.md:{line}:1"
    assert fix in (problem.fix or "")


def test_json_front_matter_is_refused_with_a_word() -> None:
    with pytest.raises(IssueError, match="front matter in JSON is not read"):
        read_front_matter('{\n  "title": "T"\n}\nText.')


@pytest.mark.parametrize("text", ["", "\n", "Text.", "----\nText.", " ---\nText.", "{{ name }}", "--", "# T\n---\n"])
def test_a_text_without_front_matter_is_all_body(text: str) -> None:
    front = read_front_matter(text)
    assert (front.entries, front.body, front.body_line, front.problems) == ((), text, 1, ())


@pytest.mark.parametrize(
    ("text", "body", "line"),
    [
        ("---\n---\n", "", 3),
        ("---\n---", "", 3),
        ("---\n# nothing\n---\nText.", "Text.", 4),
        ("\n \n---\na: 1\n---\n\nText.\n", "\nText.\n", 6),
        ("---  \na: 1\n...\nText.", "Text.", 4),
        ("+++\na = 1\n+++ \r\nText.\r\n", "Text.\n", 4),
        ("---\na: |\n  ---\n  b\n---\nText.\n\n---\n", "Text.\n\n---\n", 6),
    ],
)
def test_the_body_begins_on_the_line_after_the_closing_one(text: str, body: str, line: int) -> None:
    front = read_front_matter(text)
    assert (front.body, front.body_line) == (body, line)


def test_equal_keys_are_an_error_that_names_both_lines_and_does_not_hide_others() -> None:
    front = read_front_matter("---\na: 1\nb: {c: 1, c: 2}\na: 2\n<<: {d: 1}\n---\n", "x.md")
    assert [str(problem).splitlines()[0] for problem in front.problems] == [
        "x.md:3:11: the key 'c' is there twice: on line 3 and here",
        "x.md:4:1: the key 'a' is there twice: on line 2 and here",
        "x.md:5:1: << (keys taken over from elsewhere) is not read here",
    ]


@pytest.mark.parametrize(
    ("character", "fix"),
    [
        ("\x00", "delete it"),
        ("\x08", "delete it"),
        ("\x0b", "delete it"),
        ("\x7f", "delete it"),
        ("\x92", "it was meant to be ’: type that"),
        ("\x85", "it was meant to be …: type that"),
        ("\x81", "delete it"),
        ("\ud800", "delete it"),
        ("\uffff", "delete it"),
    ],
)
def test_a_control_character_is_found_wherever_it_stands(character: str, fix: str) -> None:
    front = read_front_matter(f"---\na: b{character}\n---\né {character}", "x.md")
    assert [problem.place for problem in front.problems] == ["x.md:2:5", "x.md:4:3"]
    assert all(f"U+{ord(character):04X}" in problem.message for problem in front.problems)
    assert all((problem.fix or "").startswith(fix) for problem in front.problems)


def test_many_control_characters_are_not_all_listed() -> None:
    problems = read_front_matter("\x00" * 1000).problems
    assert len(problems) == 21
    assert problems[-1].message == "more control characters follow"


def test_every_entry_knows_its_places_and_keeps_what_was_written() -> None:
    front = read_front_matter('---\nnumber: 007\nempty:\n"a b": [1.10, no, ~]\n---\n')
    assert [(e.key, e.written, e.plain, e.key_place, e.place) for e in front.entries] == [
        ("number", "007", "007", (2, 1), (2, 9)),
        ("empty", None, None, (3, 1), (3, 1)),
        ("a b", ["1.10", "no", None], [1.1, "no", None], (4, 1), (4, 8)),
    ]
