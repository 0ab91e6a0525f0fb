"""Variants: who gets which version, and what nobody can ever see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError
from newsletter.render.variants import branches, counted, told
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

PEOPLE = [
    Subscriber("a@example.org", tags=("member",), fields={"city": "Nantes", "n": "x"}),
    Subscriber("b@example.org", tags=("member",), fields={"n": "1"}),
    Subscriber("c@example.org", fields={"city": "Nantes"}),
    Subscriber("d@example.org"),
    Subscriber("e@example.org"),
]
TEXT = """\
{% if "member" in subscriber.tags %}
Member{% if subscriber.fields.city %} of {{ subscriber.fields.city }}{% endif %}.
{% elif subscriber.first_name == "Zoé" %}
Zoé.
{% else %}
Reader.
{% endif %}
"""


def _lines(edition: Any, people: list[Subscriber]) -> list[tuple[int, list[str]]]:
    return [
        (number, [told(edition, *choice) for choice in variant])
        for variant, number in counted(edition, people).most_common()
    ]


def test_each_variant_has_its_recipients(edition: Make) -> None:
    made = edition(TEXT)
    member, city = 'line 5: {% if "member" in subscriber.tags %}', "line 6: {% if subscriber.fields.city %}"
    assert _lines(made, PEOPLE) == [
        (3, ["line 9: {% else %}"]),
        (1, [city, member]),
        (1, [city.replace("{% if", "no {% if"), member]),
    ]
    seen = {choice for variant in counted(made, PEOPLE) for choice in variant}
    assert [told(made, *branch) for branch in branches(made) if branch not in seen] == [
        'line 7: {% elif subscriber.first_name == "Zoé" %}'
    ]


def test_an_issue_without_conditions_has_one_variant(edition: Make) -> None:
    assert _lines(edition("Hello {{ subscriber.email }}"), PEOPLE) == [(5, [])]


def test_a_condition_that_does_not_fit_somebody_is_false_for_them(edition: Make) -> None:
    made = edition(
        "{% if subscriber.fields.n | int(default=0) > 0 %}a{% endif %}{% if subscriber.fields.n + 1 %}b{% endif %}"
    )
    assert sum(counted(made, PEOPLE).values()) == 5


A, B = "subscriber.fields.a", "subscriber.fields.b"


@pytest.mark.parametrize(
    ("markdown", "branch"),
    [
        (f"{{% if {A} %}}1{{% elif {B} %}}2{{% elif {A} %}}3{{% endif %}}", f"{{% elif {A} %}}"),
        (f"{{% if {A} %}}1{{% elif not {A} %}}2{{% else %}}3{{% endif %}}", "{% else %}"),
        (f"{{% if {A} %}}{{% if not {A} %}}1{{% endif %}}x{{% endif %}}", f"{{% if not {A} %}}"),
        (f"{{% if {A} %}}{{% if {A} %}}1{{% else %}}2{{% endif %}}{{% endif %}}", "{% else %}"),
        (f"{{% if {A} %}}1{{% else %}}{{% if {A} %}}2{{% endif %}}x{{% endif %}}", f"{{% if {A} %}}"),
        (f"{{% if  {A}=='x' %}}1{{% elif {A} == 'x' %}}2{{% endif %}}", f"{{% elif {A} == 'x' %}}"),
    ],
)
def test_a_branch_that_nobody_can_see_is_refused(edition: Make, markdown: str, branch: str) -> None:
    with pytest.raises(IssueError) as caught:
        edition(f"Hello\n\n{markdown}")
    (problem,) = caught.value.problems
    assert problem.line == 7
    assert f"`{branch}` is never reached" in problem.message


def test_a_branch_that_nobody_can_see_is_told_with_its_own_line(edition: Make) -> None:
    with pytest.raises(IssueError) as caught:
        edition(f"{{% if {A} %}}\n1\n{{% elif {B} %}}\n2\n{{% elif {A} %}}\n3\n{{% endif %}}")
    assert caught.value.problems[0].line == 9


@pytest.mark.parametrize(
    "markdown",
    [
        f"{{% if {A} %}}1{{% elif {B} %}}2{{% else %}}3{{% endif %}}",
        f"{{% if {A} %}}1{{% endif %}}{{% if {A} %}}2{{% endif %}}",
        f"{{% if {A} %}}{{% if {B} %}}1{{% else %}}2{{% endif %}}{{% else %}}{{% if {B} %}}3{{% endif %}}{{% endif %}}",
        "{% if issue.number %}1{% elif issue.slug %}2{% else %}3{% endif %}",
    ],
)
def test_a_branch_that_somebody_could_see_is_not(edition: Make, markdown: str) -> None:
    assert edition(markdown)
