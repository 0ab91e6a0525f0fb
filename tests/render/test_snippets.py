"""Snippets: shared Markdown, put in where it is asked for, and told with its own file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import IssueError
from newsletter.issue import parse_issue
from newsletter.render import render
from newsletter.render.snippets import DEEPEST, LARGEST, Snippet
from newsletter.sources.snippets import read_snippets
from newsletter.sources.themes import read_theme
from tests.render.conftest import SITE, read_as

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.edition import Edition


def edition(body: str, language: str = "en", **snippets: str) -> Edition:
    issue = parse_issue(f"---\ntitle: T\nlang: {language}\n---\n{body}", "a.md")
    known = {name.replace("__", "."): Snippet(f"snippets/{name}.md", text) for name, text in snippets.items()}
    return render(issue, read_theme("letter"), SITE, snippets=known)


@pytest.mark.parametrize(
    "tag",
    ['{% include "sign" %}', "{%- include 'sign' -%}", "{% include sign %}", '  {% include "sign.md" %}  '],
)
def test_a_snippet_stands_where_it_is_asked_for(tag: str) -> None:
    assert read_as(edition(f"Before\n{tag}\nAfter", sign="See *you*,\nCamille\n")).words == (
        "Before\n\nSee _you_,\nCamille\n\nAfter"
    )


def test_a_snippet_shares_everything_with_the_issue() -> None:
    made = edition(
        "A[^n], [b], {{ subscriber.first_name }}.\n\n{% include 'more' %}",
        more="[b]: https://example.org/\n\n[^n]: Note for {{ subscriber.email }}.\n",
    )
    assert read_as(made).words == "A[1], b <https://example.org/>, Zoé.\n\n[1] Note for zoe@example.org."


def test_snippets_include_each_other_and_stand_in_blocks() -> None:
    made = edition(":::note\n{% include 'one' %}\n:::", one="1\n{% include 'two' %}\n3", two="2")
    assert read_as(made).words == "Note\n\n> 1\n>\n> 2\n>\n> 3"


def test_a_snippet_has_a_version_for_each_language() -> None:
    texts = {"bye": "See you", "bye__fr": "À bientôt"}
    assert read_as(edition("{% include 'bye' %}", "fr-CA", **texts)).words == "À bientôt"
    assert read_as(edition("{% include 'bye' %}", "de", **texts)).words == "See you"


def test_in_code_it_is_text() -> None:
    made = edition("```\n{% include 'x' %}\n```\n\n    {% include 'x' %}\n\n`{% include 'x' %}`")
    assert read_as(made).text.count("{% include 'x' %}") == 3


RING = {"a": "{% include 'b' %}", "b": "x\n\n{% include 'a' %}"}
LONG = {f"s{n}": f"{{% include 's{n + 1}' %}}" for n in range(DEEPEST + 2)}
BOMB = {f"s{n}": f"{{% include 's{n + 1}' %}}\n" * 9 for n in range(8)} | {"s8": "x" * (LARGEST // 1000)}
# Markdown (its first line is line 5 of a.md), the snippets, the place, a part of the message, a part of the fix.
MISTAKES = [
    ("a\n{% include 'sing' %}", {"sign": "x"}, "a.md:6", "there is no snippet 'sing'", "did you mean 'sign'?"),
    ("{% include 'sign' %}", {}, "a.md:5", "there is no snippet 'sign'", "templates/snippets/sign.md"),
    ("{% include 'a' %}", RING, "snippets/b.md:3", "includes itself: a → b → a", "take one"),
    ("{% include 's0' %}", LONG, "snippets/s9.md:1", "more than 10 deep: s0 → s1", "write it in one"),
    ("{% include 's0' %}", BOMB, "snippets/s7.md:", "longer than 4,000,000 characters", "include less"),
    ("{% include 's' %}", {"s": "a\n\n:::nte\n:::"}, "snippets/s.md:3", "no block `:::nte`", "'note'"),
    (
        "{% include 's' %}",
        {"s": "a\nb {{ subscriber.nmae }}"},
        "snippets/s.md:2:3",
        "subscriber.nmae",
        "subscriber.name",
    ),
    ("a\n\n{% include 's' %}\n\nb {{ nope }}", {"s": "x\ny\n"}, "a.md:9:3", "no `nope`", ""),
    ("{% include 's' %}\n\n[^x]: a", {"s": "[^x]: b[^x]"}, "a.md:7", "on lines 1 of snippets/s.md and 7", "name"),
    ("- {% include 's' %}", {"s": "x"}, "a.md:5:3", "stands inside something else", "on a line of its own"),
]


@pytest.mark.parametrize(("body", "snippets", "place", "message", "fix"), MISTAKES)
def test_a_mistake_is_told_with_the_file_that_it_stands_in(
    body: str, snippets: dict[str, str], place: str, message: str, fix: str
) -> None:
    with pytest.raises(IssueError) as caught:
        edition(body, **snippets)
    (problem,) = caught.value.problems
    assert problem.place.startswith(place)
    assert message in problem.message
    assert fix in (problem.fix or "")


def test_what_is_found_out_while_sending_names_the_line_of_the_issue() -> None:
    made = edition("a\n\n{% include 's' %}", s="x\n\n{{ subscriber.fields.town }}")
    assert made.expressions[0].line == 7


def test_snippets_are_read_from_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "snippets" / "legal"
    folder.mkdir(parents=True)
    (folder / "terms.fr.md").write_text("\ufeffDroits", "utf-8")
    (found,) = read_snippets(tmp_path).items()
    assert found == ("legal/terms.fr", Snippet(str(folder / "terms.fr.md"), "Droits"))
    assert read_snippets(tmp_path / "none") == {}


def test_a_snippet_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "a.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(IssueError, match=r"a\.md: cannot be read"):
        read_snippets(tmp_path)
