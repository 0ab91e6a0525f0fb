"""docs/reference/rules.md keeps in step with the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.checks import rules
from newsletter.finding import Severity
from scripts.rules import PAGE, page

if TYPE_CHECKING:
    from newsletter.checks import Rule


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make golden"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_explains_itself_to_somebody_who_has_never_heard_of_it(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert len(rule.explanation.partition("\n\nBad:")[0]) > 60
    assert not rule.title.endswith(".")


def test_severities_are_words_that_sarif_knows() -> None:
    assert {each.value for each in Severity} <= {"none", "note", "warning", "error"}
