"""The catalogue: every block has its template, its place in the documentation, and an example that renders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.render.catalogue import ALERTS, CATALOGUE, SHORTHANDS
from tests.support.examples import DOCS, PAGES, examples, pictured, tell, told, words

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

PAGE = (DOCS / "reference" / "blocks.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


SHOWN = [(path, each) for path in sorted(DOCS.rglob("*.md")) for each in examples(path.read_text("utf-8"))]


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
    assert any(re.search(rf":{name}\b", example) for example in examples(SECTIONS[home])), (
        f"{home}: no example of {name}"
    )


@pytest.mark.parametrize("name", [name for name in CATALOGUE if not CATALOGUE[name].inside])
def test_the_reference_shows_a_picture_of_every_block(name: str) -> None:
    example = pictured()[name]
    assert f"/{name}.png)" in SECTIONS[name]
    assert re.search(rf":{name}\b", example.markdown)
    assert example.path.is_file(), "`make pictures` takes it"


def test_what_plain_markdown_gives_has_its_pictures_too(letter: Any) -> None:
    templates = {found[1] for path in letter.files if (found := re.fullmatch(r"blocks/([\w-]+)\.mjml\.j2", path))}
    # A paragraph is in all of them; text and prose are what holds others together.
    plain = templates - set(CATALOGUE) - {"paragraph", "text", "prose"}
    assert plain <= {name for name, example in pictured().items() if example.page == "markdown"}


@pytest.mark.parametrize(("path", "example"), SHOWN, ids=[f"{path.stem}-{at}" for at, (path, _) in enumerate(SHOWN)])
def test_the_examples_of_the_documentation_render(mail: Make, path: Path, example: str) -> None:
    got = mail(example)
    assert got.body
    assert got.words


@pytest.mark.parametrize("page", PAGES)
def test_the_plain_text_below_each_picture_is_what_a_reader_gets(page: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regenerate", default=False):
        tell(page)
    assert told(page) == {name: words(each) for name, each in pictured().items() if each.page == page}


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
