"""The examples of the CommonMark specification, through the parser as issues get it, with all that we add to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.render.markdown import parser

EXAMPLES = json.loads((Path(__file__).parent / "commonmark" / "examples.json").read_text("utf-8"))
# GFM makes a link of an address that stands in the text, CommonMark does not. In a letter one wants the link.
EXCEPTIONS = {
    608: '<p>&lt; <a href="https://foo.bar">https://foo.bar</a> &gt;</p>\n',
    611: '<p><a href="https://example.com">https://example.com</a></p>\n',
    612: '<p><a href="mailto:foo@bar.example.com">foo@bar.example.com</a></p>\n',
}


def test_all_examples_are_here() -> None:
    assert [example["number"] for example in EXAMPLES] == list(range(1, 653))
    assert len(EXCEPTIONS) <= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['number']} {example['section']}")
def test_an_example_of_the_specification(example: dict[str, str]) -> None:
    # What signs are set as is a matter of language, not of Markdown.
    made = parser("en", typeset=False).render(example["markdown"])
    # White space in an empty quote is none that anybody sees.
    made = made.replace("<blockquote></blockquote>", "<blockquote>\n</blockquote>")
    assert made == EXCEPTIONS.get(int(example["number"]), example["html"])
