"""Golden editions: each fixture's HTML and text, byte for byte. `make golden` writes them anew; read the diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.edition import Slot
from newsletter.issue import parse_issue
from newsletter.render import render
from newsletter.sources.themes import read_theme
from tests.render.conftest import SITE

if TYPE_CHECKING:
    from newsletter.edition import Edition, Pattern

FIXTURES = Path(__file__).parent / "fixtures"


def _shown(pattern: Pattern, edition: Edition) -> str:
    """A pattern as text: slots as ⟦source⟧ with their place, choices with their conditions."""
    out: list[str] = []
    for part in pattern:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Slot):
            out.append(f"⟦{edition.expressions[part.index].sources[0]} as {part.where.value}⟧")
        else:
            sources = edition.expressions[part.index].sources
            for word, source, branch in zip(("if", *["or if"] * 9), sources, part.branches, strict=False):
                out.append(f"⟦{word} {source}⟧" if source else "⟦else⟧")
                out.append(_shown(branch, edition))
            out.append("⟦end⟧")
    return "".join(out)


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.md")))
def test_an_edition_is_byte_for_byte_what_it_was(name: str, request: pytest.FixtureRequest) -> None:
    issue = parse_issue((FIXTURES / f"{name}.md").read_text("utf-8"), f"{name}.md")
    edition = render(issue, read_theme(issue.theme or "letter"), SITE)
    head = "".join(
        f"{key}: {_shown(pattern, edition)}\n"
        for key, pattern in (("Subject", edition.subject), ("Preheader", edition.preheader))
    )
    made = {".html": _shown(edition.html, edition), ".txt": f"{head}\n{_shown(edition.text, edition)}"}
    for ending, text in made.items():
        golden = FIXTURES / f"{name}{ending}"
        if request.config.getoption("--regenerate", default=False):
            golden.write_bytes(text.encode())
        assert text == golden.read_bytes().decode(), f"{golden.name} differs; `make golden` writes it anew"
