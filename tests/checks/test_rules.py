"""Each rule finds what it is for, where it stands, and is silent otherwise.

fixtures/<rule>.toml holds examples: `[[bad]]` and `[[good]]`, each with an `issue` (Markdown, perhaps with its
front matter) and perhaps `known`, what was measured or fetched of it. Of a bad one,
`places` are the lines, or lines and columns, that the rule tells; another rule may speak, too.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter import checks
from newsletter.edition import fill
from newsletter.finding import Spot
from newsletter.issue import parse_issue
from newsletter.links import Links, Signer
from newsletter.manuscript import Answer, Asked, Audience, Earlier, House, ImageFile, Manuscript, Passage
from newsletter.render import Site, read
from newsletter.render.needs import samples
from newsletter.render.slots import evaluator
from newsletter.sources.themes import read_theme
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from newsletter.finding import Finding

FIXTURES = Path(__file__).with_name("fixtures")
RULES = {rule.id: rule for rule in checks.rules()}
HOUSE = House(
    "Letters", "https://letters.example.org", "12 rue des Lilas, 44000 Nantes", "Ana", "ana@letters.example.org"
)


def _examples(kind: str) -> list[Any]:
    return [
        pytest.param(path.stem, example, id=f"{path.stem}-{number}")
        for path in sorted(FIXTURES.glob("*.toml"))
        for number, example in enumerate(tomllib.loads(path.read_text("utf-8")).get(kind, []), 1)
    ]


def manuscript_of(text: str, known: dict[str, Any]) -> Manuscript:
    """An issue as a rule sees it; without a front matter it gets one."""
    source = text if text.startswith("---") else f"---\ntitle: An example\nlanguage: en\n---\n{text}"
    path = "issues/example.md"
    issue = parse_issue(source, path)
    house = replace(HOUSE, **known.get("house", {}))
    reading = read(
        issue, read_theme("letter"), Site("Letters", base_url=house.base_url, postal_address=HOUSE.postal_address)
    )
    edition = reading.edition()
    if known.get("without_footer"):
        edition = replace(edition, html=("<p>Hello.</p>",), text=("Hello.",))
    wanted = samples(edition)
    somebody = Subscriber(
        "reader@example.org",
        first_name=wanted.get("first_name", ""),
        fields={name.removeprefix("fields."): text for name, text in wanted.items() if name.startswith("fields.")},
    )
    values = evaluator(edition)(somebody, Links(Signer({1: b"k"}), house.base_url, issue.key, 0, 0))
    html = fill(edition.html, values)
    if size := known.get("style"):
        html = html.replace("</head>", f"<style>{'x' * size}</style></head>")
    return Manuscript(
        issue=issue,
        source=tuple(source.splitlines()),
        language=edition.language,
        survey=reading.survey(),
        house=house,
        edition=edition,
        subject=fill(edition.subject, values),
        preheader=fill(edition.preheader, values),
        html=html,
        text=fill(edition.text, values),
        octets=known.get("octets", 2 * len(html)),
        html_octets=known.get("html_octets", len(html.encode())),
        today=known.get("today", date(2026, 11, 21)),
        files={src: ImageFile(**facts) for src, facts in known.get("files", {}).items()},
        earlier=tuple(
            Earlier(each["path"], each.get("subject", ""), frozenset(each.get("hrefs", ())))
            for each in known.get("earlier", ())
        ),
        answers={href: Answer(**answer) for href, answer in known.get("answers", {}).items()},
        longest_subject=known.get("longest_subject", ""),
        audience=_audience(known["audience"]) if "audience" in known else None,
        misspelt={word: tuple(better) for word, better in known.get("misspelt", {}).items()},
        spam=known.get("spam"),
    )


def _audience(known: dict[str, Any]) -> Audience:
    asked = tuple(Asked(**each) for each in known.get("unknown_tags", ()))
    return Audience(**{**known, "unknown_tags": asked})


def _found(rule: str, example: dict[str, Any]) -> list[Finding]:
    text = example["issue"]
    manuscript = manuscript_of(text, example.get("known", {}))
    return [each for each in checks.check(manuscript) if each.rule == rule]


def _place(finding: Finding, shift: int, exact: bool) -> str:
    line = max(finding.spot.line - shift, 0)
    return f"{line}:{finding.spot.column}" if exact else str(line)


@pytest.mark.parametrize(("rule", "example"), _examples("bad"))
def test_a_rule_finds_what_is_wrong_and_where(rule: str, example: dict[str, Any]) -> None:
    shift = 0 if example["issue"].startswith("---") else 4  # lines of front matter that the example was given
    found = _found(rule, example)
    wanted = example["places"]
    assert len(found) == len(wanted), found
    assert [_place(each, shift, ":" in place) for each, place in zip(found, wanted, strict=True)] == wanted
    assert all(each.message and each.fix for each in found)


@pytest.mark.parametrize(("rule", "example"), _examples("good"))
def test_a_rule_is_silent_where_nothing_is_wrong(rule: str, example: dict[str, Any]) -> None:
    assert _found(rule, example) == []


def test_every_rule_has_a_bad_and_a_good_example_and_an_explanation() -> None:
    for rule in RULES.values():
        examples = tomllib.loads((FIXTURES / f"{rule.id}.toml").read_text("utf-8"))
        assert examples["bad"]
        assert examples["good"]
        assert rule.title
        assert "Bad:" in rule.explanation
        assert "Good:" in rule.explanation


def test_every_fixture_is_of_a_rule() -> None:
    assert {path.stem for path in FIXTURES.glob("*.toml")} == set(RULES)


WAIVED = """---
title: An example
preheader: What is in it
waive:
  link-empty: the address comes on Monday
---

[ESTIM]()
"""


def test_a_waiver_with_a_reason_keeps_the_finding_and_carries_the_reason() -> None:
    (found,) = checks.check(manuscript_of(WAIVED, {}))
    assert (found.rule, found.waived) == ("link-empty", "the address comes on Monday")


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        ("link-empty:", "link-empty is waived without a reason"),
        ("link-emty: because", "there is no rule 'link-emty'"),
    ],
)
def test_a_waiver_that_cannot_count_is_told(waiver: str, message: str) -> None:
    told = checks.check(manuscript_of(WAIVED.replace("link-empty: the address comes on Monday", waiver), {}))
    assert message in [each.message for each in told]
    assert [each.waived for each in told if each.rule == "link-empty"] == [""]


def test_a_waiver_of_a_rule_that_has_nothing_to_say_is_told() -> None:
    (told,) = checks.check(manuscript_of(WAIVED.replace("[ESTIM]()", "Nothing wrong here."), {}))
    assert told.message == "link-empty is waived, and has nothing to say"


def test_a_mail_that_is_cut_off_says_where_and_what_weighs_most() -> None:
    chapters = [f"## Chapter {n}\n\n" + " ".join(f"{n}word{i}" for i in range(1000 + 100 * n)) for n in range(1, 10)]
    (found,) = _found("mail-clipped", {"issue": "\n\n".join(chapters)})
    assert found.severity.value == "error"
    shown = found.message.partition("at “")[2]
    assert found.spot.line > 10
    assert shown.startswith(("Chapter 8", "8word", "Chapter 9", "9word"))
    assert "“Chapter 9”" in found.fix


def test_of_a_mail_without_headings_the_heaviest_paragraphs_are_told() -> None:
    paragraphs = [" ".join(f"{n}word{i}" for i in range(900 + 100 * n)) for n in range(1, 10)]
    (found,) = _found("mail-clipped", {"issue": "\n\n".join(paragraphs)})
    assert "what weighs most: “9word0 9word1" in found.fix


PIECES = [
    "<p>", "</p>", '<table dir="rtl">', "<tr>", "<td>", "</td>", "</table>", '<div style="', "float:right", '">', "<h1",
    '<img alt="', 'lang="', "tabindex=²", "«", "»", '"', "'", "...", "vous ?", " ", "**", "*|A|*", "::x", "© 2019", "א",
    "https://example.org", "<!--", "&", "{{ x }}", "\n", "<style>", "{color:", "}", "<", ">",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=60)
def test_nothing_that_an_author_writes_as_html_stops_a_rule(written: str) -> None:
    spot = Spot(WHOLE.issue.path, 5)
    survey = replace(WHOLE.survey, markup=(Passage(written, spot, "html"),), passages=(Passage(written, spot),))
    for language in ("fr", "en"):
        found = checks.check(replace(WHOLE, survey=survey, html=written, language=language))
        assert all(each.message for each in found)


WHOLE = manuscript_of("Hello.\n", {})
