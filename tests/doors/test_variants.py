"""newsletter render --variants, and snippets, as an author meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.author import HELLO

if TYPE_CHECKING:
    from tests.support.author import Author


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with an issue that has three versions, and four readers, one of whom asked for no mail."""
    author.issue('{% if "member" in subscriber.tags %}\nM\n{% elif subscriber.first_name == "Bo" %}\nB\n{% endif %}\n')
    author.reader("ana@example.org", tags=("member",))
    author.reader("cleo@example.org")
    author.reader("dan@example.org")
    return author


def test_variants_are_listed_with_their_recipients_and_what_nobody_gets(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--variants")
    assert answer.code == 0
    lines = [line.strip() for line in answer.out.splitlines()]
    assert lines[0] == "2 variants for 3 recipients"
    assert lines[2].startswith("2  line ")
    assert lines[2].endswith('no {% if "member" in subscriber.tags %}')
    assert lines[4].startswith("1  line ")
    assert lines[6] == "Nobody gets:"
    assert lines[7].endswith('{% elif subscriber.first_name == "Bo" %}')


def test_variants_are_counted_within_a_segment(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--variants", "--segment", "tag:member")
    assert answer.out.startswith("1 variant for 1 recipient\n")
    assert ready.run("render", HELLO, "--segment", "tag:member").code == 2


def test_a_snippet_is_found_beside_the_themes(author: Author) -> None:
    author.issue('{% include "imprint" %}')
    folder = author.folder / "templates" / "snippets"
    folder.mkdir(parents=True)
    (folder / "imprint.md").write_text("Printed in *Nantes*.\n", "utf-8")
    assert "Printed in _Nantes_." in author.run("render", HELLO, "--format", "text").out
    assert "<em>Nantes</em>" in author.run("render", HELLO, "--format", "mjml").out
    (folder / "imprint.md").write_text("\nIn {{ subscriber.twon }}\n", "utf-8")
    answer = author.run("render", HELLO)
    assert answer.code == 3
    assert "templates/snippets/imprint.md:2:4: `{{ subscriber.twon }}`" in answer.err
