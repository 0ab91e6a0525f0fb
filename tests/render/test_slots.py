"""Slots: what differs between recipients arrives where it was written, escaped for that place, and nowhere else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.edition import Edition, Slot, Where, fill
from newsletter.errors import IssueError
from newsletter.links import Links, Signer
from newsletter.render.needs import needs, samples
from newsletter.render.slots import evaluator
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

LINKS = Links(Signer({1: b"another key"}), "https://lettre.example.org", "hello", 7, 3)
ZOE = Subscriber(
    "zoe@example.org", first_name="Zoé", last_name="Durand", tags=("vip", "paris"), fields={"city": "Nantes"}
)


def _value(edition: Make, expression: str, subscriber: Subscriber = ZOE) -> str:
    made: Edition = edition(f"{{{{ {expression} }}}}")
    return evaluator(made)(subscriber, LINKS)[0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("subscriber.first_name", "Zoé"),
        ("subscriber.last_name", "Durand"),
        ("subscriber.name", "Zoé Durand"),
        ("subscriber.email", "zoe@example.org"),
        ("subscriber.language", "en"),
        ("subscriber.tags", "vip, paris"),
        ("subscriber.fields.city", "Nantes"),
        ("subscriber.fields['city']", "Nantes"),
        ("subscriber.first_name | default('you')", "Zoé"),
        ("subscriber.fields.dog | default('no dog')", "no dog"),
        ("subscriber.fields.dog or 'no dog'", "no dog"),
        ("subscriber.first_name | upper", "ZOÉ"),
        ("subscriber.first_name ~ '!'", "Zoé!"),
        ("'a friend' if 'vip' in subscriber.tags else 'a reader'", "a friend"),
        ("subscriber.fields.dog | default(subscriber.first_name)", "Zoé"),
        ("archive_url", "https://lettre.example.org/archive/hello"),
        ("archive_url ~ '?from=mail'", "https://lettre.example.org/archive/hello?from=mail"),
    ],
)
def test_an_expression_has_the_recipients_value(edition: Make, expression: str, value: str) -> None:
    assert _value(edition, expression) == value


def test_each_link_is_the_recipients_own(edition: Make) -> None:
    values = evaluator(edition("[a]({{ unsubscribe_url }}) [b]({{ preferences_url }})"))(ZOE, LINKS)
    assert values[:2] == (LINKS.unsubscribe, LINKS.preferences)


def test_what_the_issue_and_the_newsletter_say_is_written_in_once(edition: Make, read: Make) -> None:
    made = edition(
        "{{ issue.title }}, {{ issue.number + 1 }}, {{ newsletter.title }}, {{ issue.mood }}", "number: 3\nmood: calm"
    )
    assert not [e for e in made.expressions if "issue" in e.sources[0] or "newsletter" in e.sources[0]]
    assert read(made).body == "<p>A title, 4, La lettre du jeudi, calm</p>"


def test_a_mixed_expression_keeps_what_the_issue_said(edition: Make, read: Make, nobody: Subscriber) -> None:
    made = edition("{{ subscriber.first_name | default(issue.title) }}")
    assert read(made, nobody).body == "<p>A title</p>"
    assert read(Edition.from_json(made.to_json()), nobody).body == "<p>A title</p>"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Hi {{ subscriber.fields.x }}", "<p>Hi &lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27;</p>"),
        ("**{{ subscriber.fields.x }}**", "<p><strong>&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27;</strong></p>"),
        (
            "[x](https://example.org/?q={{ subscriber.fields.x }})",
            '<p><a href="https://example.org/?q=%3Cb%3E%20%26%20%22q%22%20%27a%27">x</a></p>',
        ),
        ("[x]({{ subscriber.fields.x }})", '<p><a href="#">x</a></p>'),
        (
            "![{{ subscriber.fields.x }}](https://example.org/a.png) a",
            '<p><img src="https://example.org/a.png" alt="&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27;"> a</p>',
        ),
        (
            '<span title="{{ subscriber.fields.x }}">a</span>',
            '<p><span title="&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27;">a</span></p>',
        ),
    ],
)
def test_a_value_is_escaped_for_where_it_stands(mail: Make, markdown: str, expected: str) -> None:
    hostile = ZOE._replace(fields={"x": "<b> & \"q\" 'a'"})
    assert mail(markdown, to=hostile).body == expected


@pytest.mark.parametrize("sign", ["<", "<b", "<b>", "</b>", "<!--"])
def test_a_sign_in_an_attribute_hides_no_slot_behind_it(mail: Make, edition: Make, sign: str) -> None:
    evil = Subscriber("a@example.org", fields={"site": "javascript:alert(1)"})
    got = mail(f'<a title="1 {sign} 2" href="{{{{ subscriber.fields.site }}}}">a</a>', to=evil).html
    assert f'title="1 {escape(sign)} 2" href="#"'.replace("&gt;", ">") in got
    made = edition(f'[a](https://example.org "1 {sign} {{{{ subscriber.fields.site }}}}")')
    assert next(part.where for part in made.html if isinstance(part, Slot)) is Where.ATTRIBUTE


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "data:text/html,x", " vbscript:x", "file:///etc/passwd"])
def test_a_value_cannot_become_a_dangerous_address(mail: Make, scheme: str) -> None:
    assert 'href="#"' in mail("[x]({{ subscriber.fields.x }})", to=ZOE._replace(fields={"x": scheme})).body


@pytest.mark.parametrize(
    "template", ["{{7*7}}", "{% if 1 %}49{% endif %}", "{{ unsubscribe_url }}", "${7*7}", "#{7*7}"]
)
def test_a_subscribers_data_is_never_template_source(mail: Make, template: str) -> None:
    got = mail(
        "Hi {{ subscriber.first_name }}!",
        "subject: 'For {{ subscriber.first_name }}'",
        ZOE._replace(first_name=template),
    )
    assert got.subject == f"For {template}"
    assert f"Hi {template}!" in got.text


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_no_value_breaks_out_of_its_place(name: str) -> None:
    made = _hostile_edition()
    values = evaluator(made)(ZOE._replace(first_name=name), LINKS)
    html = fill(made.html, values)
    assert html.count("<") == fill(made.html, evaluator(made)(ZOE, LINKS)).count("<")
    assert html.count('"') == fill(made.html, evaluator(made)(ZOE, LINKS)).count('"')
    assert "\n" not in fill(made.subject, values)


_MADE: list[Edition] = []


def _hostile_edition() -> Edition:
    """Made once: hypothesis asks for it a hundred times."""
    if not _MADE:
        from newsletter.issue import parse_issue
        from newsletter.render import Site, render
        from newsletter.sources.themes import read_theme

        name = "{{ subscriber.first_name }}"
        body = f"{name} [x](https://example.org/?n={name}) ![{name}](a.png) **b**"
        text = f"---\ntitle: T\nsubject: 'To {name}'\n---\n{body}"
        _MADE.append(render(parse_issue(text, "a.md"), read_theme("letter"), Site("N", base_url="https://example.org")))
    return _MADE[0]


def test_a_field_may_have_the_name_of_a_method(mail: Make) -> None:
    odd = ZOE._replace(fields={"items": "three", "update": "soon"})
    assert mail("{{ subscriber.fields.items | upper }}, {{ subscriber.fields.update }}", to=odd).words == "THREE, soon"


def test_a_value_that_is_missing_names_the_reader_the_field_and_the_line(edition: Make, nobody: Subscriber) -> None:
    with pytest.raises(IssueError) as caught:
        evaluator(edition("Hello\n\nDear {{ subscriber.first_name }}"))(nobody, LINKS)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("issues/hello.md", 7)
    assert problem.message == "somebody@example.org has no first_name, and the slot has no default"
    assert problem.fix is not None
    assert '{{ subscriber.first_name | default("…") }}' in problem.fix


def test_a_value_that_is_missing_where_nobody_looks_is_no_error(mail: Make, nobody: Subscriber) -> None:
    text = "{% if subscriber.first_name %}Dear {{ subscriber.first_name | upper }}{% else %}Hello{% endif %}"
    assert mail(text, to=nobody).words == "Hello"


def test_a_computation_that_does_not_fit_the_data_is_told(edition: Make) -> None:
    with pytest.raises(IssueError, match=r"issues/hello.md:5: `subscriber.fields.city \+ 1` has no value for zoe@"):
        evaluator(edition("{{ subscriber.fields.city + 1 }}"))(ZOE, LINKS)


@pytest.mark.parametrize(
    ("markdown", "fields"),
    [
        ("{{ subscriber.first_name }}", {"first_name"}),
        ("{{ subscriber.first_name | upper }}", {"first_name"}),
        ("{{ subscriber.first_name | default('you') }}", set()),
        ("{{ subscriber.first_name | upper | default('you') }}", {"first_name"}),
        ("{{ subscriber.first_name | default(subscriber.last_name) }}", {"last_name"}),
        ("{{ subscriber.first_name or 'you' }}", set()),
        ("{{ 'dear ' ~ subscriber.first_name if subscriber.first_name else 'you' }}", set()),
        ("{{ subscriber.tags }} {{ archive_url }}", set()),
        ("{% if subscriber.first_name %}{{ subscriber.first_name }}{% endif %}", set()),
        ("{% if subscriber.last_name %}{{ subscriber.first_name }}{% endif %}", {"first_name"}),
        ("{{ subscriber.fields.city }}", {"fields.city"}),
    ],
)
def test_needs_are_the_fields_that_are_printed_without_a_default(
    edition: Make, markdown: str, fields: set[str]
) -> None:
    assert set(needs(edition(markdown))) == fields


def test_needs_tell_the_first_line(edition: Make) -> None:
    assert needs(edition("Hello\n\n{{ subscriber.first_name }}\n\n{{ subscriber.first_name }}")) == {"first_name": 7}


def test_a_slot_may_go_over_lines_and_what_follows_keeps_its_line(edition: Make) -> None:
    made = edition("{{ subscriber.first_name |\n   default('you') }}\n\n{{ subscriber.last_name }}")
    assert [e.line for e in made.expressions[:2]] == [5, 8]


def test_escaped_braces_and_braces_in_code_are_text(mail: Make) -> None:
    got = mail("\\{{ a }} and `{{ b }}` and\n\n```\n{% c %} \\{{ d }}\n```\n")
    assert "{{ a }} and <code>{{ b }}</code>" in got.body
    assert "{% c %} \\{{ d }}" in got.body
    assert "{{ a }} and {{ b }} and" in got.words


# ── Dates and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("slot", "language", "expected"),
    [
        ('"1980-05-12" | date', "fr", "12 mai 1980"),
        ('"1980-05-01" | date', "fr-CA", "1er mai 1980"),
        ("subscriber.fields.day | date", "fr", "12 mai 1980"),
        ("subscriber.fields.day | date", "en", "May 12, 1980"),
        ("subscriber.fields.day | date", "xx", "May 12, 1980"),
        ('subscriber.fields.day | date("d MMMM")', "de", "12 Mai"),
        ('subscriber.fields.day | date("short")', "fr", "12/05/1980"),
        ("subscriber.fields.points | number", "fr", "1\u202f234,5"),
        ("subscriber.fields.points | number", "en", "1,234.5"),
        ("subscriber.fields.points | number(2)", "de", "1.234,50"),
        ("subscriber.fields.points | number(0)", "en", "1,234"),
        ("1000000 | number", "fr", "1\u202f000\u202f000"),
        ("subscriber.fields.none | date | default('soon')", "fr", "soon"),
        ("subscriber.fields.points | date | default('soon')", "fr", "soon"),
        ("subscriber.fields.day | number | default('none')", "fr", "none"),
        ("'NaN' | number | default('none')", "fr", "none"),
        ("'1e99' | number | default('none')", "fr", "none"),
    ],
)
def test_dates_and_numbers_are_written_in_the_language_of_the_reader(
    mail: Make, slot: str, language: str, expected: str
) -> None:
    reader = Subscriber("a@example.org", language=language, fields={"day": "1980-05-12", "points": "1234.5"})
    # What is the same for everybody is written in the language of the issue.
    front = f"lang: {language}" if slot[0] in "'\"1" else "lang: es"
    assert mail(f"{{{{ {slot} }}}}", front, reader).words == expected


def test_what_is_no_date_is_an_error_without_a_default(edition: Make, read: Make) -> None:
    made = edition("a\n\n{{ subscriber.fields.day | date }}")
    with pytest.raises(IssueError, match=r"hello\.md:7: .*'soon' is no date"):
        read(made, Subscriber("a@example.org", fields={"day": "soon"}))
    assert needs(made)["fields.day"] == 7


def test_what_has_a_default_is_not_needed_whatever_its_form(edition: Make) -> None:
    made = edition("{{ subscriber.fields.a | date | default('b') }} {{ subscriber.fields.c | number(2) | d('e') }}")
    assert needs(made) == {}


def test_a_sample_is_a_day_or_a_number_where_one_is_written(edition: Make) -> None:
    made = edition("{{ subscriber.fields.a | date }} {{ subscriber.fields.b | number(1) }} {{ subscriber.fields.c }}")
    assert samples(made) == {"fields.a": "2026-11-21", "fields.b": "1234", "fields.c": "[c]"}
