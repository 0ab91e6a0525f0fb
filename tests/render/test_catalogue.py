"""The catalogue: every block has its template, its place in the documentation, and an example that renders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.render.catalogue import ALERTS, CATALOGUE, SHORTHANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "blocks.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def examples(name: str) -> list[str]:
    return re.findall(r"^````?markdown\n(.*?)^````?$", SECTIONS[name], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_block_has_a_template(letter: Any, name: str) -> None:
    # A part is laid out by its whole; what stands in a region takes the region's place.
    has_none = CATALOGUE[name].inside or CATALOGUE[name].form
    assert bool(has_none) != (f"blocks/{name}.mjml.j2" in letter.files)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_reference_tells_of_every_block_and_of_all_that_it_takes(name: str) -> None:
    entry = CATALOGUE[name]
    home = entry.inside or name  # a part is told of where its whole is
    assert home in SECTIONS, f"docs/reference/blocks.md has no section {home!r}"
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", SECTIONS[home], re.MULTILINE))
    for attribute in entry.attributes:
        told = rows.get(attribute.name, "")
        assert attribute.type.says in told, f"{name}: {attribute.name}={attribute.type.says}"
        assert not attribute.default or f"`{attribute.default}`" in told
        assert attribute.required == ("; needed" in told)
    assert any(re.search(rf":{name}\b", example) for example in examples(home)), f"{home}: no example of {name}"


@pytest.mark.parametrize("name", [name for name in CATALOGUE if not CATALOGUE[name].inside])
def test_the_examples_of_the_reference_render(mail: Make, name: str) -> None:
    for example in examples(name):
        got = mail(example)
        assert got.body
        assert got.words


def test_the_reference_tells_of_every_shorthand_and_of_every_alert() -> None:
    assert all(f"`:::{name}`" in PAGE for name in SHORTHANDS)
    assert all(f"`[!{word}]`" in PAGE for word in ALERTS)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_pages_with_all_blocks_show_every_one(name: str) -> None:
    fixtures = Path(__file__).parent / "fixtures"
    page = "\n".join((fixtures / f"{page}.md").read_text("utf-8") for page in ("all-blocks", "layout"))
    plain = {"postscript": r"^P\.S\.", "callout": r"^:::tip", "fact": r"^- Born: "}
    assert re.search(plain.get(name, rf":{name}\b"), page, re.MULTILINE)


def test_the_reference_tells_of_no_block_that_does_not_exist() -> None:
    assert set(SECTIONS) <= set(CATALOGUE)
