"""The rules of `newsletter check` as a page: python -m scripts.rules writes docs/reference/rules.md anew."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from newsletter.checks import rules

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "rules.md"

HEAD = """\
# Rules

What [`newsletter check`](../how-to/check-an-issue.md) looks at. This page is made by `scripts/rules.py` from the rules
themselves; `newsletter check --explain RULE` prints the same.

An **error** stops `newsletter publish`; a **warning** is told, and is as bad as an error with `--strict`; a **note** is
a hint. Some rules speak more softly, or louder, of some places. What keeps an issue from being rendered at all is told
under the name `readable`, what is wrong with a waiver under `waiver`; those two cannot be waived."""


def page() -> str:
    """docs/reference/rules.md."""
    parts = [HEAD]
    for subject, group in groupby(rules(), key=lambda rule: rule.subject):
        parts.append(f"## {subject}")
        for rule in group:
            text, _, examples = rule.explanation.partition("\n\nBad:")
            parts.append(
                f"### {rule.id}\n\n**{rule.title}** ({rule.severity.value}).\n{text}\n\n```text\nBad:{examples}\n```"
            )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
