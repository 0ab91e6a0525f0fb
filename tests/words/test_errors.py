"""A misspelt name is answered with the one that was meant."""

from __future__ import annotations

import pytest

from newsletter.errors import did_you_mean

ISSUES = ("2026-09-hello", "2026-10-harvest", "2026-11-hello-again")

# what was written, what is known, and what the message proposes
MEANT = [
    ("2026-09-helo", ISSUES, "did you mean '2026-09-hello'?"),
    ("hello", ISSUES, "did you mean '2026-11-hello-again'?"),
    ("HARVEST", ISSUES, "did you mean '2026-10-harvest'?"),
    ("10", ISSUES, "known are: 2026-09-hello, 2026-10-harvest, 2026-11-hello-again"),
    ("winter", ISSUES, "known are: 2026-09-hello, 2026-10-harvest, 2026-11-hello-again"),
]


@pytest.mark.parametrize(("word", "known", "fix"), MEANT)
def test_the_nearest_name_is_proposed_else_one_that_holds_the_word_else_all(
    word: str, known: tuple[str, ...], fix: str
) -> None:
    assert did_you_mean(word, known) == fix


def test_of_very_many_names_the_first_ones_are_listed() -> None:
    told = did_you_mean("winter", [f"block-{number:02}" for number in range(58)])
    assert told.startswith("known are: block-00, ")
    assert told.endswith(", block-29 and 28 more")
