"""Conditions: `{% if %}` around words, paragraphs and whole blocks, in the body, the subject and the preheader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.edition import Choice
from newsletter.errors import IssueError
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

MEMBER = Subscriber("ana@example.org", first_name="Ana", tags=("member",))
READER = Subscriber("bo@example.org", first_name="Bo")
WORDS = '{% if "member" in subscriber.tags %}A{% elif subscriber.first_name == "Bo" %}B{% else %}C{% endif %}'


def test_words_of_a_sentence_depend_on_the_reader(mail: Make, nobody: Subscriber) -> None:
    got = [mail(f"You see **{WORDS}**.", to=reader).body for reader in (MEMBER, READER, nobody)]
    assert got == [f"<p>You see <strong>{letter}</strong>.</p>" for letter in "ABC"]


def test_the_subject_and_the_preheader_depend_on_the_reader(mail: Make) -> None:
    got = mail("x", f"subject: '{WORDS} for you'\npreheader: '{WORDS} inside'", READER)
    assert (got.subject, got.preheader) == ("B for you", "B inside")
    assert "B inside" in got.html


def test_whole_blocks_depend_on_the_reader_in_both_parts(mail: Make) -> None:
    text = (
        '{% if "member" in subscriber.tags %}\n\n## For members\n\n- one\n- two\n\n'
        "{% else %}\nJoin us.\n{% endif %}\n\nEnd."
    )
    member, reader = mail(text, to=MEMBER), mail(text, to=READER)
    assert member.body == '<h2 id="for-members">For members</h2><ul>\n<li>one</li>\n<li>two</li>\n</ul><p>End.</p>'
    assert member.words == "For members\n-----------\n\n- one\n- two\n\nEnd."
    assert reader.body == "<p>Join us.</p><p>End.</p>"
    assert reader.words == "Join us.\n\nEnd."


def test_a_tag_on_its_own_line_needs_no_blank_lines_around_it(mail: Make) -> None:
    text = "One\n{% if subscriber.first_name %}\nTwo\n{% endif %}\nThree"
    assert mail(text, to=MEMBER).body == "<p>One</p><p>Two</p><p>Three</p>"


def test_items_of_a_list_depend_on_the_reader(mail: Make) -> None:
    text = '- one\n{% if "member" in subscriber.tags %}\n- two\n{% endif %}\n- three'
    member, reader = mail(text, to=MEMBER), mail(text, to=READER)
    assert member.words == "- one\n- two\n- three"
    assert reader.words == "- one\n- three"
    assert member.body.count("<ul>") == reader.body.count("<ul>") == 1


def test_conditions_stand_in_conditions(mail: Make, nobody: Subscriber) -> None:
    text = "{% if subscriber.first_name %}{% if 'member' in subscriber.tags %}AA{% else %}AB{% endif %}{% endif %}."
    assert [mail(text, to=reader).words for reader in (MEMBER, READER, nobody)] == ["AA.", "AB.", "."]


def test_an_address_depends_on_the_reader(mail: Make) -> None:
    text = "[go](https://example.org/{% if subscriber.first_name == 'Bo' %}bo{% else %}all{% endif %})"
    assert '<a href="https://example.org/bo">' in mail(text, to=READER).body
    assert "<https://example.org/all>" in mail(text, to=MEMBER).words


def test_a_line_whose_end_is_not_shown_does_not_flow_into_the_next(mail: Make, nobody: Subscriber) -> None:
    text = "- a {% if subscriber.first_name %}b{% endif %}\n- c"
    assert mail(text, to=nobody).words == "- a\n- c"
    assert mail(text, to=READER).words == "- a b\n- c"


def test_what_the_issue_itself_decides_costs_no_choice(edition: Make, read: Make) -> None:
    made = edition("{% if issue.number %}Nº {{ issue.number }}{% else %}none{% endif %}", "number: 3")
    assert not [part for part in made.html if isinstance(part, Choice)]
    assert read(made).words == "Nº 3"


def test_a_missing_value_is_false_and_equals_nothing(mail: Make, nobody: Subscriber) -> None:
    condition = "subscriber.fields.city == 'Nantes' or subscriber.first_name"
    text = f"{{% if {condition} %}}A{{% elif subscriber.fields.city != 'x' %}}B{{% endif %}}"
    assert mail(text, to=nobody).words == "B"


@pytest.mark.parametrize(
    ("markdown", "place", "message"),
    [
        ("{% if subscriber.first_name %} x", "5:1", "is not closed"),
        ("x {% endif %}", "5:3", "`{% endif %}` has no `{% if … %}` before it"),
        ("x {% else %}", "5:3", "has no `{% if … %}` before it"),
        ("{% if subscriber.name %}{% else %}{% elif subscriber.name %}{% endif %}", "5:35", "comes after `{% else %}`"),
        ("**a {% if subscriber.name %} b** c {% endif %}", "5:36", "does not stand in the same"),
        ("x {% if subscriber.name %} y\n\nz {% endif %}", "7:3", "does not stand in the same"),
        ("- {% if subscriber.name %} y\n- z {% endif %}", "6:5", "does not stand in the same"),
        ("{% for x in y %}{% endfor %}", "5:1", "`{% for %}` is no tag"),
        ("{% if subscriber.name %}a{% elseif x %}b{% endif %}", "5:26", "`{% elseif %}` is no tag"),
        ("{% if subscriber.nmae %}a{% endif %}", "5:1", "there is no `subscriber.nmae`"),
        ("{% if %}a{% endif %}", "5:1", "there is nothing between the braces"),
    ],
)
def test_a_wrong_condition_is_told_with_its_place(edition: Make, markdown: str, place: str, message: str) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown)
    (problem,) = caught.value.problems
    assert problem.place == f"issues/hello.md:{place}"
    assert message in problem.message


HEAD = "| a | b |\n|---|---|\n"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (f"{HEAD}| 1 | 2 |\n{{% if subscriber.name %}}\n| 3 | 4 |\n{{% endif %}}", r"hello\.md:8: .* between the rows"),
        (f"{HEAD}{{% if subscriber.name %}}\n| 3 | 4 |\n{{% endif %}}\n| 5 | 6 |", r"hello\.md:7: .* between the rows"),
        (f"{HEAD}\n{{% if subscriber.name %}}\n\n| 3 | 4 |\n\n{{% endif %}}", r"hello\.md:8: .* between the rows"),
        (f"{HEAD}{{% if subscriber.name %}}| 3 | 4 |{{% endif %}}", r"hello\.md:7: .* over several cells"),
        (f"{HEAD}| {{% if subscriber.name %}}3 | 4{{% endif %}} |", r"hello\.md:7: .* over several cells"),
    ],
)
def test_a_condition_between_rows_or_cells_is_refused_with_its_line(mail: Make, table: str, told: str) -> None:
    with pytest.raises(IssueError, match=told) as caught:
        mail(table)
    assert "around the whole table" in str(caught.value)


@pytest.mark.parametrize(
    "row", ["| 1 | 2 |", "1 | 2", "| 1 | 2 |  |", "| 1 |", r"| 1 \| 2 \| 3 | 4 |", "| 1 | 2 | |   | "]
)
def test_a_row_that_loses_nothing_is_a_row(mail: Make, row: str) -> None:
    assert "1" in mail(f"{HEAD}{row}").words
    assert "1" in mail("\n".join(f"> {line}" for line in f"{HEAD}{row}".split("\n"))).words


def test_a_condition_stands_within_a_cell_or_around_a_table(mail: Make, nobody: Subscriber) -> None:
    cell = f"{HEAD}| {{% if subscriber.name %}}named{{% else %}}unnamed{{% endif %}} | 2 |"
    assert mail(cell).words.endswith("named   2")
    assert "unnamed</td>" in mail(cell, to=nobody).body
    whole = f"{{% if subscriber.name %}}\n{HEAD}| 1 | 2 |\n{{% endif %}}\n\nEnd."
    assert "1</td>" in mail(whole).body
    assert mail(whole, to=nobody).words == "End."


@pytest.mark.parametrize("bullets", ["---", "123"])
def test_a_condition_stands_between_the_items_of_a_list(mail: Make, nobody: Subscriber, bullets: str) -> None:
    one, two, three = (f"{bullet}." if bullet.isdecimal() else bullet for bullet in bullets)
    text = f"{one} a\n{{% if subscriber.name %}}\n{two} b\n{{% else %}}\n{two} d\n{{% endif %}}\n{three} c"
    assert re.findall(r"<li>(.)</li>", mail(text).body) == ["a", "b", "c"]
    assert re.findall(r"<li>(.)</li>", mail(text, to=nobody).body) == ["a", "d", "c"]
    assert [line[-1] for line in mail(text, to=nobody).words.split("\n")] == ["a", "d", "c"]
    assert mail(text).body.count("<ul>") + mail(text).body.count("<ol>") == 1
